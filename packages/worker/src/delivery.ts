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
import { randomUUID } from 'node:crypto';
import { isFailure, type Log, retryPolicy } from '@adieu/core';
import {
  type Claim,
  type ClaimedMessage,
  claimBatch,
  commitIntent,
  type Db,
  type Delivery,
  exclude,
  loadDelivery,
  reread,
} from '@adieu/store';
import type { Composers } from './composers.ts';
import { type KeptLease, keepLease } from './lease.ts';
import type { Ledger } from './ledger.ts';
import { openPreparation, type Preparation, type Prepared } from './preparation.ts';
import type { Relay, Slot } from './relay.ts';
import type { Tally } from './tally.ts';
import { judge } from './verdict.ts';

/** What deliveries of one worker share. */
export interface DeliveryDeps {
  readonly db: Db;
  readonly relay: Relay;
  readonly ledger: Ledger;
  readonly composers: Composers;
  readonly tally: Tally;
  readonly log: Log;
  /** Names this worker in leases. */
  readonly owner: string;
  readonly leaseSeconds: number;
  /** The first retry, where it is not the email type's own. */
  readonly retryFirstSeconds: number | undefined;
  readonly now: () => Date;
  readonly random: () => number;
  /** The worker is asked to stop: nothing new is begun. */
  readonly stopping: () => boolean;
}

/** The batch a job names. */
export interface BatchJob {
  readonly executionId: number;
  readonly batch: number;
  readonly fence: number;
}

/** An intent older than this never starts content: an opt-out's answer waits no longer for it. Milliseconds. */
const INTENT_LIFE_MS = 2000;
/** A message that keeps coming back is left to a later claim, so that it does not hold up the batch. */
const RETURNS = 5;
/** How long a batch waits whose messages cannot be composed or keep coming back. Milliseconds. */
const HOLD_MS = 60_000;

/** Delivers what is due in a batch. Rejects never; what went wrong is logged and due again. */
export async function deliverBatch(job: BatchJob, deps: DeliveryDeps): Promise<void> {
  const { db, ledger, log, owner, leaseSeconds } = deps;
  if (deps.stopping() || ledger.away()) return;
  const since = performance.now();
  const claim = await claimBatch(db, { ...job, owner, leaseSeconds }).catch((error: unknown) => {
    log.warn({ ...job, error: String(error) }, 'batch not claimed');
    return null;
  });
  if (claim === null) return;
  const lease = keepLease(db, claim.lease, { since, log });
  let notBefore: Date | null = null;
  try {
    notBefore = await deliverClaim(claim, lease, deps);
  } catch (error) {
    // The database is away, or nothing of this delivery can leave: it is due again, by itself or when put right.
    const away = isFailure(error) && error.code === 'database_unavailable';
    if (!away) notBefore = new Date(deps.now().getTime() + HOLD_MS);
    log[away ? 'warn' : 'error'](
      { ...job, error: isFailure(error) ? error.code : String(error) },
      'batch held',
    );
  } finally {
    lease.stop();
  }
  await ledger.release(claim.lease, notBefore);
}

/** Works through a claim; answers when the rest is due, or null for at once. */
async function deliverClaim(claim: Claim, lease: KeptLease, deps: DeliveryDeps): Promise<Date | null> {
  const delivery = await loadDelivery(deps.db, claim.lease.executionId);
  const { emailType } = delivery.configuration;
  const preparation = openPreparation({
    gate: { emailType, list: delivery.list?.name ?? null },
    defaults: claim.defaults,
    composer: await deps.composers.open(delivery),
    now: deps.now,
    log: deps.log,
    ahead: deps.relay.capacity,
  });
  const flights = new Set<Promise<void>>();
  const run: Run = { delivery, lease, preparation, flights, left: 0 };
  preparation.add(claim.messages, 0);
  let retryAt: Date | null;
  try {
    retryAt = await pump(run, deps);
  } finally {
    await Promise.all(flights);
  }
  if (retryAt !== null) return retryAt;
  return preparation.held() + run.left > 0 ? new Date(deps.now().getTime() + HOLD_MS) : null;
}

/** One claim under way. */
interface Run {
  readonly delivery: Delivery;
  readonly lease: KeptLease;
  readonly preparation: Preparation;
  /** Messages with a connection, until their outcome is written. */
  readonly flights: Set<Promise<void>>;
  /** Messages left to a later claim because they kept coming back. */
  left: number;
}

/** Moves messages from preparation to connections until none is left; answers when to go on, where the relay is down. */
async function pump(run: Run, deps: DeliveryDeps): Promise<Date | null> {
  const { preparation, lease, flights } = run;
  while (!deps.stopping() && lease.held() && !deps.ledger.away()) {
    const ready = await preparation.ready();
    await writeExclusions(run, deps);
    if (ready === 0) {
      if (flights.size === 0) return null;
      // What is under way may come back.
      await Promise.race(flights);
      continue;
    }
    const reservation = await deps.relay.reserve(ready);
    if (reservation.kind === 'down') return reservation.retryAt;
    await intend(run, reservation.slots, deps);
  }
  return null;
}

