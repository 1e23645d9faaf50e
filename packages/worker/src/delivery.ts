/**
 * The delivery of one batch: claim, gate, compose, intent, send, settle, release.
 *
 * The queue only says where to look. The rule: a message leaves only between an intent that was committed no longer
 * than two seconds ago, under a lease that still holds, and the outcome that is written before its slot is given away.
 * An opt-out which commits before the intent therefore always wins, and whatever kills this process leaves at most two
 * messages for each connection whose fate is not known (OH-27, S6, S9).
 *
 * @module
 */
import { gateMessage, isFailure } from '@adieu/core';
import {
  bookPermits,
  type Claim,
  type ClaimedMessage,
  claimBatch,
  clearMessage,
  exclude,
  loadDelivery,
  markMessage,
  reread,
  SUSPICIOUS,
} from '@adieu/store';
import type { Composers } from './composers.ts';
import { type FlightDeps, fly, intend } from './flight.ts';
import { type KeptLease, keepLease } from './lease.ts';
import { openPreparation, type Preparation, type Prepared } from './preparation.ts';
import type { Relay, Slot } from './relay.ts';
import type { Turnstile } from './turnstile.ts';

/** What deliveries of one worker share. */
export interface DeliveryDeps extends Omit<FlightDeps, 'lease' | 'delivery'> {
  readonly relay: Relay;
  readonly composers: Composers;
  /** Names this worker in leases. */
  readonly owner: string;
  readonly leaseSeconds: number;
  /** Where messages that may end this process go one by one. */
  readonly turnstile: Turnstile;
}

/** The batch a job names. */
export interface BatchJob {
  readonly executionId: number;
  readonly batch: number;
  readonly fence: number;
}

/** A message that keeps coming back is left to a later claim, so that it does not hold up the batch. */
const RETURNS = 5;
/** How long a batch waits whose messages cannot be composed, or keep coming back. Milliseconds. */
const HOLD_MS = 60_000;
const LEFT_MS = 10_000;

/** Delivers what is due in a batch. Rejects never; what went wrong is logged and due again. */
export async function deliverBatch(job: BatchJob, deps: DeliveryDeps): Promise<void> {
  const { db, ledger, tally, log, owner, leaseSeconds } = deps;
  if (deps.stopping() || ledger.away()) return;
  const since = performance.now();
  const claim = await claimBatch(db, { ...job, owner, leaseSeconds }).catch((error: unknown) => {
    log.warn({ ...job, error: String(error) }, 'batch not claimed');
    return null;
  });
  if (claim === null) return;
  tally.batch('claimed');
  const lease = keepLease(db, claim.lease, { since, log });
  let notBefore: Date | null = null;
  const passage: Passage = { survivor: null, through: claim.deaths < SUSPICIOUS };
  try {
    notBefore = await deliverClaim({ claim, lease, passage }, deps);
  } catch (error) {
    // The database is away, or nothing of this delivery can leave: it is due again, by itself or when put right.
    const away = isFailure(error) && error.code === 'database_unavailable';
    if (!away) notBefore = new Date(deps.now().getTime() + HOLD_MS);
    tally.batch('held');
    log[away ? 'warn' : 'error'](
      { ...job, error: isFailure(error) ? error.code : String(error) },
      'batch held',
    );
  } finally {
    if (!lease.held()) tally.batch('lost');
    lease.stop();
  }
  const { through } = passage;
  const survivor = lease.stalled() ? null : passage.survivor;
  await ledger.release(claim.lease, { notBefore, survivor, deaths: through ? 0 : claim.deaths });
}

/** How the messages of a batch that has outlived its workers go through, one by one. */
interface Passage {
  /** The message that was marked last. */
  survivor: string | null;
  /** All of them went through: the batch is above suspicion again. */
  through: boolean;
}

interface Claimed {
  readonly claim: Claim;
  readonly lease: KeptLease;
  readonly passage: Passage;
}

/** Works through a claim; answers when the rest is due, or null for at once. */
async function deliverClaim({ claim, lease, passage }: Claimed, deps: DeliveryDeps): Promise<Date | null> {
  // Composing and signing would be in vain. The claim itself was not: it has ended what had to end.
  const downUntil = deps.relay.down();
  if (downUntil !== null) return downUntil;
  const delivery = await loadDelivery(deps.db, claim.lease.executionId);
  const preparation = openPreparation({
    gate: gateMessage(delivery.configuration, delivery.list?.name ?? null),
    defaults: claim.defaults,
    composer: await deps.composers.open(delivery),
    now: deps.now,
    log: deps.log,
    ahead: deps.relay.capacity,
  });
  const flights = new Set<Promise<void>>();
  const run: Run = { preparation, flights, flightDeps: { ...deps, lease, delivery }, passage, left: 0 };
  preparation.add(claim.messages, 0);
  let retryAt: Date | null;
  try {
    retryAt = await workThrough(run, deps);
  } finally {
    await Promise.all(flights);
    deps.tally.unsigned(preparation.held());
  }
  if (retryAt !== null) return retryAt;
  const wait = run.left > 0 ? LEFT_MS : preparation.held() > 0 ? HOLD_MS : null;
  return wait === null ? null : new Date(deps.now().getTime() + wait);
}

