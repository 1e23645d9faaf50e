/**
 * What a report says about one recipient, judged by the same classifier as a reply in session.
 *
 * The rule: of several codes the most telling one that a server itself gave counts: the enhanced code inside the cited
 * reply, unless that says no more than no; then the report's own `Status`, then what the words amount to. An MTA that
 * reports for another writes 5.1.1 where it was told 5.7.1 (RFC 3464 section 2.3.4 and 2.3.6).
 *
 * @module
 */
import { classifyStatus, derivedStatus, maySubside, type ReplyPlace, refineStatus } from '@adieu/core';

/** What there is to judge by. */
export interface Evidence {
  /** `Status` of a DSN. */
  readonly status?: string;
  /** Cited replies and explanations, the most telling first. */
  readonly texts: readonly string[];
  /** What was being answered, where a field says so. */
  readonly place?: ReplyPlace;
  /** Everything the report says to a person, for words that contradict a verdict. */
  readonly context: string;
}

/** The verdict. */
export interface Diagnosis {
  readonly kind: 'hard' | 'soft' | 'sender';
  readonly status: string;
  /** One line. */
  readonly reason: string;
}

/** Characters of a text that are looked at. */
const TEXT_LIMIT = 2_000;
const REASON_LIMIT = 300;

const CODE = /(?<![\d.=,]|\d:)([45]\d\d)(?=[ \-:#,]|$)/;
/** Not part of an IP address, of a version or of a size. */
const ENHANCED = /(?<![\d.])([45])\.(\d{1,3})\.(\d{1,3})(?!\d|\.\d)/;
const VAGUE = /^[45]\.[0-9]\.0$/;

/** Where a transcript turns from one line of the session to the next. */
const NEXT = / (?:<<<|>>>) | -{3,} ?transcript of session/i;

/** SMTP's verbs are written large where a report names what was being answered. */
const PLACES: readonly (readonly [ReplyPlace, RegExp])[] = [
  [
    'greeting',
    /refused to talk to me|my name was rejected|(?:in reply to|after) (?:EHLO|HELO|initial connection)/,
  ],
  [
    'content',
    /in reply to end of DATA|after (?:pipelined )?(?:sending )?(?:end of )?(?:data|DATA)\b|\bour (?:end of )?DATA|\[BODY\]|failed after I sent the message/,
  ],
  ['mail', /(?:in reply to|after|\bour) (?:pipelined )?MAIL\b|sender was rejected/],
  [
    'rcpt',
    /\bRCPT\b(?! TO: [^<])|\[RCPT_TO\]|does not like recipient|[Rr]ecipient address rejected:|has rejected (?:the )?address|rejected recipient/,
  ],
];

/** Judges. */
export function diagnose({ status, texts, context, place: told }: Evidence): Diagnosis {
  const cut = texts.map((text) => oneLine(text.slice(0, TEXT_LIMIT))).filter((text) => text !== '');
  const cited = cut.find((text) => CODE.test(text)) ?? cut.find((text) => ENHANCED.test(text)) ?? '';
  const own = cited === '';
  const code = Number(CODE.exec(cited)?.[1] ?? 0) || undefined;
  const place = told ?? placeOf(cut) ?? (own ? 'own' : 'unknown');
  const reply = firstReply(cited.slice(Math.max(cited.search(CODE), 0)));
  const reported = ENHANCED.exec(status ?? '')?.[0];
  const said =
    ENHANCED.exec(reply)?.[0] ?? (code === undefined ? undefined : saidByWords(code, reply, place));
  const given = said !== undefined && (reported === undefined || !VAGUE.test(said)) ? said : reported;
  const words = own ? wordsOf(cut, given, place) : cited;
  const reason = (own ? words : reply).slice(0, REASON_LIMIT);
  const refined = given ?? derivedStatus({ ...(code === undefined ? {} : { code }), text: words }, place);
  const final = refineStatus(refined, words, place);
  const permanent = final.startsWith('5');
  if (permanent && (place === 'greeting' || place === 'mail'))
    return { kind: 'sender', status: final, reason };
  const kind = classifyStatus(final, words, place);
  // Nobody is called unknown by words alone where other words say that the mailbox is full or switched off.
  const byWords = final !== reported && !ENHANCED.test(reply);
  const doubtful = kind === 'hard' && byWords && maySubside(context.slice(0, TEXT_LIMIT));
  return { kind: doubtful ? 'soft' : kind, status: final, reason };
}

/** One line without white space at its ends. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** A transcript goes on with other replies, and with what the reporting system made of this one. */
function firstReply(text: string): string {
  const end = text.search(NEXT);
  return end < 0 ? text : text.slice(0, end);
}

/** What the words of a reply without an enhanced code amount to; who reports it made its own `Status` of them. */
function saidByWords(code: number, text: string, place: ReplyPlace): string {
  return code < 500 ? '4.0.0' : refineStatus('5.0.0', text, place);
}

/** Of explanations that cite no reply, the first that means anything. */
function wordsOf(texts: readonly string[], given: string | undefined, place: ReplyPlace): string {
  const status = given ?? '5.0.0';
  return texts.find((text) => refineStatus(status, text, place) !== status) ?? texts[0] ?? '';
}

function placeOf(texts: readonly string[]): ReplyPlace | null {
  for (const text of texts) for (const [place, pattern] of PLACES) if (pattern.test(text)) return place;
  return null;
}
