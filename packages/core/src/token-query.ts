/**
 * Finds the token in the query of a link that people, mail programs and gateways have handled.
 *
 * Forgiven is what copying does: punctuation behind the URL, `&amp;` for `&`, unreserved characters percent-encoded
 * once, parameters that somebody added (TK-8, OC-14). Not forgiven: a parameter that is missing, empty or there
 * twice. The values themselves are never repaired; a token is canonical or wrong.
 *
 * @module
 */
import { TOKEN_LIMIT } from './sealedtext.ts';
import type { UrlToken } from './urltoken.ts';

const NAMES = ['params', 'pid', 'sig'] as const;

/** Full stop, comma and brackets, as they stand behind a URL that was copied. */
const PUNCTUATION = /[.,>)]/;
const ENCODED_PUNCTUATION = /%(?:2e|2c|3e|29)/i;
/** Three values, each character percent-encoded, and as much again for parameters of others. */
const QUERY_LIMIT = 16_384;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

/**
 * Reads `params`, `pid` and `sig` from a raw query string, with or without its `?`. Null when one of them is
 * missing, empty, doubled, over 512 characters or not base64url.
 */
export function readUrlToken(query: string): UrlToken | null {
  const token = readTokenHalves(query);
  return token?.sig === undefined ? null : { ...token, sig: token.sig };
}

/** The same where `sig` may be missing; one that is there has to be one. */
export function readTokenHalves(query: string): (Omit<UrlToken, 'sig'> & Partial<UrlToken>) | null {
  if (typeof query !== 'string' || query.length > QUERY_LIMIT) return null;
  const found = new Map<string, string>();
  for (const pair of withoutDamage(query.replace(/^\?/, '')).split('&')) {
    const equals = pair.indexOf('=');
    const name = percentDecode(equals < 0 ? pair : pair.slice(0, equals)).replace(/^(?:amp;)+/, '');
    if (!(NAMES as readonly string[]).includes(name)) continue;
    if (found.has(name)) return null;
    found.set(name, equals < 0 ? '' : percentDecode(pair.slice(equals + 1)));
  }
  const [params, pid, sig] = NAMES.map((name) => found.get(name));
  if (!isValue(params) || !isValue(pid)) return null;
  if (sig === undefined) return { params, pid };
  return isValue(sig) ? { params, pid, sig } : null;
}

/** Step by step from the end: a pattern that repeats up to the end would be quadratic on a hostile query. */
function withoutDamage(query: string): string {
  let end = query.length;
  for (;;) {
    if (PUNCTUATION.test(query.slice(Math.max(end - 1, 0), end))) end -= 1;
    else if (ENCODED_PUNCTUATION.test(query.slice(Math.max(end - 3, 0), end))) end -= 3;
    else return query.slice(0, end);
  }
}

function isValue(value: string | undefined): value is string {
  return value !== undefined && value.length <= TOKEN_LIMIT && BASE64URL.test(value);
}

/** Once, and only what encodes one ASCII character: a sequence that does not decode stays, and fails later. */
function percentDecode(text: string): string {
  return text.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