/** One claim under way. */
interface Run {
  readonly preparation: Preparation;
  readonly flightDeps: FlightDeps;
  /** Messages with a connection, until their outcome is written. */
  readonly flights: Set<Promise<void>>;
  readonly passage: Passage;
  /** Messages left to a later claim because they kept coming back. */
  left: number;
}

/** Begins messages as rate and suspicion allow, until none is left; answers when to go on with what is. */
async function workThrough(run: Run, deps: DeliveryDeps): Promise<Date | null> {
  const { preparation, passage } = run;
  const suspicious = !passage.through;
  for (;;) {
    await writeExclusions(run);
    const next = preparation.next();
    if (next === undefined) passage.through = true;
    if (next === undefined || !goesOn(run, deps)) return null;
    const retryAt = suspicious
      ? await deps.turnstile(() => beginOne(run, next, deps))
      : await begin(run, preparation.waiting(), deps);
    if (retryAt !== null) return retryAt;
  }
}

/** Begins at most so many messages, and comes back when they have gone. */
async function begin(run: Run, wanted: number, deps: DeliveryDeps): Promise<Date | null> {
  const { lease, delivery } = run.flightDeps;
  const { messagesPerSecond } = delivery;
  if (messagesPerSecond === null) run.preparation.grant(wanted);
  else {
    const booking = await bookPermits(deps.db, lease.lease, { wanted, messagesPerSecond });
    if (booking?.kind === 'later') return booking.from;
    if (booking === null) await lease.confirm();
    else run.preparation.grant(booking.count);
  }
  return pump(run, deps);
}

/** Begins one message of a batch that has ended its workers. The mark stands before anything is done with it. */
async function beginOne(run: Run, message: ClaimedMessage, deps: DeliveryDeps): Promise<Date | null> {
  const { db, lease } = run.flightDeps;
  if (!goesOn(run, deps)) return null;
  // Before the answer, which may be lost while the mark stands.
  run.passage.survivor = message.messageId;
  if (!(await markMessage(db, lease.lease, message.messageId))) {
    run.passage.survivor = null;
    await lease.confirm();
    return null;
  }
  const retryAt = await begin(run, 1, deps);
  await Promise.all(run.flights);
  if (!lease.stalled()) {
    await clearMessage(db, lease.lease, message.messageId);
    run.passage.survivor = null;
  }
  return retryAt;
}

function goesOn({ flightDeps }: Run, { ledger, stopping }: Pick<FlightDeps, 'ledger' | 'stopping'>): boolean {
  return !stopping() && flightDeps.lease.held() && !ledger.away();
}

/** Moves messages from preparation to connections until none is left; answers when to go on, where the relay is down. */
async function pump(run: Run, deps: DeliveryDeps): Promise<Date | null> {
  const { preparation, flights } = run;
  const { relay } = deps;
  while (goesOn(run, deps)) {
    const ready = await preparation.ready();
    await writeExclusions(run);
    if (ready === 0) {
      if (flights.size === 0) return null;
      // What is under way may come back.
      await Promise.race(flights);
      continue;
    }
    const reservation = await relay.reserve(ready);
    if (reservation.kind === 'down') return reservation.retryAt;
    await dispatch(run, reservation.slots);
  }
  return null;
}

async function writeExclusions({ preparation, flightDeps }: Run): Promise<void> {
  const { db, lease, tally } = flightDeps;
  const found = preparation.exclusions();
  if (found.length > 0) tally.count('excluded', await exclude(db, lease.lease, found));
}

/** Commits the intent for as many messages as there are slots, and sends those that it admits. */
async function dispatch(run: Run, slots: readonly Slot[]): Promise<void> {
  const { preparation, flights, flightDeps } = run;
  const free = [...slots];
  try {
    const chosen = preparation.take(free.length);
    if (chosen.length === 0 || !goesOn(run, flightDeps)) return;
    const intent = await intend(chosen, flightDeps);
    for (const prepared of chosen) {
      const slot = intent.admitted.has(prepared.message.messageId) ? free.shift() : undefined;
      if (slot === undefined) continue;
      const flight: Promise<void> = fly({ prepared, slot, ...intent }, flightDeps)
        .then((written) => (written ? undefined : comeBack(run, prepared)))
        .finally(() => {
          slot.release();
          flights.delete(flight);
        });
      flights.add(flight);
    }
    await gateAgain(
      run,
      chosen.filter((prepared) => !intent.admitted.has(prepared.message.messageId)),
    );
  } finally {
    for (const slot of free) slot.release();
  }
}

/** Given back by its connection: another one may have it. */
function comeBack(run: Run, prepared: Prepared): void {
  if (prepared.returns + 1 < RETURNS) run.preparation.putBack(prepared);
  else run.left++;
}

/** What the intent sent back has a new standing, or the lease is lost. Only the database knows which. */
async function gateAgain(run: Run, refused: readonly Prepared[]): Promise<void> {
  const { db, lease } = run.flightDeps;
  if (refused.length === 0 || !(await lease.confirm())) return;
  const returns = new Map(refused.map((prepared) => [prepared.message.messageId, prepared.returns + 1]));
  for (const message of await reread(db, lease.lease, [...returns.keys()])) {
    const count = returns.get(message.messageId) ?? RETURNS;
    if (count < RETURNS) run.preparation.add([message], count);
    else run.left++;
  }
}
