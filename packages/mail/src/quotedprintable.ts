/**
 * Quoted-printable in one canonical form (RFC 2045 section 6.7).
 *
 * One rule beside the RFC's: what is written here is already in DKIM's relaxed body form (RFC 6376 section 3.4.4),
 * so that the bytes on the wire are the bytes that are hashed. No two white spaces stand together, none ends a
 * line, tabs are always encoded. Lines are at most 76 octets, ASCII, ended by CRLF, and none starts with a dot or
 * with `From `, so that no relay has a reason to touch them (OH-28, OH-29).
 *
 * @module
 */

/** A `=` that ends the line needs the 76th column. */
const LINE_LIMIT = 75;
const SOFT_BREAK = '=\r\n';
/** Three octets for one, and a soft break of three after every 25 of them. */
const GROWTH = 4;

const NEWLINE = 10;
const CR = 13;
const SPACE = 32;
const DOT = 46;
const EQUALS = 61;
const F = 70;
const HEX = Buffer.from('0123456789ABCDEF');
/** Bytes that stand for themselves anywhere: printable ASCII but `=`; dot, `F` and space depend on their place. */
const LITERAL = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > SPACE && byte < 127 && byte !== EQUALS && byte !== DOT && byte !== F ? 1 : 0,
);

/** Short, and nothing in it needs a thought: most names and numbers. */
const PLAIN = /^[A-EG-Za-z0-9,;:!?()/@&*+_-][A-Za-z0-9.,;:!?()/@&*+_-]{0,70}$/;

/**
 * Encodes a stretch of a text. It starts at column 0 and, unless it is empty or ends with a line break, ends with
 * a soft one, so that what follows starts at column 0 too: stretches are encoded apart and put together.
 * A line break in the text is `\n`.
 */
export function encodeQuotedPrintable(text: string): string {
  if (PLAIN.test(text)) return text + SOFT_BREAK;
  const bytes = Buffer.from(text);
  const out = Buffer.allocUnsafe(bytes.length * GROWTH + SOFT_BREAK.length);
  let length = 0;
  let column = 0;
  let afterSpace = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    if (byte === NEWLINE) {
      out[length++] = CR;
      out[length++] = NEWLINE;
      column = 0;
      afterSpace = false;
      continue;
    }
    // A place in the line may be free for one octet and not for three.
    if (column >= LINE_LIMIT || (column >= LINE_LIMIT - 2 && LITERAL[byte] !== 1)) {
      length += out.write(SOFT_BREAK, length, 'latin1');
      column = 0;
      afterSpace = false;
    }
    const isSpace: boolean = byte === SPACE && !afterSpace && bytes[index + 1] !== NEWLINE;
    if (LITERAL[byte] === 1 || isSpace || isLiteralHere(bytes, index, column)) {
      out[length++] = byte;
      column += 1;
    } else {
      out[length++] = EQUALS;
      out[length++] = HEX[byte >> 4] ?? 0;
      out[length++] = HEX[byte & 15] ?? 0;
      column += 3;
    }
    afterSpace = isSpace;
  }
  if (column > 0) length += out.write(SOFT_BREAK, length, 'latin1');
  return out.toString('latin1', 0, length);
}

/** A dot or `From ` at the start of a line would be changed on the way. */
function isLiteralHere(bytes: Buffer, index: number, column: number): boolean {
  const byte = bytes[index];
  if (byte === DOT) return column > 0;
  if (byte === F) return column > 0 || bytes.toString('latin1', index, index + 5) !== 'From ';
  return false;
}

/**
 * Decodes quoted-printable, forgiving what mail does to it: lower-case digits, white space before a line break, a
 * `=` that starts nothing. Takes time in proportion to what it is given.
 */
export function decodeQuotedPrintable(wire: string): Buffer {
  // Line by line: a pattern for white space at the end of a line would try again at every space.
  const lines = wire.split('\n').map(withoutTrailingSpace);
  const joined = lines.join('\r\n').replace(/=\r\n/g, '');
  return Buffer.from(
    joined.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}

function withoutTrailingSpace(line: string): string {
  let end = line.length;
  while (end > 0 && ' \t\r'.includes(line[end - 1] ?? 'x')) end -= 1;
  return line.slice(0, end);
}
