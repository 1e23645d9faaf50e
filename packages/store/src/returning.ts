/**
 * Who comes back after an erasure: profiles that are given an identity of somebody who was erased.
 *
 * One rule: they start opted out, whatever brought them, and a profile that was there already is opted out by being given
 * such an identity. Only what the person says after the erasure lifts it.
 *
 * @module
 */
import type { Consents } from '@adieu/core';
import { appendTransitions, profileTransitions } from './consent-change.ts';
import type { Db } from './database.ts';
import type { RegisteredProfile } from './identity.ts';
import { loadStates, writeStates } from './profile-state.ts';
import type { Tombstone } from './tombstone.ts';
import { findTombstones, outSince } from './tombstone.ts';

/** Profiles that came back, and since when they are out. */
export type Returned = ReadonlyMap<RegisteredProfile, Tombstone>;

/** Looks at the identities that are about to be written, for all profiles at once. */
export async function findReturned(
  db: Db,
  sandboxId: number,
  profiles: readonly RegisteredProfile[],
): Promise<Returned> {
  const added = profiles.flatMap((profile) => profile.added.map((identity) => ({ profile, identity })));
  const names = added.map(({ identity }) => identity);
  const tombstones = await findTombstones(db, sandboxId, names);
  return new Map(
    added.flatMap(({ profile, identity }) => {
      const tombstone = tombstones(identity);
      return tombstone === null ? [] : [[profile, tombstone] as const];
    }),
  );
}

/** The consents of a profile, opted out if it came back. */
export function keptOut(returned: Returned, profile: RegisteredProfile, consents: Consents): Consents {
  const tombstone = returned.get(profile);
  if (tombstone === undefined || consents.marketing?.email?.val === 'n') return consents;
  return outSince(consents, tombstone);
}

/** Opts out the profiles among them that were there already. */
export async function keepOut(db: Db, sandboxId: number, returned: Returned): Promise<void> {
  const known = [...returned.keys()].filter((profile) => !profile.isNew);
  if (known.length === 0) return;
  const states = await loadStates(db, { profiles: known.map(({ id }) => id), addresses: [] });
  const transitions = known.flatMap((profile) => {
    const state = states.profiles.get(profile.id);
    if (state === undefined) return [];
    const consents = keptOut(returned, profile, state.consents);
    states.profiles.set(profile.id, { ...state, consents });
    const changes = profileTransitions(state.consents, consents);
    return changes.map((change) => ({ ...change, profileId: profile.id, addressId: null }));
  });
  await writeStates(db, states);
  await appendTransitions(db, transitions, { sandboxId, source: 'import' });
}