async function writeExclusions({ preparation, lease }: Run, { db, tally }: DeliveryDeps): Promise<void> {
  const found = preparation.exclusions();
  if (found.length > 0) tally.count('excluded', await exclude(db, lease.lease, found));
}

/** Commits the intent for as many messages as there are slots, and sends those that it admits. */
async function intend(run: Run, slots: readonly Slot[], deps: DeliveryDeps): Promise<void> {
  const { preparation, lease, flights } = run;
  const free = [...slots];
  try {
    const chosen = preparation.take(free.length);
    if (chosen.length === 0 || deps.stopping() || !lease.held()) return;
    const attemptId = randomUUID();
    // Counted from before the question: the commit cannot be younger than this.
    const startBy = performance.now() + INTENT_LIFE_MS;
    const admitted = await commitChosen(chosen, attemptId, { lease, deps });
    for (const prepared of chosen) {
      if (!admitted.has(prepared.message.messageId)) continue;
      const slot = free.shift();
      if (slot === undefined) throw new Error('more messages admitted than slots reserved');
      const flight: Promise<void> = fly({ prepared, slot, attemptId, startBy }, run, deps).finally(() => {
        slot.release();
        flights.delete(flight);
      });
      flights.add(flight);
    }
    await gateAgain(run, chosen, { admitted, deps });
  } finally {
    for (const slot of free) slot.release();
  }
}

async function commitChosen(
  chosen: readonly Prepared[],
  attemptId: string,
  { lease, deps }: { readonly lease: KeptLease; readonly deps: DeliveryDeps },
): Promise<Set<string>> {
  const messages = chosen.map((prepared) => prepared.message);
  try {
    return await commitIntent(deps.db, lease.lease, { attemptId, messages });
  } catch (error) {
    // It may have been committed and only the answer lost. Nothing was written to a connection: it is ours to undo.
    void deps.ledger.disown(messages.map(({ messageId }) => ({ messageId, attemptId })));
    throw error;
  }
}

/** What the intent sent back has a new standing, or the lease is lost. Only the database knows which. */
async function gateAgain(
  run: Run,
  chosen: readonly Prepared[],
  { admitted, deps }: { readonly admitted: ReadonlySet<string>; readonly deps: DeliveryDeps },
): Promise<void> {
  const { preparation, lease } = run;
  const refused = chosen.filter((prepared) => !admitted.has(prepared.message.messageId));
  if (refused.length === 0 || !(await lease.confirm())) return;
  const returns = new Map(refused.map((prepared) => [prepared.message.messageId, prepared.returns + 1]));
  for (const message of await reread(deps.db, lease.lease, [...returns.keys()])) {
    const count = returns.get(message.messageId) ?? RETURNS;
    if (count < RETURNS) preparation.add([message], count);
    else run.left++;
  }
}

/** A message with a slot and an intent. */
interface Flight {
  readonly prepared: Prepared;
  readonly slot: Slot;
  readonly attemptId: string;
  readonly startBy: number;
}

/** Sends one message and writes what became of it; only then is its slot free. */
async function fly(flight: Flight, run: Run, deps: DeliveryDeps): Promise<void> {
  const { prepared, slot, startBy } = flight;
  const { message, composed } = prepared;
  const { envelope, bytes, smtputf8 } = composed;
  const { messageId } = message;
  let { attemptId } = flight;

  /** The relay was slow to ask for the content. The old intent is taken back, so that the new one is a new question. */
  async function renew(): Promise<number | null> {
    await deps.ledger.giveBack([{ messageId, attemptId }]);
    if (deps.stopping() || !run.lease.held()) return null;
    attemptId = randomUUID();
    const until = performance.now() + INTENT_LIFE_MS;
    const admitted = await commitChosen([prepared], attemptId, { lease: run.lease, deps }).catch(() => null);
    return admitted?.has(messageId) === true ? until : null;
  }

  const outcome = await slot.send({ ...envelope, bytes, smtputf8, startBy, renew, leased: run.lease.held });
  const verdict = judge(outcome, attemptState(message, run.delivery, deps));
  if (verdict.kind === 'settle') {
    const { kind: _, ...written } = verdict;
    await deps.ledger.settle({ messageId, attemptId, ...written });
    deps.tally.count(verdict.state, 1);
  } else {
    await deps.ledger.giveBack([{ messageId, attemptId }]);
    deps.tally.count('givenBack', 1);
    if (prepared.returns + 1 < RETURNS) run.preparation.putBack(prepared);
    else run.left++;
  }
}

function attemptState(message: ClaimedMessage, { configuration }: Delivery, deps: DeliveryDeps) {
  const now = deps.now();
  return {
    policy: retryPolicy(configuration.emailType, configuration.retryMinutes, deps.retryFirstSeconds),
    attempts: message.attempts + 1,
    firstAttemptAt: message.firstAttemptAt ?? now,
    now,
    random: deps.random(),
  };
}
