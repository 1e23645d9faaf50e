/**
 * Who wrote a mail that carries no token: the one address of its one From field, if DMARC says that it is theirs (MT-9).
 *
 * The rule: whatever is doubtful is nobody. Two From fields, two mailboxes, a group, a failed or an unanswered question: a person
 * has to look at it. DNS comes in as a function, so tests answer for their own domains. RFC 9989, RFC 5322 section 3.6.2.
 *
 * @module
 */
import { type Address, parseAddress, parseDomain } from '@adieu/core';
import { authenticate } from 'mailauth';
import { type Correspondence, valuesOf } from './correspondence.ts';

/** Answers a DNS question as `node:dns/promises` does. */
export type ResolveDns = NonNullable<NonNullable<Parameters<typeof authenticate>[1]>['resolver']>;

/** Signatures that are looked at; a mail with more is nobody's. */
const SIGNATURE_LIMIT = 10;
const FIELD = /^[!-9;-~]+:/;
const CONTINUED = /^[ \t]+[^ \t]/;
const PATIENCE_MS = 15_000;

/** The verified author of a mail, or why there is none, for a person to read. */
export async function verifySender(
  mail: Correspondence,
  resolver: ResolveDns,
): Promise<{ readonly ok: true; readonly address: Address } | { readonly ok: false; readonly why: string }> {
  const address = authorOf(valuesOf(mail.content, 'from'));
  if (address === null) return { ok: false, why: 'not exactly one From address' };
  if (!isPlain(mail.content.raw)) return { ok: false, why: 'a header that may be read in two ways' };
  if (mail.content.raw.length < mail.content.bytes) return { ok: false, why: 'too large to be verified' };
  if (valuesOf(mail.content, 'dkim-signature').length > SIGNATURE_LIMIT)
    return { ok: false, why: 'too many signatures' };
  const { result, domain } = await judge(mail, resolver);
  if (result !== 'pass') return { ok: false, why: `DMARC: ${result}` };
  return parseDomain(domain) === address.domain
    ? { ok: true, address }
    : { ok: false, why: 'not exactly one From address' };
}

/** Every line of the header begins a field or goes on with one: elsewhere readers differ, and so might the verifier and we. */
function isPlain(raw: Buffer): boolean {
  const end = raw.indexOf('\r\n\r\n');
  const lines = raw.toString('latin1', 0, end < 0 ? raw.length : end).split('\r\n');
  return lines.every((line, at) => FIELD.test(line) || (at > 0 && CONTINUED.test(line)));
}

/** The one mailbox of a From field; null when there are two fields, two mailboxes, a group, or nothing that is one. */
export function authorOf(fields: readonly string[]): Address | null {
  const [value = ''] = fields;
  if (fields.length !== 1 || value.length > 2_000) return null;
  // What may hold a comma or a bracket without meaning it.
  const bare = value.replace(/"(?:[^"\\]|\\.)*"/g, '').replace(/\([^()]*\)/g, '');
  if (/[,;:()"]/.test(bare)) return null;
  const angled = /^[^<>]*<([^<>]*)>\s*$/.exec(bare);
  if (angled === null && /[<>]/.test(bare)) return null;
  const parsed = parseAddress((angled?.[1] ?? bare).trim());
  return parsed.ok ? parsed.address : null;
}

/** What DMARC says, and of which From domain. */
interface Judgement {
  readonly result: string;
  readonly domain: string;
}

async function judge(mail: Correspondence, resolver: ResolveDns): Promise<Judgement> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<Judgement>((resolve) => {
    timer = setTimeout(() => resolve({ result: 'no answer in time', domain: '' }), PATIENCE_MS);
  });
  try {
    return await Promise.race([ask(mail, resolver), tooLate]);
  } catch {
    return { result: 'could not be asked', domain: '' };
  } finally {
    clearTimeout(timer);
  }
}

async function ask(
  { content, remoteAddress, helo, sender }: Correspondence,
  resolver: ResolveDns,
): Promise<Judgement> {
  const { dmarc } = await authenticate(content.raw, {
    ip: remoteAddress.replace(/^::ffff:/, ''),
    helo,
    sender,
    resolver,
    trustReceived: false,
    disableArc: true,
    disableBimi: true,
    rejectRsaSha1: true,
  });
  if (dmarc === false || dmarc === undefined) return { result: 'none', domain: '' };
  const { result, header } = dmarc.status;
  return { result, domain: header?.from ?? '' };
}
