/**
 * Importing profiles: one transaction per call, the same few statements for one record or for five hundred.
 *
 * One rule: an import adds to what is known and never lifts a no (X7). Rows are locked before they are read, profiles
 * by id and then addresses by id, so that an opt-out which commits meanwhile is not written over. Who was erased comes back
 * opted out.
 *
 * @module
 */
import type { Consents, IdentityConsents } from '@adieu/core';
import { identityKey, mergeImport, namespaceKey } from '@adieu/core';
import type { AddressNumbers, NamedAddress } from './address.ts';
import { ensureAddresses, nameAddress } from './address.ts';
import type { OwnedTransition } from './consent-change.ts';
import { addressTransitions, appendTransitions, profileTransitions } from './consent-change.ts';
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import type { RegisteredProfile } from './identity.ts';
import { openRegister } from './identity.ts';
import { withPartitions } from './partition.ts';
import type { ProfileRecord, ReadRecord, RejectedRecord } from './profile-record.ts';
import { isRejected, readRecord } from './profile-record.ts';
import type { AddressState, ProfileState } from './profile-state.ts';
import { loadStates, writeStates } from './profile-state.ts';
import { insertProfiles, numberProfiles, writeIdentities, writeUsages } from './profile-write.ts';
import type { Returned } from './returning.ts';
import { findReturned, keptOut } from './returning.ts';
import type { Scope } from './scope.ts';
import { keepStatistics, PROFILE_TABLES } from './statistics.ts';
import { ERASED } from './tombstone.ts';

/** What an import did. */
export interface ImportOutcome {
  /** Records that were taken. */
  readonly upserted: number;
  readonly rejected: RejectedRecord[];
  /** Records that were taken, but for a yes where the person's no stands. */
  readonly kept: KeptRecord[];
}

/** Where a no was kept against a record, as dotted paths. An address is left out of its path: it is about a person. */
export interface KeptRecord {
  readonly line: number;
  readonly paths: readonly string[];
  /** The no is that of somebody who was erased, whether the record says otherwise or not. */
  readonly erased: boolean;
}

interface Imported {
  readonly conflicts: RejectedRecord[];
  readonly kept: KeptRecord[];
}

interface Taken {
  readonly record: ReadRecord;
  readonly profile: RegisteredProfile;
  /** Addresses it speaks about, its Email included. */
  readonly addresses: readonly NamedAddress[];
}

/** Imports records (at most some hundreds) in order: a later one of the same person adds to an earlier one. */
export async function importProfiles(
  db: Db,
  scope: Scope,
  records: readonly ProfileRecord[],
): Promise<ImportOutcome> {
  const read = records.map(readRecord);
  const rejected = read.filter(isRejected);
  const good = read.filter((record): record is ReadRecord => !isRejected(record));
  if (good.length === 0) return { upserted: 0, rejected, kept: [] };
  const { conflicts, kept } = await withPartitions(db, () =>
    retrying(() => db.transaction().execute((transaction) => importGood(transaction, scope.sandboxId, good))),
  );
  await keepStatistics(db, PROFILE_TABLES);
  const all = [...rejected, ...conflicts].sort((a, b) => a.line - b.line);
  return { upserted: good.length - conflicts.length, rejected: all, kept };
}

/** Answers the records whose identities contradict each other. */
async function importGood(db: Db, sandboxId: number, records: readonly ReadRecord[]): Promise<Imported> {
  const register = await openRegister(
    db,
    sandboxId,
    records.map((record) => record.person),
  );
  const conflicts: RejectedRecord[] = [];
  const taken: Taken[] = [];
  for (const record of records) {
    const found = register.find(record.person);
    if (found === 'conflict') {
      conflicts.push({
        line: record.line,
        code: 'identity_conflict',
        detail: 'These identities name two people.',
      });
      continue;
    }
    const profile = found ?? register.create(record.person);
    if (found !== null) for (const identity of record.person.identities) register.adopt(found, identity);
    taken.push({ record, profile, addresses: addressesOf(record) });
  }
  return { conflicts, kept: await writeTaken(db, sandboxId, taken) };
}

