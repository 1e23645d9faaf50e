/**
 * The outcome of a mailing as a person reads it: how many got it, who did not, and why.
 *
 * @module
 */
import { EXCLUSIONS, isExclusionCode } from '@adieu/core';
import type { MessageState } from './management.ts';
import type { Outcome, Skipped } from './outcome.ts';
import { type Paints, printable } from './terminal.ts';

/** The states a person wants to hear of, in this order, with what they mean. */
const STATES: readonly (readonly [MessageState, string])[] = [
  ['bounced', 'refused for good by the receiving side'],
  ['failed', 'given up'],
  ['unknown', 'handed over, but no answer was seen'],
  ['deferred', 'put off by the receiving side; the server tries again'],
  ['queued', 'not started'],
  ['sending', 'on the wire'],
];

/** `sent`, `skipped` with the reasons, and whatever else there is. */
export function outcomePage(outcome: Outcome, paints: Paints): string {
  const { counts } = outcome;
  const lines = [`  ${paints.green(count(counts.sent))}  sent`, ...skippedLines(outcome, paints, 'skipped')];
  for (const [state, meaning] of STATES) {
    if (counts[state] > 0) lines.push(`  ${paints.red(count(counts[state]))}  ${state}: ${meaning}`);
  }
  return lines.join('\n');
}

/** What a dry run found. */
export function dryRunPage(outcome: Outcome, paints: Paints): string {
  return [
    paints.bold('Dry run: nothing was sent, and nobody was stored'),
    `  ${paints.green(count(outcome.counts.queued))}  would be sent`,
    ...skippedLines(outcome, paints, 'would be skipped'),
  ].join('\n');
}

function skippedLines({ counts, exclusions }: Outcome, paints: Paints, words: string): readonly string[] {
  if (counts.excluded === 0) return [];
  const reasons = Object.entries(exclusions).sort((a, b) => b[1] - a[1]);
  return [
    `  ${paints.yellow(count(counts.excluded))}  ${words}`,
    ...reasons.map(([code, number]) =>
      paints.dim(`          ${String(number).padStart(5)}  ${code}  ${meaningOf(code)}`),
    ),
  ];
}

/** One line for each who was skipped. */
export function skippedPage(skipped: readonly Skipped[], paints: Paints): string {
  const width = Math.max(...skipped.map(({ namespace, id }) => namespace.length + id.length + 1));
  return skipped
    .map(({ namespace, id, code, why }) => {
      const who = printable(`${namespace} ${id}`).padEnd(width);
      return `  ${who}  ${code}  ${paints.dim(why === null ? meaningOf(code) : reason(why))}`;
    })
    .join('\n');
}

/** What a code means, in words. */
function meaningOf(code: string): string {
  return isExclusionCode(code) ? EXCLUSIONS[code] : 'Not said.';
}

/** `channel: n` is `channel: n (no)`. */
function reason(why: string): string {
  return printable(why)
    .replace(/: n$/, ': n (said no)')
    .replace(/: dn$/, ': dn (no by default)')
    .replace(/: p$/, ': p (waits for confirmation)');
}

function count(number: number): string {
  return String(number).padStart(6);
}
