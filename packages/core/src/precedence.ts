/**
 * Which `List-Unsubscribe` a message carries (U1 to U3).
 *
 * The header's own URL wins over the body's; the body's stands in where the header's is off; without a URL there
 * is no `List-Unsubscribe-Post` (RFC 8058 section 3.1). Every plan says why, since nobody should have to guess why
 * a header is missing.
 *
 * @module
 */
import type { OptOutScope } from './consent.ts';

/** The List-Unsubscribe settings of a channel configuration. */
export interface ListUnsubscribeSettings {
  readonly enabled: boolean;
  readonly mailto: boolean;
  readonly oneClick: boolean;
  /** Shared by header, mailto and every link that names no level of its own. */
  readonly consentLevel: OptOutScope;
  /** Whose endpoints the header names. Default: Adieu's. */
  readonly managedBy?: 'adieu' | 'customer';
  /** The customer's one-click URL: https, takes the POST of RFC 8058. */
  readonly customUrl?: string;
  /** The customer's address for mail of people who leave. */
  readonly customMailto?: string;
  /** Whoever reads a customer managed token stops Adieu's mail as well. Default: no. */
  readonly shadowSuppression?: boolean;
}

/** What a link in the body is for. */
export type LinkType = 'one-click' | 'unsubscribe' | 'preferences' | 'mirror';

/** A link of ours in the body. */
export interface BodyLink {
  readonly type: LinkType;
  readonly level: OptOutScope;
  /** The author's page: confirmation page of a one-click, third-party landing page of an unsubscribe. */
  readonly page?: string;
}

/** Where the header's URL comes from. `index` points into the links that were given. */
export type HeaderUrl =
  | { readonly from: 'generated'; readonly level: OptOutScope }
  | { readonly from: 'customer'; readonly level: OptOutScope }
  | { readonly from: 'body'; readonly index: number; readonly level: OptOutScope };

/** What the header will hold, and why. A header without a URL has no `List-Unsubscribe-Post`. */
export type HeaderPlan =
  | { readonly kind: 'none'; readonly why: string }
  | {
      readonly kind: 'header';
      readonly url: HeaderUrl | null;
      readonly mailto: boolean;
      readonly why: readonly string[];
    };

/**
 * Plans the header. `links` are the body's links in document order; only one-click links count.
 * `inboundConfigured` tells whether somebody listens at our mailto address. A header that the customer manages names
 * nothing of ours: it borrows no link, and needs no listener (U7).
 */
export function planListUnsubscribe(
  settings: ListUnsubscribeSettings,
  links: readonly BodyLink[],
  inboundConfigured: boolean,
): HeaderPlan {
  if (!settings.enabled)
    return { kind: 'none', why: 'List-Unsubscribe is off in the channel configuration.' };
  const isCustomers = settings.managedBy === 'customer';
  const [url, urlReason] = isCustomers ? planCustomerUrl(settings) : planUrl(settings, links);
  const [mailto, mailtoReason] = isCustomers
    ? planCustomerMailto(settings)
    : planMailto(settings, inboundConfigured);
  if (url === null && !mailto) return { kind: 'none', why: `${urlReason} ${mailtoReason}` };
  return { kind: 'header', url, mailto, why: [urlReason, mailtoReason] };
}

function planUrl(settings: ListUnsubscribeSettings, links: readonly BodyLink[]): [HeaderUrl | null, string] {
  const index = links.findIndex((link) => link.type === 'one-click');
  const first = links[index];
  if (settings.oneClick) {
    const level = settings.consentLevel;
    const beside = first === undefined ? '' : ', though the body has a one-click link';
    return [{ from: 'generated', level }, `One-click is on: a generated URL of level ${level}${beside}.`];
  }
  if (first === undefined)
    return [null, 'One-click is off and the body has no one-click link: no URL, no Post.'];
  const level = first.level;
  return [
    { from: 'body', index, level },
    `One-click is off: the body's first one-click link, of level ${level}.`,
  ];
}

function planMailto(settings: ListUnsubscribeSettings, inboundConfigured: boolean): [boolean, string] {
  if (!settings.mailto) return [false, 'Mailto is off in the channel configuration.'];
  if (!inboundConfigured) return [false, 'Mailto is on, but no inbound listener is configured.'];
  return [true, `Mailto is on, of level ${settings.consentLevel}.`];
}

function planCustomerUrl({
  oneClick,
  customUrl,
  consentLevel: level,
}: ListUnsubscribeSettings): [HeaderUrl | null, string] {
  if (!oneClick) return [null, 'One-click is off, and the customer manages the header: no URL, no Post.'];
  if (customUrl === undefined) return [null, 'The customer manages the header and gave no URL: no Post.'];
  return [{ from: 'customer', level }, `The customer's own URL, with a token of level ${level}.`];
}

function planCustomerMailto({
  mailto,
  customMailto,
  consentLevel,
}: ListUnsubscribeSettings): [boolean, string] {
  if (!mailto) return [false, 'Mailto is off in the channel configuration.'];
  if (customMailto === undefined) return [false, 'The customer manages the header and gave no mailto.'];
  return [true, `The customer's own mailto, with a token of level ${consentLevel}.`];
}
