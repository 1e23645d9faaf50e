/**
 * Acts, opt-outs and imports about the same people at the same time.
 *
 * A lost no would be a state that the history does not explain, or a yes that stands over a no it is older than. Both are
 * looked for after many seeded rounds.
 *
 * @module
 */
import type { Change, Consents, OptOutScope } from '@adieu/core';
import { SILENT, subscriptionValue } from '@adieu/core';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ConsentChange } from './consent-history.ts';
import { consentHistory } from './consent-history.ts';
import type { OptOutRecorder } from './opt-out-recorder.ts';
import { openOptOutRecorder } from './opt-out-recorder.ts';
import type { StoredProfile } from './profile.ts';
import { findProfile } from './profile.ts';
import { importProfiles } from './profile-import.ts';
import type { Scope } from './scope.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import { createScratchTenant, importScratchProfiles, SCRATCH } from './testing/scratch-tenant.ts';

const PEOPLE = 6;
const ACTIONS = 240;
const HOUR = 3_600_000;
const NOW = Date.now();

let scratch: ScratchDatabase;
let recorder: OptOutRecorder;
let scope: Scope;

beforeAll(async () => {
  scratch = await openScratchDatabase({ poolSize: 20 });
  recorder = openOptOutRecorder(scratch.database, { log: SILENT });
});
afterAll(async () => {
  await recorder.close();
  await scratch.close();
});

const SCOPES: readonly OptOutScope[] = ['channel', 'identity', 'subscription'];

/** Numerical Recipes' generator: the same seed, the same order of actions. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function changeOf(level: OptOutScope, to: 'y' | 'n'): Change {
  return { scope: level, channel: 'email', to, ...(level === 'subscription' ? { list: SCRATCH.list } : {}) };
}

/** What imports write is about the same things. */
function documentOf(level: OptOutScope, person: number, val: 'y' | 'n'): Consents {
  if (level === 'channel') return { marketing: { email: { val } } };
  if (level === 'identity')
    return { idSpecific: { Email: { [`p${person}@example.com`]: { marketing: { email: { val } } } } } };
  return { marketing: { email: { subscriptions: { [SCRATCH.list]: { val } } } } };
}

async function actRandomly(pick: (below: number) => number, yesAt: number): Promise<unknown> {
  const person = pick(PEOPLE);
  const level = SCOPES[pick(3)] ?? 'channel';
  const who = {
    by: 'identity',
    namespace: 'CRMID',
    id: `p${person}`,
    addressNamespace: 'Email',
    address: `p${person}@example.com`,
  } as const;
  const act = { organisation: scope.organisation, sandbox: scope.sandbox, who, fingerprint: 'f' };
  switch (pick(5)) {
    case 0:
      return recorder.record({
        ...act,
        scope: level,
        source: 'header_post',
        at: new Date(NOW - HOUR),
        ...(level === 'subscription' ? { list: SCRATCH.list } : {}),
      });
    case 1:
      return recorder.recordAct({
        ...act,
        // Of several widths at once: both kinds of rows are locked.
        changes: [changeOf(level, 'n'), changeOf('identity', 'n'), changeOf('channel', 'n')],
        source: 'landing_page',
        at: new Date(NOW - HOUR),
      });
    case 2:
      return importProfiles(scratch.db, scope, [
        {
          line: 1,
          identities: { CRMID: `p${person}` },
          consents: documentOf(level, person, pick(2) === 0 ? 'y' : 'n'),
        },
      ]);
    default:
      return recorder.recordAct({
        ...act,
        changes: SCOPES.map((each) => changeOf(each, 'y')),
        source: 'preference_centre',
        at: new Date(yesAt),
      });
  }
}

function stateOf(profile: StoredProfile, level: OptOutScope): string {
  const marketing = profile.consents.marketing?.email;
  if (level === 'identity') return profile.address?.consents.email?.val ?? 'u';
  if (level === 'channel') return marketing?.val ?? 'u';
  return subscriptionValue(marketing?.subscriptions?.[SCRATCH.list]) ?? 'u';
}

/** Every person's state and rows about each scope, oldest first. */
async function outcome() {
  const found: { readonly state: string; readonly rows: readonly ConsentChange[] }[] = [];
  for (let person = 0; person < PEOPLE; person += 1) {
    const profile = await findProfile(scratch.db, scope, 'CRMID', `p${person}`);
    if (profile === null) throw new Error('a profile vanished');
    const history = (await consentHistory(scratch.db, scope, profile)).reverse();
    for (const level of SCOPES) {
      found.push({ state: stateOf(profile, level), rows: history.filter((row) => row.scope === level) });
    }
  }
  return found;
}

test.each([1, 2, 3, 4])(
  'X7 X8: whatever the order (seed %i), the history explains the state, and no older yes stands over a no',
  async (seed) => {
    scope = await createScratchTenant(scratch.db);
    await importScratchProfiles(scratch.db, scope, PEOPLE);
    const pick = seeded(seed);
    // Every yes was said before any no: whoever said no at all has to be out in the end.
    const older = seed % 2 === 0;
    const yesAt = older ? NOW - 2 * HOUR : NOW + HOUR;
    await Promise.all(Array.from({ length: ACTIONS }, () => actRandomly(pick, yesAt)));
    let lifted = 0;
    for (const { state, rows } of await outcome()) {
      expect(rows.at(-1)?.to ?? 'u').toBe(state);
      expect(rows.map(({ from }) => from)).toEqual(['u', ...rows.map(({ to }) => to)].slice(0, rows.length));
      lifted += rows.filter(({ from, to }) => from === 'n' && to === 'y').length;
      if (older && rows.some(({ to }) => to === 'n')) expect(state).toBe('n');
    }
    if (older) expect(lifted).toBe(0);
    else expect(lifted).toBeGreaterThan(0);
  },
);
