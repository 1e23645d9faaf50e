/**
 * Somebody to erase: a person in whose every value one word stands, and the calls that bring them in and forget them.
 *
 * One rule: each scene has a tenant and a word of its own, so that a walk over all tables finds nobody else's.
 *
 * @module
 */
import { type Address, type KeyRing, parseAddress, SILENT } from '@adieu/core';
import { putEntries } from '../delivery-list.ts';
import type { ErasureReceipt } from '../erasure.ts';
import { eraseProfile } from '../erasure.ts';
import type { OptOutRecorder } from '../opt-out-recorder.ts';
import { openOptOutRecorder } from '../opt-out-recorder.ts';
import type { StoredProfile } from '../profile.ts';
import { findProfile } from '../profile.ts';
import { type ImportOutcome, importProfiles } from '../profile-import.ts';
import type { Scope } from '../scope.ts';
import { addressStanding } from '../standing.ts';
import { attachKeyRing } from '../tombstone.ts';
import type { ScratchDatabase } from './scratch-database.ts';
import { createScratchTenant } from './scratch-tenant.ts';

let scenes = 0;

/** One person of one tenant. */
export interface ErasureScene {
  readonly scope: Scope;
  readonly recorder: OptOutRecorder;
  /** The word. */
  readonly canary: string;
  readonly person: ReturnType<typeof personOf>;
  /** Their address as it compares. */
  readonly address: Address;
  erase(namespace?: string, id?: string): Promise<ErasureReceipt | null>;
  take(...records: object[]): Promise<ImportOutcome>;
  find(namespace: string, id: string): Promise<StoredProfile>;
  suppress(reason: 'manual' | 'hard' | 'complaint'): Promise<void>;
  standing(): ReturnType<typeof addressStanding>;
}

/** Opens a scene under a key ring. The caller closes the recorder. */
export async function openErasureScene(
  { database, db }: ScratchDatabase,
  ring: KeyRing,
): Promise<ErasureScene> {
  attachKeyRing(db, ring);
  const scope = await createScratchTenant(db);
  const recorder = openOptOutRecorder(database, { log: SILENT, patienceSeconds: 0.1 });
  scenes += 1;
  const canary = `kanarienvogel${scenes}x`;
  const person = personOf(canary);
  const parsed = parseAddress(person.identities.Email);
  if (!parsed.ok) throw new Error(parsed.reason);
  const { address } = parsed;
  return {
    scope,
    recorder,
    canary,
    person,
    address,
    erase: (namespace = 'CRMID', id = person.identities.CRMID) =>
      eraseProfile(db, scope, { namespace, id, apiKeyId: 'tests', recordOptOut: recorder.record }),
    take: (...records) =>
      importProfiles(
        db,
        scope,
        records.map((record, index) => ({ line: index + 1, ...record })),
      ),
    find: async (namespace, id) => {
      const found = await findProfile(db, scope, namespace, id);
      if (found === null) throw new Error(`no profile ${namespace} ${id}`);
      return found;
    },
    suppress: async (reason) => {
      const { key } = address;
      const entry = {
        kind: 'email',
        key,
        spelling: key,
        reason,
        comment: `told by ${canary}`,
        author: canary,
      } as const;
      await putEntries(db, scope, { list: 'suppressed', source: 'admin', entries: [entry] });
    },
    standing: () => addressStanding(db, scope, address),
  };
}

function personOf(word: string) {
  return {
    identities: { CRMID: `${word}-1`, Email: `Anna.${word}@${word}.example.com` },
    attributes: { person: { name: { firstName: word } } },
  };
}
