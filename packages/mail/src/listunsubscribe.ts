/**
 * `List-Unsubscribe` and `List-Unsubscribe-Post` of a message (RFC 2369, RFC 8058).
 *
 * One https URI first and on the first line, then the mailto; nothing is folded but between them. The second
 * field stands only beside an https URI, and is byte-exact. A URL that is too long costs the URL, never the
 * recipient (U2).
 *
 * @module
 */
import {
  type BodyLink,
  customerMailto,
  customerUrl,
  type HeaderPlan,
  isFailure,
  type KeyRing,
  type ListUnsubscribeSettings,
  mailTokenAddress,
  type OptOutScope,
  planListUnsubscribe,
  sealMailToken,
} from '@adieu/core';
import { type HeaderField, LINE_LIMIT } from './field.ts';
import type { CustomerLink, OwnLink } from './linkurl.ts';

/** What all messages of a composer share. */
export interface ListUnsubscribeOptions {
  readonly plan: PlanHeader;
  readonly consentLevel: OptOutScope;
  /** The customer's endpoints, where the customer manages the header (U7). */
  readonly customer: CustomerEndpoints | null;
  readonly domain: string;
  readonly organisation: string;
  readonly sandbox: string;
  readonly ring: KeyRing;
  /** The number of the list; 0 for none. */
  readonly list: number;
}

/** What a customer managed header names. */
export interface CustomerEndpoints {
  readonly url?: CustomerLink;
  readonly mailto?: CustomerLink;
}

/** Reads the customer's endpoints off the settings; null where Adieu manages the header. */
export function customerEndpoints(settings: ListUnsubscribeSettings): CustomerEndpoints | null {
  const { managedBy, customUrl, customMailto, consentLevel: level, shadowSuppression } = settings;
  if (managedBy !== 'customer') return null;
  const url = customUrl === undefined ? null : customerUrl(customUrl);
  const mailto = customMailto === undefined ? null : customerMailto(customMailto);
  const shadow = shadowSuppression === true;
  return {
    ...(url === null ? {} : { url: { type: 'customer-url', level, page: url, shadow } }),
    ...(mailto === null ? {} : { mailto: { type: 'customer-mailto', level, page: mailto, shadow } }),
  };
}

/** What a header will hold, and the body's link that it borrows, if any. */
export interface PlannedHeader {
  readonly plan: HeaderPlan;
  readonly borrowed?: BodyLink;
}

/** Plans the header of a message whose HTML contains these links, by number, in document order. */
export type PlanHeader = (htmlLinks: readonly number[]) => PlannedHeader;

/** Who gets this message, in numbers, and its URLs. */
export interface ListUnsubscribeMessage {
  readonly profile: number;
  readonly address: number;
  readonly day: number;
  /** Throws `token_too_long`. */
  readonly url: (link: OwnLink) => string;
  /** The links that its HTML contains, by number, in document order. */
  readonly htmlLinks: readonly number[];
}

/** The fields of one message. */
export interface ListUnsubscribeFields {
  readonly fields: readonly HeaderField[];
  readonly warnings: readonly string[];
}

/** Octets of the URL that still leave room for the rest of its line (OH-9). */
const URL_LIMIT = 900;

/**
 * Opens the planner. A link in a block is not in every message: what decides is the first one-click link that a
 * message contains (U2), and for each of those the plan is made once.
 */
export function openHeaderPlanner(
  settings: ListUnsubscribeSettings,
  links: readonly BodyLink[],
  inbound: boolean,
): PlanHeader {
  const plans = new Map<BodyLink | undefined, PlannedHeader>();
  return (htmlLinks) => {
    const first = htmlLinks.find((number) => links[number]?.type === 'one-click');
    const link = first === undefined ? undefined : links[first];
    const known = plans.get(link);
    if (known !== undefined) return known;
    const plan = planListUnsubscribe(settings, link === undefined ? [] : [link], inbound);
    const isBorrowed = link !== undefined && plan.kind === 'header' && plan.url?.from === 'body';
    const planned: PlannedHeader = isBorrowed ? { plan, borrowed: link } : { plan };
    plans.set(link, planned);
    return planned;
  };
}

/** Writes the fields of one message; none when the plan says so or nothing is left to say. */
export function listUnsubscribeFields(
  options: ListUnsubscribeOptions,
  message: ListUnsubscribeMessage,
): ListUnsubscribeFields {
  const planned = options.plan(message.htmlLinks);
  const { plan } = planned;
  if (plan.kind === 'none') return { fields: [], warnings: [] };
  const warnings: string[] = [];
  const { customer } = options;
  const url =
    plan.url?.from === 'customer'
      ? customerUri(customer?.url, message, warnings)
      : headerUrl(planned, message, warnings);
  const mailto = !plan.mailto
    ? null
    : customer === null
      ? mailtoUri(options, message)
      : customerUri(customer.mailto, message, warnings);
  const uris = [url, mailto].filter((uri) => uri !== null).map((uri) => `<${uri}>`);
  if (uris.length === 0) return { fields: [], warnings };
  const fields = [{ name: 'List-Unsubscribe', value: uris.join(',\r\n ') }];
  if (url !== null) fields.push({ name: 'List-Unsubscribe-Post', value: 'List-Unsubscribe=One-Click' });
  return { fields, warnings };
}

/** The planned URL, else a shorter one of the same level, else none. */
function headerUrl(
  { plan, borrowed }: PlannedHeader,
  message: ListUnsubscribeMessage,
  warnings: string[],
): string | null {
  if (plan.kind === 'none' || plan.url === null) return null;
  const { url } = plan;
  if (borrowed !== undefined) {
    const same = fittingUrl(borrowed, message);
    if (same !== null) return same;
    warnings.push(
      'The body link is too long for the header: List-Unsubscribe has a generated URL without its page.',
    );
  }
  const generated = fittingUrl({ type: 'one-click', level: url.level }, message);
  if (generated === null)
    warnings.push('The one-click URL is too long for a header line: List-Unsubscribe has none.');
  return generated;
}

/** An endpoint of the customer's with its token; none when the two do not fit into a line. */
function customerUri(
  link: CustomerLink | undefined,
  message: ListUnsubscribeMessage,
  warnings: string[],
): string | null {
  if (link === undefined) return null;
  const uri = fittingUrl(link, message);
  if (uri === null)
    warnings.push(`${link.page} is too long with its token: List-Unsubscribe goes without it.`);
  return uri;
}

function fittingUrl(link: OwnLink, message: ListUnsubscribeMessage): string | null {
  try {
    const url = message.url(link);
    return url.length <= URL_LIMIT && `List-Unsubscribe: <${url}>,`.length <= LINE_LIMIT ? url : null;
  } catch (error) {
    if (isFailure(error) && error.code === 'token_too_long') return null;
    throw error;
  }
}

function mailtoUri(
  options: ListUnsubscribeOptions,
  { profile, address, day }: ListUnsubscribeMessage,
): string {
  const { organisation, sandbox, ring, list, consentLevel, domain } = options;
  const claims = { profile, address, list, scope: consentLevel, day };
  const token = sealMailToken(ring, 'mailto', { organisation, sandbox }, claims);
  return `mailto:${mailTokenAddress('mailto', token, domain)}?subject=unsubscribe`;
}
