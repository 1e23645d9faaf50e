/**
 * The words of a report to a person: what a server says of each address before it gives the message back.
 *
 * Before RFC 3464, and often beside it, every system had its own way (qmail's QSBMF, Exim, Exchange, Domino, …). They
 * share a shape: an address at the beginning of a line, then why. That shape is read, no system's name is asked. Lines
 * behind the place where the returned message begins are never read (BC-13).
 *
 * @module
 */
import { oneLine } from './diagnosis.ts';
import { ADDRESS, bareAddress } from './recipient-address.ts';

/** What is said of one address. */
export interface Statement {
  readonly address: string;
  /** The rest of its line and the lines until the next address, as one line. */
  readonly text: string;
}

/** The readable part of a report. */
export interface Notification {
  /** Without the returned message. */
  readonly text: string;
  /** In order of appearance, each address once. */
  readonly statements: readonly Statement[];
  /** The returned message where it stands in the text itself. */
  readonly returned: string;
  /** What is said of an address, if anything. */
  about(address: string): readonly string[];
}

const LINE_LIMIT = 5_000;
const WIDTH_LIMIT = 1_000;
const STATEMENT_LIMIT = 2_000;

/** A line from which on the returned message stands. */
const RETURNED =
  /^[\s\-=*_#|>]*(?:below (?:this line )?is a copy|(?:the )?(?:header|body) of the original|(?:this|included|enclosed|attached) is a copy|(?:your |the )?(?:original|unsent|returned|undelivered|rejected) (?:message|mail)(?: (?:follows|headers?|is|text|body|as follows)\b.*| as follows.*)?\s*[-:.=*]*\s*$|original mail as follows|message headers? follow|copy of (?:your|the) (?:original )?message|(?:begin|start) of (?:the )?(?:original|returned))/i;
const RETURNED_HEADER = /^(?:Received|Return-Path|DKIM-Signature|X-Received):/i;

/** A line that begins what is said of an address: the address itself, alone or before the reason. */
const BEGINNINGS: readonly RegExp[] = [
  `^([\\s*>-]*)<(${ADDRESS})>[\\s:,.]*(.*)$`,
  `^([\\s*>-]*)["']?(${ADDRESS})["']?(?:<mailto:[^>]*>)?(?:\\s*[:;,]\\s*|\\s+|$)(.*)$`,
].map((pattern) => new RegExp(pattern, 'iu'));
/** Lines that hold an address in a sentence; asked where no line begins with one. */
const MENTIONS: readonly RegExp[] = [
  // `554 <john@example.com>... Host unknown`
  `^\\d{3}[ -](?:\\d\\.\\d{1,3}\\.\\d{1,3} )?<(${ADDRESS})>`,
  // `Unknown user: john@example.com`, `Could not be delivered to: <john@example.com>`, `rejected recipient <…>`
  `^(?!\\s*(?:>>>|<<<)).{0,200}?(?:[:(]\\s*["'<]?|\\b(?:to|for|recipient|address|user|mailbox|of)(?:\\s+["'<]?|["'<]))(${ADDRESS})`,
].map((pattern) => new RegExp(pattern, 'iu'));
const ABOUT_DELIVERY = /deliver|recipient|unknown|user|mailbox|fail|address|reject/i;
/** Fields of the returned message that some reports quote, and lines that name the sender. */
const QUOTED_FIELD = /^\s*(?:to|cc|from|subject|sent|date|message-id|reply-to|sender|return-path|in)\s*:/i;
const CONTACT = /postmaster|abuse@|support@|contact|administrator|assistance|help ?desk/i;

/** Reads a text. Time grows with its length alone. */
export function readNotification(whole: string): Notification {
  const all = whole.split('\n', LINE_LIMIT).map((line) => line.slice(0, WIDTH_LIMIT));
  const lines = isQuoted(all) ? all.map((line) => line.replace(/^>+ ?/, '')) : all;
  const end = lines.findIndex(
    (line, index) => RETURNED.test(line) || (index > 0 && RETURNED_HEADER.test(line)),
  );
  const own = end < 0 ? lines : lines.slice(0, end);
  const statements = readStatements(own);
  return {
    text: own.join('\n').trim(),
    statements,
    returned: end < 0 ? '' : lines.slice(end).join('\n'),
    about: (address) =>
      statements
        .filter((statement) => statement.address.toLowerCase() === address.toLowerCase())
        .map(({ text }) => text),
  };
}

/** Somebody forwarded a report to us as a quotation. */
function isQuoted(lines: readonly string[]): boolean {
  const told = lines.filter((line) => line.trim() !== '');
  return told.length > 5 && told.filter((line) => line.startsWith('>')).length > told.length * 0.8;
}

interface Draft {
  readonly address: string;
  /** Width of what stands before the address; what is further in belongs to the address above. */
  readonly indent: number;
  text: string;
}

function readStatements(lines: readonly string[]): readonly Statement[] {
  const begun = collect(lines, beginning);
  const drafts = begun.length > 0 ? begun : collect(lines, mention);
  return drafts.map(({ address, text }) => ({ address, text: oneLine(text) }));
}

function collect(lines: readonly string[], read: (line: string) => Draft | null): readonly Draft[] {
  const found = new Map<string, Draft>();
  let current: Draft | null = null;
  let indent = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    const draft = line.includes('@') && !QUOTED_FIELD.test(line) ? read(line) : null;
    if (draft === null || draft.indent > indent) {
      if (current !== null && current.text.length < STATEMENT_LIMIT) current.text += ` ${line.trim()}`;
      continue;
    }
    indent = draft.indent;
    const key = draft.address.toLowerCase();
    const known = found.get(key);
    current = known ?? draft;
    if (known === undefined) found.set(key, draft);
    else if (known.text.length < STATEMENT_LIMIT) known.text += ` ${draft.text}`;
  }
  return [...found.values()];
}

function beginning(line: string): Draft | null {
  for (const pattern of BEGINNINGS) {
    const [, before = '', named = '', text = ''] = pattern.exec(line) ?? [];
    const address = bareAddress(named);
    // A closing bracket ends a remark of the line before, such as `(expanded from <…>)`.
    if (address === undefined || text.startsWith(')')) continue;
    return { address, indent: before.length, text };
  }
  return null;
}

/** A mentioned address is no beginning of the line's reason: the whole line is. */
function mention(line: string): Draft | null {
  if (CONTACT.test(line) || !ABOUT_DELIVERY.test(line)) return null;
  for (const pattern of MENTIONS) {
    const address = bareAddress(pattern.exec(line)?.[1] ?? '');
    if (address !== undefined) return { address, indent: 0, text: line };
  }
  return null;
}
