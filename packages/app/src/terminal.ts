/**
 * The terminal: colours where a person looks, plain text everywhere else.
 *
 * @module
 */

/** Wraps a text in a look. */
export type Paint = (text: string) => string;

/** Looks for one stream; all of them do nothing where it is not a terminal. */
export interface Paints {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly red: Paint;
  readonly blue: Paint;
}

/** What colours are decided by; `process.stdout` is one. Node itself knows about NO_COLOR. */
export interface ColourStream {
  readonly isTTY?: boolean;
  hasColors?(): boolean;
}

export function paintsFor(stream: ColourStream): Paints {
  const on = stream.isTTY === true && stream.hasColors?.() === true;
  const paint =
    (start: number, end: number): Paint =>
    (text) =>
      on ? `\u001b[${start}m${text}\u001b[${end}m` : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    green: paint(32, 39),
    yellow: paint(33, 39),
    red: paint(31, 39),
    blue: paint(36, 39),
  };
}

/** A text that can be printed: what came from outside must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu, '·');
}
