/**
 * Executions that name somebody who is being erased, and have not been expanded.
 *
 * One rule: who stands among their recipients is counted as excluded when the time comes, and is named no more. Whom an
 * expanded execution went to stands in its messages alone.
 *
 * @module
 */
import type { Db } from './database.ts';
import type { Recipient } from './execution.ts';
import { nameOf } from './identity.ts';
import { ERASED_RECIPIENT, readRecipient } from './recipient.ts';
import { prepared, run } from './statement.ts';
import { storableJson } from './storable.ts';

/** How a person may be named. */
export interface ErasedNames {
  /** Identities and addresses that are this person's alone, as {@link nameOf} writes them. */
  readonly names: ReadonlySet<string>;
  /** Their ids, in lower case. */
  readonly ids: ReadonlySet<string>;
}

interface Row {
  readonly id: number;
  readonly recipients: readonly (Recipient | null)[] | null;
  readonly audience: unknown;
}

const OPEN = prepared<Row>(
  'unexpanded_executions',
  `SELECT id, recipients, audience FROM execution WHERE sandbox_id = $1 AND expanded_at IS NULL ORDER BY id FOR NO KEY UPDATE`,
);

const WRITE = prepared<never>(
  'write_execution_whom',
  `UPDATE execution SET recipients = $2::json, audience = $3::jsonb WHERE id = $1`,
);

/** Takes a person out of executions and answers how many named them, in the caller's transaction. */
export async function eraseFromExecutions(
  transaction: Db,
  sandboxId: number,
  names: ErasedNames,
): Promise<number> {
  let changed = 0;
  for (const { id, recipients, audience } of await run(transaction, OPEN, [sandboxId])) {
    const others = recipients?.map((recipient) => (isMeant(recipient, names) ? ERASED_RECIPIENT : recipient));
    const filter = withoutIds(audience, names.ids);
    const before = JSON.stringify([recipients ?? null, audience]);
    if (before === JSON.stringify([others ?? null, filter])) continue;
    changed += 1;
    const texts = [others ?? null, filter].map((part) =>
      part === null ? null : storableJson(part as object),
    );
    await run(transaction, WRITE, [id, ...texts]);
  }
  return changed;
}

/** Whether a recipient is the person, or goes to an address that is nobody else's. */
export function isMeant(recipient: Recipient | null, { names }: ErasedNames): boolean {
  const { person, address } = readRecipient(recipient);
  const [own] = person?.identities ?? [];
  if (own !== undefined && names.has(nameOf(own))) return true;
  return address !== null && names.has(nameOf({ namespaceKey: 'email', value: address.key }));
}

/** A filter without the ids of a person; what stands there instead is nobody's attribute. */
function withoutIds(value: unknown, ids: ReadonlySet<string>): unknown {
  if (typeof value === 'string' || typeof value === 'number') {
    return ids.has(String(value).trim().toLowerCase()) ? ERASED_RECIPIENT : value;
  }
  if (Array.isArray(value)) return value.map((item) => withoutIds(item, ids));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutIds(item, ids)]));
}
