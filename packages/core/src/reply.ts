/**
 * SMTP replies: what a relay's answer means for the message and for the recipient (BC-4, BC-5).
 *
 * The rule: only what is said about the recipient counts against the recipient. A refusal of us (5.7.x, or any
 * refusal before RCPT) is the sender's problem; what the relay cannot say now is tried again. A soft failure with
 * a 5yz code is permanent for this message all the same: `permanent` tells.
 *
 * @module
 */
import { withoutControlCharacters } from './control-character.ts';
import { contradicts, type ReplyPlace, refineStatus } from './reply-text.ts';

/** What was being answered: the connection, MAIL, RCPT, DATA, or the final dot. */
export type ReplyStage = 'greeting' | 'mail' | 'rcpt' | 'data' | 'content';

/** A reply of an SMTP server. */
export interface Reply {
  /** 200 to 599. */
  readonly code: number;
  /** Enhanced status code (RFC 3463), as the server gave it. */
  readonly enhanced?: string;
  /** One line, without codes and control characters. */
  readonly text: string;
}

/**
 * `hard`: the mailbox does not exist. `soft`: it exists or may, and did not take this message. `sender`: refused
 * for who sends or how. `throttled`: the connection has to pause, the message is not to blame.
 */
export type ReplyClass = 'accepted' | 'hard' | 'soft' | 'sender' | 'throttled';

/** What a reply means. */
export interface ReplyVerdict {
  readonly kind: ReplyClass;
  /** The enhanced code, or one derived from code and text. */
  readonly status: string;
  /** The server will not take this message however often it is tried (5yz). */
  readonly permanent: boolean;
}

const LINE = /^([2-5][0-9]{2})(?:([ -])(.*))?$/s;
const ENHANCED = /^([245])\.([0-9]{1,3})\.([0-9]{1,3})(?=\s|$)/;
const TEXT_LIMIT = 500;

const HARD = new Set(['5.1.1', '5.1.2', '5.1.3', '5.1.6', '5.1.10', '5.2.1']);
/** The address that is bad here is ours; or we spoke out of turn. */
const SENDER = /^5\.(?:7\.|1\.[78]$|5\.[1-6]$)/;
/**
 * Reads the lines of one reply (RFC 5321 section 4.2.1, RFC 2034 for the enhanced code). Null when they are
 * none: no lines, no code, or lines that disagree.
 */
export function parseReply(lines: readonly string[]): Reply | null {
  const parts = lines.map((line) => LINE.exec(line.replace(/\r?\n$/, '')));
  const first = parts[0];
  if (first === undefined || first === null) return null;
  const code = first[1];
  const texts: string[] = [];
  for (const [index, part] of parts.entries()) {
    if (part === null || part[1] !== code) return null;
    // Every line but the last goes on with a hyphen.
    if ((part[2] === '-') !== index < parts.length - 1) return null;
    texts.push(part[3] ?? '');
  }
  const enhanced = ENHANCED.exec(first[3] ?? '')?.[0];
  const text = texts.map((line) => line.replace(ENHANCED, '').trim()).filter((line) => line !== '');
  const clean = withoutControlCharacters(text.join(' ')).slice(0, TEXT_LIMIT);
  return { code: Number(code), ...(enhanced === undefined ? {} : { enhanced }), text: clean };
}

/** One line for ledger and people: `550 5.1.1 user unknown`. */
export function formatReply(reply: Reply): string {
  return [String(reply.code), reply.enhanced, reply.text]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
}

/** Tells what a reply means at the stage it was given. */
export function classifyReply(stage: ReplyStage, reply: Reply): ReplyVerdict {
  const { code, text } = reply;
  const status = statusOf(stage, reply);
  if (code < 300 || (code === 354 && stage === 'data')) return { kind: 'accepted', status, permanent: false };
  const permanent = code >= 500;
  if (throttles(stage, reply)) return { kind: 'throttled', status, permanent: false };
  if (!permanent) return { kind: 'soft', status, permanent };
  // Nothing has been said about a recipient yet.
  if (stage === 'greeting' || stage === 'mail') return { kind: 'sender', status, permanent };
  return { kind: classifyStatus(status, text, stage), status, permanent };
}

/**
 * Tells what an enhanced status code means, of a reply or of a DSN (RFC 3464). The text is asked where the code says
 * no more than no, and counts by the place it was said at. Anything that is not a permanent failure is soft.
 */
export function classifyStatus(
  status: string,
  text = '',
  place: ReplyPlace = 'rcpt',
): 'hard' | 'soft' | 'sender' {
  const code = refineStatus(ENHANCED.exec(status.trim())?.[0] ?? '', text, place);
  if (HARD.has(code)) return contradicts(code, text, place) ? 'soft' : 'hard';
  return SENDER.test(code) ? 'sender' : 'soft';
}

/** 421 closes the channel; Amazon SES says `454 Throttling failure`; a greeting speaks of the connection only. */
function throttles(stage: ReplyStage, reply: Reply): boolean {
  if (reply.code === 421) return true;
  if (reply.code === 454 && /throttl/i.test(reply.text)) return true;
  return stage === 'greeting' && reply.code < 500;
}

/** The class digit of the reply code rules where the two disagree (RFC 2034 section 4). */
function statusOf(stage: ReplyStage, reply: Reply): string {
  const digit = Math.floor(reply.code / 100);
  if (reply.enhanced !== undefined) return `${digit}${reply.enhanced.slice(1)}`;
  if (reply.code === 421) return '4.3.2';
  return reply.code < 500 ? `${digit}.0.0` : derivedStatus(reply, stage);
}

/** The status of a reply of class 5 that brings none, from its words, then from its code (RFC 5321 section 4.2.3). */
export function derivedStatus(
  { code, text }: { readonly code?: number; readonly text: string },
  place: ReplyPlace,
): string {
  const status = refineStatus('5.0.0', text, place);
  if (status !== '5.0.0' || code === undefined) return status;
  if (code === 551) return '5.1.6';
  // RFC 7504: the domain takes no mail.
  if (code === 556) return '5.1.10';
  if (code === 552) return '5.2.2';
  return code >= 500 && code <= 504 ? '5.5.1' : status;
}
