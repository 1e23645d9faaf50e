/**
 * What a choice leaves behind: a row of the history, an event, both or neither.
 *
 * The rule, for every door: a value that changes is a row, and so is a complaint, which comes here as one only while it is news. A
 * no of the person's own is an event the first time, also where one was assumed by default before; a no that stands already is none.
 *
 * @module
 */
import type { ConsentValue } from './consent.ts';
import { isNo } from './consent.ts';
import type { OptOutSource } from './optout.ts';

/** A value that was said where another, or the same, stood. */
export interface Said {
  readonly from: ConsentValue;
  readonly to: ConsentValue;
  readonly source: OptOutSource;
}

/** Whether the history gets a row. */
export function isEvidence({ from, to, source }: Said): boolean {
  return from !== to || (source === 'complaint' && isNo(to));
}

/** The event of a choice about email. A yes that an import brings is what somebody else had heard, no event of ours. */
export function eventOfChoice({ from, to, source }: Said): 'opted_out' | 'opted_in' | null {
  if (from === to) return null;
  if (to === 'n' || (to === 'dn' && from !== 'n')) return 'opted_out';
  return to === 'y' && source !== 'import' ? 'opted_in' : null;
}