async function writeTaken(db: Db, sandboxId: number, taken: readonly Taken[]): Promise<KeptRecord[]> {
  const profiles = [...new Set(taken.map(({ profile }) => profile))];
  const created = profiles.filter((profile) => profile.isNew);
  const numbers = await ensureAddresses(
    db,
    sandboxId,
    taken.flatMap(({ addresses }) => addresses),
  );
  await numberProfiles(db, created);
  const states = await loadStates(db, {
    profiles: profiles.filter((profile) => !profile.isNew).map((profile) => profile.id),
    addresses: taken.flatMap(({ record }) => spokenAbout(record).map(({ address }) => numbers(address))),
  });
  for (const profile of created) states.profiles.set(profile.id, emptyState());
  const returned = await findReturned(db, sandboxId, profiles);
  const out = profiles.flatMap((profile) => leaveOut(profile, returned, states));
  const applied = taken.map((entry) => {
    const was = states.profiles.get(entry.profile.id)?.consents.marketing?.email?.reason === ERASED;
    const done = apply(entry, numbers, states);
    return { ...done, erased: returned.has(entry.profile) || (was && done.paths.length > 0) };
  });
  await insertProfiles(
    db,
    sandboxId,
    created.map((profile) => ({ profile, ...documentsOf(states.profiles.get(profile.id)) })),
  );
  for (const profile of created) states.profiles.delete(profile.id);
  await writeStates(db, states);
  await writeIdentities(db, sandboxId, profiles);
  await writeUsages(
    db,
    taken.flatMap(({ profile, addresses }) =>
      addresses.map((address) => ({ profileId: profile.id, addressId: numbers(address) })),
    ),
  );
  const transitions = [...out, ...applied.flatMap((entry) => entry.transitions)];
  await appendTransitions(db, transitions, { sandboxId, source: 'import' });
  return applied.flatMap(({ line, paths, erased }) =>
    paths.length === 0 && !erased ? [] : [{ line, paths, erased }],
  );
}

interface States {
  readonly profiles: Map<number, ProfileState>;
  readonly addresses: Map<number, AddressState>;
}

/** What is said of who comes back, before the record is heard. It is a change only of who was there. */
function leaveOut(profile: RegisteredProfile, returned: Returned, states: States): OwnedTransition[] {
  const state = states.profiles.get(profile.id);
  if (state === undefined) return [];
  const consents = keptOut(returned, profile, state.consents);
  states.profiles.set(profile.id, { ...state, consents });
  const changes = profile.isNew ? [] : profileTransitions(state.consents, consents);
  return changes.map((change) => ({ ...change, profileId: profile.id, addressId: null }));
}

interface Applied extends Omit<KeptRecord, 'erased'> {
  readonly transitions: readonly OwnedTransition[];
}

/** Merges one record into the states and answers what changed, and where a no was kept. */
function apply({ record, profile }: Taken, numbers: AddressNumbers, states: States): Applied {
  const state = states.profiles.get(profile.id);
  if (state === undefined) throw new Error('a profile vanished under its lock');
  const { consents, kept } = mergeImport(state.consents, record.consents);
  const changes = profileTransitions(state.consents, consents);
  states.profiles.set(profile.id, {
    addressId: record.email === null ? state.addressId : numbers(nameAddress(record.email)),
    attributes: { ...state.attributes, ...record.attributes },
    consents,
  });
  const paths = [...kept];
  const own = changes.map((change) => ({ ...change, profileId: profile.id, addressId: null }));
  const others = spokenAbout(record).flatMap(({ address, consents: incoming }) => {
    const addressId = numbers(address);
    const before = states.addresses.get(addressId)?.consents ?? {};
    const merged = mergeIdentity(before, incoming);
    const after = merged.consents;
    paths.push(...merged.kept.map((path) => `idSpecific.${address.namespace}.${path}`));
    states.addresses.set(addressId, { consents: after });
    const found = addressTransitions(before.marketing ?? {}, after.marketing ?? {});
    return found.map((change) => ({ ...change, profileId: profile.id, addressId }));
  });
  return { line: record.line, paths, transitions: [...own, ...others] };
}

const ONE = 'idSpecific.Email.one.';

/** One identity merged by the rule for all of them; the names are only places to put it. */
function mergeIdentity(
  current: IdentityConsents,
  incoming: IdentityConsents,
): { readonly consents: IdentityConsents; readonly kept: readonly string[] } {
  const wrap = (consents: IdentityConsents): Consents => ({ idSpecific: { Email: { one: consents } } });
  const { consents, kept } = mergeImport(wrap(current), wrap(incoming));
  return {
    consents: consents.idSpecific?.Email?.one ?? current,
    kept: kept.map((path) => path.slice(ONE.length)),
  };
}

function spokenAbout(record: ReadRecord): { address: NamedAddress; consents: IdentityConsents }[] {
  return Object.entries(record.idSpecific).flatMap(([namespace, identities]) =>
    Object.entries(identities).map(([id, consents]) => {
      const key = identityKey(namespace, id);
      return { address: { namespace, namespaceKey: namespaceKey(namespace), key, spelling: key }, consents };
    }),
  );
}

/** Its Email first: that spelling is the one to keep. */
function addressesOf(record: ReadRecord): NamedAddress[] {
  const email = record.email === null ? [] : [nameAddress(record.email)];
  return [...email, ...spokenAbout(record).map(({ address }) => address)];
}

function emptyState(): ProfileState {
  return { addressId: null, attributes: {}, consents: {} };
}

function documentsOf(state: ProfileState = emptyState()) {
  const { addressId, attributes, consents } = state;
  return { addressId, attributes: JSON.stringify(attributes), consents: JSON.stringify(consents) };
}
