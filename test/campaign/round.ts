/**
 * One round: an execution, people who leave while it runs, and faults at moments when they hurt.
 *
 * One rule: a fault counts only if, when it struck, at least 100 messages were `sending` or `sent` and more were to come, and
 * if it met something. One that does not count is done again later.
 *
 * @module
 */
import { mailTo, stateOf } from './brand-call.ts';
import type { ExecutionFact, Span } from './checker.ts';
import { type Fault, mayOvertake, OVERTAKING_DELAY_MS, relayConnectionsHit } from './fault.ts';
import { type Departures, monotonic } from './leavers.ts';
import type { PostOffice } from './post-office.ts';
import { type Saboteur, sleep } from './saboteur.ts';
import type { Chance } from './seed.ts';
import { CONNECTIONS, type Stage } from './stage.ts';
import { aboutToBeMailed, type Progress, progressOf } from './witness.ts';

/** What rounds have in common. */
export interface RoundDeps {
  readonly stage: Stage;
  /** With a relay that takes its time the execution lasts, and there is something on the wire at any moment. */
  readonly relayPauseMs: number;
  readonly saboteur: Saboteur;
  readonly office: PostOffice;
  readonly departures: Departures;
  readonly chance: Chance;
  /** The next fault, again and again until it counted; null when there were enough. */
  readonly next: () => Fault | null;
  readonly counted: (fault: Fault) => void;
  readonly say: (line: string) => void;
}

/** Who is mailed. */
export interface Mailing {
  /** Null: everybody. */
  readonly block: number | null;
  readonly people: readonly string[];
  /** No faults, and nobody leaves. */
  readonly quiet: boolean;
}

/** A fault that met something, and how long it may have been felt. */
interface Struck {
  readonly fault: Fault;
  readonly span: Span;
}

const ENOUGH = 100;
/** An execution that has not ended by then, with everything in order again, never will. */
const PATIENCE_MS = 240_000;
/** People who leave in one round, at most: the others have to be mailed again. */
const LEAVING_SHARE = 0.25;

/** Runs a round to its end. */
export async function runRound(mailing: Mailing, deps: RoundDeps): Promise<ExecutionFact> {
  const { stage, saboteur, departures, say } = deps;
  await stage.setRelayPause(mailing.quiet ? 0 : deps.relayPauseMs);
  const at = monotonic();
  const id = await mailTo(stage, mailing.block);
  const struck: Struck[] = [];
  const life = { over: false };
  if (!mailing.quiet) {
    const leaving = letLeave(id, mailing, life, deps);
    await strikeUntilOver(id, mailing, deps, struck);
    await waitFor(async () => isOver(await progressOf(stage, id)));
    life.over = true;
    await leaving;
  }
  await saboteur.makeGood();
  const finished = await waitFor(async () => {
    const progress = await progressOf(stage, id);
    return isOver(progress) && departures.waiting() === 0;
  });
  const state = await stateOf(stage, id);
  say(`execution ${id}: ${struck.length} faults, ${((monotonic() - at) / 1000).toFixed(1)} s, ${state}`);
  return {
    id,
    people: mailing.people,
    at,
    finished: finished && state === 'finished',
    slow: struck.filter(({ fault }) => mayOvertake(fault)).map(({ span }) => span),
    unknownBound: struck.reduce((sum, { fault }) => sum + 2 * relayConnectionsHit(fault, CONNECTIONS), 0),
  };
}

function isOver(progress: Progress | null): boolean {
  return progress?.expanded === true && progress.open === 0;
}

async function strikeUntilOver(
  id: number,
  mailing: Mailing,
  deps: RoundDeps,
  struck: Struck[],
): Promise<void> {
  const { saboteur, chance, say } = deps;
  const before = deps.office.mails.length;
  for (let fault = deps.next(); fault !== null; fault = deps.next()) {
    await sleep(chance.whole(100, 700));
    if (!(await waitForMoment(fault, id, { before, mailing }, deps))) return;
    const from = monotonic();
    const met = await saboteur.commit(fault);
    // What was still on its way when the wire healed arrives that much later.
    const span = { from, to: monotonic() + OVERTAKING_DELAY_MS };
    if (met) {
      struck.push({ fault, span });
      deps.counted(fault);
    } else say(`not counted, it met nothing: ${JSON.stringify(fault)}`);
  }
}

/** Resolves with true when the fault can strike where it hurts, with false when the execution is over. */
async function waitForMoment(
  fault: Fault,
  id: number,
  { before, mailing }: { readonly before: number; readonly mailing: Mailing },
  { stage, saboteur, office, departures }: RoundDeps,
): Promise<boolean> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const progress = await progressOf(stage, id);
    if (isOver(progress)) return false;
    if (saboteur.canHit(fault)) {
      if (progress !== null && progress.under >= ENOUGH && progress.open > 0) return true;
      if (progress === null) {
        // The database is away: the sink knows as well.
        await office.read();
        const arrived = office.mails.length - before;
        if (arrived >= ENOUGH && arrived + departures.facts.length < mailing.people.length) return true;
      }
    }
    await sleep(50);
  }
  return false;
}

/** Aims at people who are on the wire or next; while the database is away at anybody. */
async function letLeave(
  id: number,
  { people }: Mailing,
  life: { readonly over: boolean },
  { stage, office, departures, chance }: RoundDeps,
): Promise<void> {
  let left = Math.floor(people.length * LEAVING_SHARE);
  while (!life.over) {
    const aimed = await aboutToBeMailed(stage, id);
    for (const person of aimed.length > 0 ? aimed : [chance.one(people)]) {
      const doors = office.doors(person);
      if (doors.length === 0) continue;
      const door = chance.one(doors);
      if (departures.has(person)) departures.repeat(door);
      else if (left > 0) {
        departures.leave(person, door);
        left--;
      }
    }
    // Repeats keep the doors busy once enough have left.
    const gone = departures.facts.at(-1);
    const ways = gone === undefined ? [] : office.doors(gone.person);
    if (ways.length > 0) departures.repeat(chance.one(ways));
    await sleep(chance.whole(150, 600));
  }
}

async function waitFor(condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    if (await condition()) return true;
    await sleep(100);
  }
  return false;
}
