/**
 * The log that every part of Adieu is handed: structured fields first, then a sentence.
 *
 * One rule: a field never holds an address or a token. Written once per outcome, at the edge; pure code does
 * not log. `pino` fits this shape as it is, and so does {@link SILENT}.
 *
 * @module
 */

/** Writes one structured line. */
export type LogLine = (fields: object, message: string) => void;

/** Where a part writes what happened. */
export interface Log {
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
}

const nothing: LogLine = () => undefined;

/** The log of a caller who does not want one. */
export const SILENT: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
