/**
 * What became of a mailing: its executions' counts added up, and who was skipped and why.
 *
 * Settled means that nothing more happens by itself soon: what is deferred waits for its retry on the server, and
 * is said so instead of being waited for.
 *
 * @module
 */
import type { ExecutionCounts, Management, MessageState, SkippedMessage } from './management.ts';

/** Counts of several executions as one. */
export interface Outcome {
  /** Every execution is finished: each message has its final state. */
  readonly finished: boolean;
  readonly counts: Readonly<Record<MessageState, number>>;
  readonly exclusions: Readonly<Record<string, number>>;
  /** Executions that somebody paused. */
  readonly paused: readonly string[];
  /** Executions that somebody cancelled. */
  readonly cancelled: readonly string[];
}

/** Somebody who was skipped. */
export interface Skipped {
  readonly namespace: string;
  readonly id: string;
  readonly code: string;
  /** The rule of the gate and what it saw, where it can be told. */
  readonly why: string | null;
}

const EMPTY: Readonly<Record<MessageState, number>> = {
  queued: 0,
  sending: 0,
  sent: 0,
  deferred: 0,
  excluded: 0,
  bounced: 0,
  failed: 0,
  unknown: 0,
};
const POLL_MILLISECONDS = 150;
/** So often somebody may say meanwhile that nothing is sent. */
const POLLS_BETWEEN_PAUSES = 10;
/** How long nothing but waiting is left before the wait ends. */
const IDLE_PATIENCE_MILLISECONDS = 3_000;

/** Adds up. */
export function addUp(parts: readonly ExecutionCounts[]): Outcome {
  const counts = { ...EMPTY };
  const exclusions: Record<string, number> = {};
  for (const part of parts) {
    for (const [state, count] of Object.entries(part.counts)) counts[state as MessageState] += count;
    for (const [code, count] of Object.entries(part.exclusions))
      exclusions[code] = (exclusions[code] ?? 0) + count;
  }
  const said = (wanted: ExecutionCounts['control']) =>
    parts.filter(({ control }) => control === wanted).map(({ executionId }) => executionId);
  return {
    finished: parts.every(({ state }) => state === 'finished'),
    counts,
    exclusions,
    paused: said('paused'),
    cancelled: said('cancelled'),
  };
}

/** Messages that have their final state. */
export function settledCount({ counts }: Outcome): number {
  return counts.sent + counts.excluded + counts.bounced + counts.failed + counts.unknown;
}

/** People whom a dry run has counted. */
export function countedCount({ counts }: Outcome): number {
  return counts.queued + counts.excluded;
}

/**
 * Polls until all is finished, or until what is left only waits: for its retry, or because somebody paused it, cancelled it,
 * or paused all sending. `onCounts` hears every step.
 */
export async function waitForOutcome(
  management: Management,
  executions: readonly string[],
  onCounts: (outcome: Outcome) => void = () => undefined,
): Promise<Outcome> {
  const done = new Map<string, ExecutionCounts>();
  let idleSince: number | null = null;
  for (let polls = 1; ; polls += 1) {
    const open = executions.filter((id) => !done.has(id));
    const running: ExecutionCounts[] = [];
    for (const id of open) {
      const counts = await management.findExecution(id);
      if (counts === null) continue;
      if (counts.state === 'finished') done.set(id, counts);
      else running.push(counts);
    }
    const outcome = addUp([...done.values(), ...running]);
    onCounts(outcome);
    if (outcome.finished) return outcome;
    // A dry run is counted also while nothing may be sent.
    const waits = running.some(({ dryRun }) => dryRun !== true) && outcome.counts.sending === 0;
    const asks = polls % POLLS_BETWEEN_PAUSES === 0 && waits;
    if (asks && (await management.sending()).state === 'paused') return outcome;
    idleSince = running.every(isIdle) ? (idleSince ?? Date.now()) : null;
    if (idleSince !== null && Date.now() - idleSince > IDLE_PATIENCE_MILLISECONDS) return outcome;
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}

/** The first who were skipped, each with the rule that stopped the message. */
export async function whoWasSkipped(
  management: Management,
  executions: readonly string[],
  options: { readonly configuration: string; readonly limit: number },
): Promise<readonly Skipped[]> {
  const found: SkippedMessage[] = [];
  for (const id of executions) {
    if (found.length >= options.limit) break;
    found.push(...(await management.listExcluded(id, options.limit - found.length)));
  }
  const skipped: Skipped[] = [];
  for (const { namespace, id, code = '' } of found) {
    const rules = await management.explain({ namespace, id }, options.configuration).catch(() => []);
    const stop = rules.find(({ verdict }) => verdict === 'stop');
    skipped.push({ namespace, id, code, why: stop === undefined ? null : `${stop.rule}: ${stop.value}` });
  }
  return skipped;
}

/** Nothing of it is on the wire, and nothing will be soon. */
function isIdle({ control, counts }: ExecutionCounts): boolean {
  if (counts.sending > 0) return false;
  return control !== 'running' || (counts.queued === 0 && counts.deferred > 0);
}
