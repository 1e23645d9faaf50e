/**
 * Content for the wire: dot-stuffed, ended by the final dot.
 *
 * A line that begins with a dot gets a second one, so that no line of the message reads as its end
 * (RFC 5321 section 4.5.2). The native search looks for dots, once in a large chunk that many messages share; nothing
 * is copied.
 *
 * @module
 */

const DOT = 0x2e;
const CR = 0x0d;
const LINE_THEN_DOT = Buffer.from('\r\n.');
const STUFFING = Buffer.from('.');
const CRLF = Buffer.from('\r\n');
const FINAL_DOT = Buffer.from('.\r\n');

/** Octets from which a search costs more than to remember that it found nothing. */
const LARGE = 4096;
const withoutDots = new WeakSet<Buffer>();

/**
 * The chunks that carry a message after the 354: its content with dots stuffed, a CRLF where the last line has
 * none, and the final dot. They share the memory of `content`, which must never change.
 *
 * @param content a complete message with CRLF line ends, cut anywhere
 */
export function contentChunks(content: readonly Buffer[]): Buffer[] {
  // A line end that was cut is put together first: what begins behind it must be seen.
  if (content.length > 1 && content.some((chunk) => chunk[chunk.length - 1] === CR))
    return contentChunks([Buffer.concat(content)]);
  const chunks: Buffer[] = [];
  let atLineStart = true;
  let isEmpty = true;
  for (const chunk of content) {
    if (chunk.length === 0) continue;
    if (atLineStart && chunk[0] === DOT) chunks.push(STUFFING);
    stuff(chunk, chunks);
    atLineStart = endsWithLine(chunk);
    isEmpty = false;
  }
  if (!isEmpty && !atLineStart) chunks.push(CRLF);
  chunks.push(FINAL_DOT);
  return chunks;
}

/** Adds a chunk, cut where a line within it begins with a dot. */
function stuff(chunk: Buffer, chunks: Buffer[]): void {
  let start = 0;
  let found = withoutDots.has(chunk) ? -1 : chunk.indexOf(LINE_THEN_DOT);
  if (found < 0 && chunk.length >= LARGE) withoutDots.add(chunk);
  while (found >= 0) {
    const lineStart = found + CRLF.length;
    chunks.push(chunk.subarray(start, lineStart), STUFFING);
    start = lineStart;
    found = chunk.indexOf(LINE_THEN_DOT, lineStart + 1);
  }
  chunks.push(start === 0 ? chunk : chunk.subarray(start));
}

function endsWithLine(chunk: Buffer): boolean {
  return chunk[chunk.length - 2] === CR && chunk[chunk.length - 1] === CRLF[1];
}
