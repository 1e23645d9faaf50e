/**
 * What an inspection finds, one thing at a time, with the row of the rule it speaks of.
 *
 * @module
 */

/** `wrong` breaks a rule that a provider enforces; `warn` loses something; `info` explains. */
export type Level = 'ok' | 'warn' | 'wrong' | 'info';

/** One finding: what is so, and why that matters. */
export interface Finding {
  /** The row of the conformance list (`OH-3`). */
  readonly row?: string;
  readonly level: Level;
  readonly title: string;
  readonly detail: string;
}

/** Makes a finding. */
export function finding(level: Level, row: string, title: string, detail = ''): Finding {
  return { row, level, title, detail };
}
