/**
 * Who wrote a mail that carries no token: the one address of its one From field, if DMARC says that it is theirs (MT-9).
 *
 * The rule: whatever is doubtful is nobody. Two From fields, two mailboxes, a group, a failed or an unanswered question: a person
 * has to look at it. A signature holds wherever a mail is sent on to, by anybody who ever got it, at any time, so a mail counts only
 * for whom it was written to, and is as old as the signature. DNS comes in as a function, so tests answer for their own domains.
 * RFC 9989, RFC 5322 section 3.6.2.
 *
 * @module
 */
import { type Address, parseAddress, parseDomain } from '@adieu/core';
import type { authenticate } from 'mailauth';
import { MAX_HEADER_FIELDS, MAX_HEADER_OCTETS } from './content.ts';
import { type Correspondence, UNREADABLE, valuesOf } from './correspondence.ts';
import type { DmarcOpinion, DnsAnswer, DnsQuestion } from './dmarc.ts';
import { withoutWords } from './structured-field.ts';

/** Answers a DNS question as `node:dns/promises` does. */
export type ResolveDns = NonNullable<NonNullable<Parameters<typeof authenticate>[1]>['resolver']>;

/** Signatures that are looked at; a mail with more is nobody's. */
const SIGNATURE_LIMIT = 10;
const FIELD = /^[!-9;-~]+:/;
const CONTINUED = /^[ \t]+[^ \t]/;
/** Characters of a field of addresses. */
const FIELD_LIMIT = 2_000;
const PATIENCE_MS = 15_000;
/** A signature's key, a policy and SPF's ten lookups one within the other (RFC 7208 section 4.6.4) take a round each. */
const ROUND_LIMIT = 20;
/** How far honest clocks may be ahead of ours. */
const CLOCKS_DIFFER_MS = 15 * 60_000;
/** Questions of one round. */
const QUESTION_LIMIT = 50;

/** The author of a mail, whom they wrote it to, and when; null where nothing that they answer for says when. */
export type Verified =
  | {
      readonly ok: true;
      readonly address: Address;
      readonly receivers: readonly Address[];
      readonly writtenAt: Date | null;
    }
  | { readonly ok: false; readonly why: string };

/** The verified author of a mail that came now, or why there is none, for a person to read. Rejects when too many mails are being read. */
export async function verifySender(mail: Correspondence, resolver: ResolveDns, now: Date): Promise<Verified> {
  const address = authorOf(lettersOf(mail, 'from'));
  if (address === null) return { ok: false, why: 'not exactly one From address' };
  if (!isPlain(mail.content.raw)) return { ok: false, why: 'a header that may be read in two ways' };
  if (mail.content.raw.length < mail.content.bytes) return { ok: false, why: 'too large to be verified' };
  if (valuesOf(mail.content, 'dkim-signature').length > SIGNATURE_LIMIT)
    return { ok: false, why: 'too many signatures' };
  const judged = await judge(mail, resolver);
  if (typeof judged === 'string') return { ok: false, why: judged };
  if (judged.result !== 'pass') return { ok: false, why: `DMARC: ${judged.result}` };
  if (parseDomain(judged.domain) !== address.domain)
    return { ok: false, why: 'not exactly one From address' };
  const receivers = receiversOf(mail, judged.signed);
  return { ok: true, address, receivers, writtenAt: timeOf(mail, judged, now) };
}

/**
 * Every line of the header begins a field or goes on with one, and we have read them all: elsewhere readers differ, and so might the
 * verifier and we. A second To that only the verifier sees is the one that was signed.
 */
function isPlain(raw: Buffer): boolean {
  const end = raw.indexOf('\r\n\r\n');
  const header = raw.toString('latin1', 0, end < 0 ? raw.length : end);
  const lines = header.split('\r\n');
  const fields = lines.filter((line) => FIELD.test(line));
  if (header.length > MAX_HEADER_OCTETS || fields.length > MAX_HEADER_FIELDS) return false;
  return lines.every((line, at) => FIELD.test(line) || (at > 0 && CONTINUED.test(line)));
}

/** The one mailbox of a From field; null when there are two fields, two mailboxes, a group, or nothing that is one. */
export function authorOf(fields: readonly string[]): Address | null {
  const [value = ''] = fields;
  const bare = fields.length === 1 && value.length <= FIELD_LIMIT ? withoutWords(value) : null;
  return bare === null ? null : mailboxOf(bare);
}

/** Who stands in the one To and the one Cc field, as far as the author answers for them. */
function receiversOf(mail: Correspondence, signed: readonly string[] | null): Address[] {
  return ['to', 'cc'].flatMap((name) => {
    const [value = '', ...more] = lettersOf(mail, name);
    if (more.length > 0 || value.length > FIELD_LIMIT || signed?.includes(name) === false) return [];
    return (withoutWords(value) ?? '').split(',').flatMap((one) => mailboxOf(one) ?? []);
  });
}

/** A signature says when it was made, or covers the one Date field; a time to come is none. Who brings their own mail writes it now. */
function timeOf(mail: Correspondence, { signed, signedAt }: DmarcOpinion, now: Date): Date | null {
  if (signed === null) return now;
  const dates = signed.includes('date') ? valuesOf(mail.content, 'date') : [];
  const time = Date.parse(signedAt ?? (dates.length === 1 ? (dates[0] ?? '') : ''));
  return time <= now.getTime() + CLOCKS_DIFFER_MS ? new Date(time) : null;
}

/** The values of a field in letters: a header may be in UTF-8 (RFC 6532). */
function lettersOf({ content }: Correspondence, name: string): string[] {
  return valuesOf(content, name).map((value) => Buffer.from(value, 'latin1').toString('utf8'));
}

function mailboxOf(bare: string): Address | null {
  if (/[,;:()]/.test(bare)) return null;
  const angled = /^[^<>]*<([^<>]*)>\s*$/.exec(bare);
  if (angled === null && /[<>]/.test(bare)) return null;
  const parsed = parseAddress((angled?.[1] ?? bare).trim());
  return parsed.ok ? parsed.address : null;
}

/** What DMARC says once DNS has nothing left to say, or why that is not known: signatures and policies name what is asked next. */
async function judge(mail: Correspondence, resolver: ResolveDns): Promise<DmarcOpinion | string> {
  const deadline = Date.now() + PATIENCE_MS;
  const known: DnsAnswer[] = [];
  for (let round = 0; round < ROUND_LIMIT; round += 1) {
    const reading = await mail.dmarc(known);
    if (!reading.ok) return UNREADABLE[reading.why];
    const { open } = reading.answer;
    if (open.length === 0) return reading.answer;
    if (open.length > QUESTION_LIMIT) break;
    const answers = await inTime(Promise.all(open.map((question) => lookUp(question, resolver))), deadline);
    if (answers === null) return 'DMARC: no answer in time';
    known.push(...answers);
  }
  return 'DMARC: too much to ask';
}

async function lookUp({ name, type }: DnsQuestion, resolver: ResolveDns): Promise<DnsAnswer> {
  try {
    return { name, type, records: await resolver(name, type) };
  } catch (error) {
    return { name, type, code: String((error as NodeJS.ErrnoException).code ?? 'ESERVFAIL') };
  }
}

async function inTime<T>(asked: Promise<T>, deadline: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), Math.max(deadline - Date.now(), 0));
  });
  return Promise.race([asked, tooLate]).finally(() => clearTimeout(timer));
}
