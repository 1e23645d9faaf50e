/**
 * Bytes from a relay, cut into replies.
 *
 * The rule: memory stays bounded whatever the relay says. What is kept of a reply is the beginning of its first
 * lines; the rest is counted, and a reply that never ends is no reply (RFC 5321 sections 4.2.1 and 4.5.3.1.5).
 *
 * @module
 */

/** Lines kept of one reply, and octets kept of one line: twice what RFC 5321 allows a line to have. */
const KEPT_LINES = 32;
const KEPT_OCTETS = 1024;
/** Octets after which a reply that has not ended is given up. */
const LIMIT = 256 * 1024;

const LF = 0x0a;
const HYPHEN = 0x2d;
/** Three digits, then the end, a space, or the hyphen of a line that others follow. */
const REPLY_LINE = /^[2-5][0-9]{2}(?:[ -]|$)/;

/** Cuts a stream into replies. */
export interface ReplyLines {
  /**
   * Takes what arrived.
   *
   * @returns false when the peer does not speak SMTP; nothing is read after that
   */
  feed(chunk: Buffer): boolean;
}

/**
 * Opens a cutter.
 *
 * @param onReply called with the lines of each complete reply, without line ends and control characters
 */
export function openReplyLines(onReply: (lines: readonly string[]) => void): ReplyLines {
  let lines: string[] = [];
  let line: Buffer[] = [];
  let lineOctets = 0;
  let octets = 0;
  let broken = false;

  function keep(piece: Buffer): void {
    octets += piece.length;
    const room = KEPT_OCTETS - lineOctets;
    if (room <= 0) return;
    // A copy: a chunk is a view into a larger buffer, which one line must not hold in memory.
    const kept = Buffer.from(piece.subarray(0, room));
    line.push(kept);
    lineOctets += kept.length;
  }

  /** Ends a line; false when it is not one of this reply. */
  function endLine(): boolean {
    const text = printable(Buffer.concat(line).toString('utf8'));
    line = [];
    lineOctets = 0;
    if (!REPLY_LINE.test(text)) return false;
    if (lines[0] !== undefined && lines[0].slice(0, 3) !== text.slice(0, 3)) return false;
    // The last line stays, whatever was dropped before it: it says that the reply is over.
    if (lines.length === KEPT_LINES) lines.pop();
    lines.push(text);
    if (text.charCodeAt(3) !== HYPHEN) endReply();
    return true;
  }

  function endReply(): void {
    const whole = lines;
    lines = [];
    octets = 0;
    onReply(whole);
  }

  return {
    feed(chunk) {
      let start = 0;
      while (!broken && start < chunk.length) {
        const end = chunk.indexOf(LF, start);
        keep(chunk.subarray(start, end < 0 ? chunk.length : end));
        broken = octets > LIMIT || (end >= 0 && !endLine());
        start = end < 0 ? chunk.length : end + 1;
      }
      return !broken;
    },
  };
}

/** Without the CR, and with a space for whatever a log or a database would stumble over. */
function printable(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return text.replace(/[\u0000-\u001f\u007f]/g, ' ');
}
