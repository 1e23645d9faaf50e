/**
 * A header that the customer manages: their own one-click URL, their own mailto (U7).
 *
 * One rule: what cannot stand in a header, or contradicts a switch beside it, is refused by the name of its field when the
 * configuration is written. Adieu then stores nothing by itself; body links that lead to Adieu are Adieu's as ever.
 *
 * @module
 */
import { parseAddress } from './address.ts';
import { Failure } from './failure.ts';
import type { ListUnsubscribeSettings } from './precedence.ts';

/** Octets of the URL. `params` and `pid` stand behind it, and a line of a header has to hold all. */
const URL_LIMIT = 500;
/** Appended by Adieu. */
const TOKEN_NAMES = ['params', 'pid', 'sig'];

/** The fields that only a customer managed header has, and what their codes begin with. */
const OWN = [
  ['customUrl', 'custom_url'],
  ['customMailto', 'custom_mailto'],
  ['shadowSuppression', 'shadow_suppression'],
] as const;

/**
 * The URL in the one spelling that is fit for a header: ASCII, percent-encoded, the host as A-labels. Null for what is not
 * https, holds user information, a fragment or parameters of Adieu's own, or is longer than 500 octets.
 */
export function customerUrl(given: string): string | null {
  if (!/^https:\/\//i.test(given) || /[\s#]/.test(given) || !URL.canParse(given)) return null;
  const url = new URL(given);
  if (url.username !== '' || url.password !== '') return null;
  if (TOKEN_NAMES.some((name) => url.searchParams.has(name))) return null;
  // The URL parser leaves a few characters alone that RFC 3986 does not know, braces and quotes among them.
  const spelled = url.href.replace(/[^\w.~:/?[\]@!$&()*+,;=%-]/g, (each) => encodeURIComponent(each));
  return spelled.length <= URL_LIMIT ? spelled : null;
}

/** The address as it stands behind `mailto:` (RFC 6068 section 2); null for what is no single ASCII address. */
export function customerMailto(given: string): string | null {
  const parsed = parseAddress(given);
  if (!parsed.ok || !parsed.address.ascii) return null;
  const { spelling, domain } = parsed.address;
  return `${encodeURIComponent(spelling.slice(0, -domain.length - 1))}@${domain}`;
}

/** Throws a {@link Failure} that names the field where settings and who manages them contradict each other. */
export function checkManagedBy(settings: ListUnsubscribeSettings): void {
  const { managedBy = 'adieu', enabled, customUrl, customMailto } = settings;
  if (managedBy !== 'adieu' && managedBy !== 'customer') {
    throw refused('managed_by_invalid', 'List-Unsubscribe is managed by "adieu" or "customer".', 'managedBy');
  }
  for (const [field, code] of OWN) {
    if (managedBy === 'customer' || !Object.hasOwn(settings, field)) continue;
    throw refused(`${code}_contradicts_managed_by`, `${field} contradicts managedBy "adieu".`, field);
  }
  if (customUrl !== undefined && customerUrl(customUrl) === null) {
    const detail = `The URL is https, without user information, fragment or parameters named ${TOKEN_NAMES.join(', ')}, and has at most ${URL_LIMIT} octets.`;
    throw refused('custom_url_invalid', detail, 'customUrl');
  }
  if (customMailto !== undefined && customerMailto(customMailto) === null) {
    throw refused('custom_mailto_invalid', 'The mailto is one ASCII address, nothing else.', 'customMailto');
  }
  for (const [field, code, toggle, name] of [
    ['customUrl', 'custom_url', 'oneClick', 'one_click'],
    ['customMailto', 'custom_mailto', 'mailto', 'mailto'],
  ] as const) {
    if (settings[field] === undefined) continue;
    if (!enabled)
      throw refused(`${code}_contradicts_enabled`, `The header is off, with ${field} in it.`, field);
    if (!settings[toggle])
      throw refused(`${code}_contradicts_${name}`, `${toggle} is off, with ${field}.`, field);
  }
  if (managedBy === 'customer' && enabled && customUrl === undefined && customMailto === undefined) {
    const detail = 'A header that the customer manages needs customUrl, customMailto or both.';
    throw refused('custom_endpoint_required', detail, 'customUrl');
  }
}

/** What is merely unwise. */
export function managedByWarnings(settings: ListUnsubscribeSettings): string[] {
  const { managedBy, enabled, oneClick, mailto, customUrl, customMailto } = settings;
  if (managedBy !== 'customer' || !enabled) return [];
  const found: string[] = [];
  if (oneClick && customUrl === undefined) {
    found.push(
      'There is no customUrl: the header has no one-click URL, which Gmail and Yahoo require of bulk mail.',
    );
  }
  if (mailto && customMailto === undefined) {
    found.push('There is no customMailto: the header has no mailto, the only way out that Apple Mail shows.');
  }
  return found;
}

function refused(code: string, detail: string, field: string): Failure {
  return new Failure(code, detail, { field: `listUnsubscribe.${field}` });
}
