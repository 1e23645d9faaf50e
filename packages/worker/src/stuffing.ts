/**
 * Content for the wire: dot-stuffed, ended by the final dot.
 *
 * A line that begins with a dot gets a second one, so that no line of the message reads as its end
 * (RFC 5321 section 4.5.2). The native search looks for dots once; nothing is copied.
 *
 * @module
 */

const DOT = 0x2e;
const LINE_THEN_DOT = Buffer.from('\r\n.');
const STUFFING = Buffer.from('.');
const CRLF = Buffer.from('\r\n');
const FINAL_DOT = Buffer.from('.\r\n');

/**
 * The chunks that carry a message after the 354: its bytes with dots stuffed, a CRLF where the last line has
 * none, and the final dot. The chunks share the memory of `message`, which must not change while they are used.
 *
 * @param message a complete message with CRLF line ends
 */
export function contentChunks(message: Buffer): Buffer[] {
  const chunks: Buffer[] = message[0] === DOT ? [STUFFING] : [];
  let start = 0;
  let found = message.indexOf(LINE_THEN_DOT);
  while (found >= 0) {
    const lineStart = found + CRLF.length;
    chunks.push(message.subarray(start, lineStart), STUFFING);
    start = lineStart;
    found = message.indexOf(LINE_THEN_DOT, lineStart + 1);
  }
  chunks.push(message.subarray(start));
  if (message.length > 0 && !endsWithLine(message)) chunks.push(CRLF);
  chunks.push(FINAL_DOT);
  return chunks;
}

function endsWithLine(message: Buffer): boolean {
  return message[message.length - 2] === CRLF[0] && message[message.length - 1] === CRLF[1];
}
