/**
 * The host of an MTA-STS policy, asked as senders ask it (RFC 8461 section 3.3): HTTPS, a valid certificate, no redirect, plain text.
 *
 * @module
 */
import { STS_PATH } from '@adieu/core';

/** What came back. `absent`: there is no such host. `none`: a sender gets no policy. `silent`: it may be this machine that cannot ask. */
export type Served =
  | { readonly kind: 'served'; readonly text: string }
  | { readonly kind: 'absent' | 'none' | 'silent'; readonly says: string };

/** Fetches the policy of a domain. Never rejects. */
export type PolicyHost = (domain: string) => Promise<Served>;

/** Milliseconds for the whole answer. */
const PATIENCE = 5_000;
/** Octets; RFC 8461 lets senders stop there. */
const MOST = 65_536;
/** What a machine without a way out gets, too. */
const NO_WAY = new Set([
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'TimeoutError',
  'UND_ERR_CONNECT_TIMEOUT',
]);

export const publicPolicyHost: PolicyHost = (domain) => fetchPolicy(`https://mta-sts.${domain}${STS_PATH}`);

/** Asks one URL. */
export async function fetchPolicy(url: string): Promise<Served> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(PATIENCE) });
    const type = response.headers.get('content-type') ?? 'no type';
    if (response.status !== 200) {
      await response.body?.cancel();
      return { kind: 'none', says: `${url} answers ${response.status} instead of 200.` };
    }
    if (!/^text\/plain(?:[ \t]*;|$)/i.test(type)) {
      await response.body?.cancel();
      return { kind: 'none', says: `${url} is ${type} instead of text/plain.` };
    }
    const text = await readText(response);
    return text === null
      ? { kind: 'none', says: `${url} is longer than ${MOST} octets.` }
      : { kind: 'served', text };
  } catch (error) {
    const { name, cause } = error as Error & { readonly cause?: NodeJS.ErrnoException };
    const code = cause?.code ?? name;
    const kind = code === 'ENOTFOUND' ? 'absent' : NO_WAY.has(code) ? 'silent' : 'none';
    return { kind, says: `${url} cannot be fetched (${code}).` };
  }
}

async function readText(response: Response): Promise<string | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MOST) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
