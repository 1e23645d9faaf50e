/**
 * What a dialogue may have done, told from nothing but its bytes and the replies to them.
 *
 * A second reading of RFC 5321, simpler than the listener's and without its library: one reply for each command
 * line, 354 opens a message, CRLF.CRLF ends it. What it says of a message is the measure that the listener is held to.
 *
 * @module
 */

/** One message that was answered 250. */
export interface TakenMessage {
  /** Its RCPT lines that were answered 250. */
  readonly recipients: readonly string[];
  /** False where sender or content may mark the answer of a machine. */
  readonly mustCount: boolean;
}

/** `fault`: a reply that no strict server gives. */
export interface Transcript {
  readonly taken: readonly TakenMessage[];
  readonly fault: string | null;
}

const BARE = /\r(?!\n)|(?<!\r)\n|\0/;
const MAX_LINE = 2048;

/**
 * Reads a dialogue again.
 *
 * @param replies codes in order, one for each reply (a reply of several lines is one), the greeting left out
 */
export function readTranscript(bytes: Buffer, replies: readonly string[]): Transcript {
  const text = bytes.toString('latin1');
  const taken: TakenMessage[] = [];
  let recipients: string[] = [];
  let sender = '';
  let at = 0;
  let heard = 0;

  while (at < text.length) {
    const end = text.indexOf('\n', at) + 1;
    const line = text.slice(at, end);
    const code = replies[heard];
    heard += 1;
    if (code === undefined) return { taken, fault: null };
    if (end === 0 || line.length > MAX_LINE || !line.endsWith('\r\n') || BARE.test(line)) {
      // One error too many brings a 421 behind its own reply.
      const refused =
        code === '421' || (code === '500' && replies.slice(heard).every((last) => last === '421'));
      return { taken, fault: refused ? null : `${code} to a line that is none: ${JSON.stringify(line)}` };
    }
    at = end;
    const verb = line.slice(0, 4).toUpperCase();
    if (code === '221' || code === '421' || code === '220') break;
    if (code === '250') {
      if (['MAIL', 'RSET', 'EHLO', 'HELO'].includes(verb)) recipients = [];
      if (verb === 'MAIL') sender = line;
      if (verb === 'RCPT') recipients.push(line);
    }
    if (code !== '354') continue;

    const dot = text.startsWith('.\r\n', at) ? at : text.indexOf('\r\n.\r\n', at) + 2;
    const answer = replies[heard];
    heard += 1;
    if (answer === undefined) return { taken, fault: null };
    if (dot < at) return { taken, fault: `${answer} to a message that has no end` };
    const content = text.slice(at, dot);
    at = dot + 3;
    // Nothing is away: what could not be recorded was a fault of ours.
    if (answer === '451') return { taken, fault: '451 to a message' };
    if (answer === '250') {
      if (BARE.test(content)) return { taken, fault: '250 to a message with a bare CR, LF or NUL' };
      taken.push({ recipients, mustCount: !/<\s*>/.test(sender) && !mayBeAutomatic(content) });
    }
    recipients = [];
  }
  return { taken, fault: heard < replies.length ? `${replies.slice(heard)} to nothing` : null };
}

/**
 * Comments may stand around the words that mark a machine, and white space around the `/`: such a mail may be taken without an
 * opt-out. Words that are torn mark nothing.
 */
export function mayBeAutomatic(content: string): boolean {
  let bare = content;
  for (let before = ''; before !== bare; ) {
    before = bare;
    bare = bare.replace(/\((?:\\[\s\S]|[^()\\])*\)/g, ' ');
  }
  // What looks like a comment may begin in one field and end in another.
  return [content, bare].some((text) => /auto-submitted|multipart\s*\/\s*report/i.test(text));
}
