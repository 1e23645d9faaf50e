/**
 * The evidence of a person's choices, newest first (X8).
 *
 * One rule: rows are only ever added, by the statement that changed the consent. What was said about an address
 * belongs to the history of every profile that uses it.
 *
 * @module
 */
import type { ChoiceSubject, ConsentValue, OptOutScope, OptOutSource } from '@adieu/core';
import type { Db } from './database.ts';
import type { StoredProfile } from './profile.ts';
import type { Scope } from './scope.ts';
import { prepared, run } from './statement.ts';

/** One change, as `GET …/consent-history` answers it. */
export interface ConsentChange {
  /** ISO 8601. */
  readonly at: string;
  readonly scope: OptOutScope;
  readonly channel: ChoiceSubject;
  readonly address?: string;
  readonly list?: string;
  readonly from: ConsentValue;
  readonly to: ConsentValue;
  readonly source: OptOutSource;
  readonly messageId?: string;
  readonly executionId?: number;
  /** Where an operator keeps the proof. */
  readonly reference?: string;
}

const CONSENT_HISTORY = prepared<{ readonly change: ConsentChange }>(
  'consent_history',
  `SELECT jsonb_strip_nulls(jsonb_build_object(
     'at', to_char(h.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
     'scope', h.scope, 'channel', h.channel, 'address', a.spelling, 'list', h.list, 'from', h.from_value,
     'to', h.to_value, 'source', h.source, 'messageId', h.message_id, 'executionId', h.execution_id,
     'reference', h.reference)) AS change
   FROM consent_history h LEFT JOIN address a ON a.id = h.address_id
   WHERE h.sandbox_id = $1
     AND (h.profile_id = $2 OR (h.scope = 'identity' AND h.address_id = ANY ($3::bigint[])))
   ORDER BY h.id DESC`,
);

/** Every recorded change of a profile's consents, of all channels, newest first. */
export async function consentHistory(db: Db, scope: Scope, profile: StoredProfile): Promise<ConsentChange[]> {
  const addresses = profile.addresses.map((address) => address.id);
  const rows = await run(db, CONSENT_HISTORY, [scope.sandboxId, profile.id, addresses]);
  return rows.map((row) => row.change);
}
