/**
 * What DMARC says about a mail, as far as the DNS answers that are known allow.
 *
 * The rule: nothing is waited for. A question that DNS was not asked yet counts as unanswered, and is given back; whoever has the
 * answers asks again with them. So a thread is never held by a name server of the mail's author, and its time is its own work.
 * RFC 9989, RFC 7208, RFC 6376.
 *
 * @module
 */
import { authenticate } from 'mailauth';

/** What DNS is asked: a name and the type of a record. */
export interface DnsQuestion {
  readonly name: string;
  readonly type: string;
}

/** What DNS said: records as `node:dns/promises` gives them, or the code of its error. */
export interface DnsAnswer extends DnsQuestion {
  readonly records?: unknown;
  readonly code?: string;
}

/** The envelope of a mail, and what DNS has said so far. */
export interface DmarcQuestion {
  readonly ip: string;
  readonly helo: string;
  readonly sender: string;
  readonly known: readonly DnsAnswer[];
}

/** `result` is final once nothing is open, and `pass` only where all of the mail is vouched for. */
export interface DmarcOpinion {
  readonly result: string;
  /** Of the From field that was judged; empty where there is none. */
  readonly domain: string;
  /** Names of the fields that signatures of that domain cover, in lower case; null where the path alone vouches for the mail. */
  readonly signed: readonly string[] | null;
  /** The earliest time at which such a signature says that it was made, ISO 8601; null where none says so. */
  readonly signedAt: string | null;
  readonly open: readonly DnsQuestion[];
}

/** Judges a mail. */
export async function judgeSender(raw: Uint8Array, question: DmarcQuestion): Promise<DmarcOpinion> {
  const { ip, helo, sender } = question;
  const known = new Map(question.known.map((answer) => [keyOf(answer), answer]));
  const open = new Map<string, DnsQuestion>();
  const resolver = async (name: string, type: string): Promise<never> => {
    const asked = { name, type };
    const answer = known.get(keyOf(asked));
    if (answer?.records !== undefined) return answer.records as never;
    if (answer === undefined) open.set(keyOf(asked), asked);
    throw Object.assign(new Error('no such record'), { code: answer?.code ?? 'ETIMEOUT' });
  };
  const { dmarc, dkim } = await authenticate(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength), {
    ip,
    helo,
    sender,
    resolver,
    trustReceived: false,
    disableArc: true,
    disableBimi: true,
    rejectRsaSha1: true,
  });
  const left = [...open.values()];
  if (dmarc === false || dmarc === undefined)
    return { result: 'none', domain: '', signed: [], signedAt: null, open: left };
  const { result, header } = dmarc.status;
  const byPath = typeof dmarc.alignment?.spf?.result === 'string';
  // What stands behind the octets that a signature covers (`l=`) is anybody's.
  const signatures = dkim.results.filter(
    ({ status }) => status.result === 'pass' && status.aligned && !status.underSized,
  );
  const signed = signatures.flatMap(
    ({ signingHeaders }) => signingHeaders?.keys.toLowerCase().split(/[:\s]+/) ?? [],
  );
  const [signedAt = null] = signatures.flatMap(({ signTime }) => signTime ?? []).sort();
  return {
    result: result === 'pass' && !byPath && signatures.length === 0 ? 'pass for a part of the mail' : result,
    domain: header?.from ?? '',
    signed: byPath ? null : signed,
    signedAt,
    open: left,
  };
}

function keyOf({ name, type }: DnsQuestion): string {
  return `${type} ${name}`;
}
