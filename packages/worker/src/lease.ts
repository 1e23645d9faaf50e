/**
 * A lease that is kept: prolonged at a third of its time, and watched by a monotonic clock.
 *
 * The rule: when in doubt it is lost. The database's clock decides; here the time is counted from before the question
 * was asked, so this side never believes longer than the other.
 *
 * @module
 */
import type { Log } from '@adieu/core';
import { type Db, type Lease, renewLease } from '@adieu/store';

/** A lease and its heartbeat. */
export interface KeptLease {
  readonly lease: Lease;
  /** False once it was lost or could not be prolonged in time; never true again after that. */
  held(): boolean;
  /** Asks the database now. */
  confirm(): Promise<boolean>;
  /** True once this process did nothing at all for as long as a lease: as bad as dead to whatever hung it. */
  stalled(): boolean;
  /** Ends the heartbeat. The lease itself ends by its release. */
  stop(): void;
}

/**
 * Keeps a lease until it is stopped or lost.
 *
 * @param since `performance.now()` before the claim was sent
 */
export function keepLease(db: Db, lease: Lease, { since, log }: { since: number; log: Log }): KeptLease {
  const span = lease.leaseSeconds * 1000;
  let validUntil = since + span;
  let lost = false;
  let beatAt = performance.now();
  let hung = false;

  async function confirm(): Promise<boolean> {
    const asked = performance.now();
    try {
      if (await renewLease(db, lease)) validUntil = asked + span;
      else lost = true;
    } catch (error) {
      // The database is away. What was granted still runs, and the next beat asks again.
      log.debug(
        { executionId: lease.executionId, batch: lease.batch, error: String(error) },
        'lease not renewed',
      );
    }
    return held();
  }

  function held(): boolean {
    if (performance.now() >= validUntil) lost = true;
    return !lost;
  }

  function stalled(): boolean {
    if (performance.now() - beatAt >= span) hung = true;
    return hung;
  }

  const heartbeat = setInterval(() => {
    stalled();
    beatAt = performance.now();
    if (held()) void confirm();
  }, span / 3);

  return { lease, held, confirm, stalled, stop: () => clearInterval(heartbeat) };
}
