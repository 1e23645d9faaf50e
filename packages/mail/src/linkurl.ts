/**
 * The URLs of one message's links: sealed when first asked for, once each.
 *
 * Header and body ask here for the same link and get the identical URL (U2, OH-22). Every 200 messages draw
 * fresh sealers, each with a salt of its own.
 *
 * @module
 */
import {
  type BodyLink,
  type EmailParamsSealer,
  type KeyRing,
  type OptOutScope,
  openEmailParamsSealer,
  openUrlSealer,
  type UrlClaims,
  type UrlPurpose,
  type UrlSealer,
} from '@adieu/core';

/** What all messages of a composer share. */
export interface LinkUrlOptions {
  /** Without a slash at its end. */
  readonly linkBaseUrl: string;
  readonly organisation: string;
  readonly ring: KeyRing;
  readonly list?: string;
}

/** What a token says of the message and its recipient; scope, list and page come with the link. */
export type MessageClaims = Omit<UrlClaims, 'scope' | 'list' | 'page'>;

/** An endpoint that the customer names in the header: the URL, or the address as it stands behind `mailto:` (U7). */
export interface CustomerLink {
  readonly type: 'customer-url' | 'customer-mailto';
  readonly level: OptOutScope;
  readonly page: string;
  readonly shadow: boolean;
}

/** What a message's URLs are asked for by. */
export type OwnLink = BodyLink | CustomerLink;

/** Makes URLs for one message after the other. */
export interface LinkUrls {
  /** The URLs of one message; throws `token_too_long` when a link cannot be sealed. */
  readonly forMessage: (claims: MessageClaims) => (link: OwnLink) => string;
}

/** Messages that share a salt. */
const MESSAGES_PER_SALT = 200;

const PURPOSES: Readonly<Record<BodyLink['type'], UrlPurpose>> = {
  'one-click': 'one-click',
  unsubscribe: 'landing',
  preferences: 'preferences',
  mirror: 'mirror',
};

const PATHS: Readonly<Record<BodyLink['type'], string>> = {
  'one-click': '/unsubscribe/one-click',
  unsubscribe: '/unsubscribe',
  preferences: '/preferences',
  mirror: '/mirror',
};

/** Opens the maker of URLs. */
export function openLinkUrls(options: LinkUrlOptions): LinkUrls {
  let sealers = new Map<UrlPurpose, UrlSealer>();
  let mailSealer: EmailParamsSealer | null = null;
  let messages = 0;
  const sealerOf = (purpose: UrlPurpose): UrlSealer => {
    const open = sealers.get(purpose) ?? openUrlSealer(options.ring, purpose, options.organisation);
    sealers.set(purpose, open);
    return open;
  };
  const sealCustomers = (link: CustomerLink, claims: MessageClaims): string => {
    const said = customerClaims(link, claims, options);
    if (link.type === 'customer-mailto') {
      mailSealer ??= openEmailParamsSealer(options.ring, options.organisation);
      return `mailto:${link.page}?subject=unsubscribe${mailSealer.seal(said)}`;
    }
    const { params, pid } = sealerOf('customer').seal(said);
    return appendQuery(link.page, `params=${params}&pid=${pid}`);
  };
  return {
    forMessage(claims) {
      if (messages === MESSAGES_PER_SALT) {
        sealers = new Map();
        mailSealer = null;
        messages = 0;
      }
      messages += 1;
      const known = new Map<string, string>();
      return (link) => {
        const key = `${link.type} ${link.level} ${link.page ?? ''}`;
        const sealed = known.get(key);
        if (sealed !== undefined) return sealed;
        const url = isCustomers(link)
          ? sealCustomers(link, claims)
          : sealLink(link, claims, { options, sealer: sealerOf(PURPOSES[link.type]) });
        known.set(key, url);
        return url;
      };
    },
  };
}

function isCustomers(link: OwnLink): link is CustomerLink {
  return link.type === 'customer-url' || link.type === 'customer-mailto';
}

/** Without a `sig`: nothing of ours acts on it. The list stands there only where it is what is left. */
function customerClaims(link: CustomerLink, claims: MessageClaims, { list }: LinkUrlOptions): UrlClaims {
  return {
    ...claims,
    scope: link.level,
    ...(link.level === 'subscription' && list !== undefined ? { list } : {}),
    ...(link.shadow ? { shadow: true } : {}),
  };
}

function sealLink(
  link: BodyLink,
  claims: MessageClaims,
  { options, sealer }: { readonly options: LinkUrlOptions; readonly sealer: UrlSealer },
): string {
  // The third party's page is the URL itself; only a confirmation page is bound into the token.
  const isBound = link.type === 'one-click' && link.page !== undefined;
  // A page that offers choices wants to know the list; a one-click only when it leaves that list.
  const list = link.type !== 'one-click' || link.level === 'subscription' ? options.list : undefined;
  const { params, pid, sig } = sealer.seal({
    ...claims,
    scope: link.level,
    ...(list === undefined ? {} : { list }),
    ...(isBound ? { page: link.page } : {}),
  });
  const query = `params=${params}&pid=${pid}&sig=${sig}`;
  if (link.type === 'unsubscribe' && link.page !== undefined) return appendQuery(link.page, query);
  return `${options.linkBaseUrl}${PATHS[link.type]}?${query}`;
}

/** Appends to a URL, before its fragment. */
function appendQuery(url: string, query: string): string {
  const hash = url.indexOf('#');
  const base = hash < 0 ? url : url.slice(0, hash);
  const separator = base.includes('?') ? (/[?&]$/.test(base) ? '' : '&') : '?';
  return `${base}${separator}${query}${hash < 0 ? '' : url.slice(hash)}`;
}
