/**
 * The links of Adieu that a template holds: what kind, which level, which page of the author.
 *
 * Two spellings become one: `<a data-link-type="one-click" href="PAGE">` is rewritten into
 * `<a href="{{oneClickUrl page="PAGE"}}">`, so that a link works alike in HTML, in MJML, in a conditional comment,
 * in the text part and inside `{{#if}}` and `{{#each}}`. Two places with the same link share one URL of a message.
 *
 * @module
 */
import type { LinkType, OptOutScope } from '@adieu/core';

/** A link as the template says it; without a level it follows the channel configuration's (U3). */
export interface TemplateLink {
  readonly type: LinkType;
  readonly level?: OptOutScope;
  /** The author's page: confirmation page of a one-click, third party's landing page of an unsubscribe. */
  readonly page?: string;
}

/** The links of one template, each once, in document order. */
export interface LinkRegistry {
  readonly links: readonly TemplateLink[];
  /** Adds a link unless the same one is there, and answers its index. */
  add(link: TemplateLink): number;
}

/** The helper that stands for a link's URL; what this version does not serve is known, to be refused. */
export const LINK_HELPERS: ReadonlyMap<string, LinkType> = new Map([
  ['oneClickUrl', 'one-click'],
  ['unsubscribeUrl', 'unsubscribe'],
  ['preferencesUrl', 'preferences'],
  ['mirrorUrl', 'mirror'],
]);

const LINK_TYPES: ReadonlyMap<string, string> = new Map(
  [...LINK_HELPERS].map(([helper, type]) => [type, helper] as const),
);

/** Nothing answers its URL yet: a link that leads nowhere is worse than none. */
const UNSUPPORTED: LinkType = 'mirror';

const SUPPORTED = [...LINK_TYPES.keys()].filter((type) => type !== UNSUPPORTED).join(', ');

/** The helpers that an author is told of. */
export const OFFERED_HELPERS: readonly string[] = [...LINK_HELPERS]
  .filter(([, type]) => type !== UNSUPPORTED)
  .map(([helper]) => helper);

const LEVELS: readonly string[] = ['channel', 'identity', 'subscription'] satisfies OptOutScope[];

/** A link as it was read, or why it is none. */
export type ReadLink =
  | { readonly ok: true; readonly link: TemplateLink; readonly warning?: string }
  | { readonly ok: false; readonly code: LinkFault; readonly reason: string };

/** The code of an error about a link. */
export type LinkFault = 'link_invalid' | 'link_unsupported';

/**
 * Octets of a page that is bound into a token. Beside it stand message, campaign, journey, sandbox and list, and
 * a token has 512 characters (TK-9).
 */
const BOUND_PAGE_LIMIT = 220;
/** Appended to a third party's page. */
const TOKEN_NAMES = ['params', 'pid', 'sig'];

/** Reads what an author says about a link, in either spelling. */
export function readLink(given: {
  readonly type: string;
  readonly level?: string;
  readonly page?: string;
}): ReadLink {
  const { type, level } = given;
  if (!isLinkType(type)) {
    return refusedLink(`"${type}" is no link type; they are ${SUPPORTED}`);
  }
  if (type === UNSUPPORTED) {
    const reason = 'viewing in the browser (mirror) is not supported by this version';
    return { ok: false, code: 'link_unsupported', reason };
  }
  if (level !== undefined && !isLevel(level)) {
    return refusedLink(`"${level}" is no consent level; they are ${LEVELS.join(', ')}`);
  }
  const page = readPage(given.page ?? '');
  if (page === null) return refusedLink(`"${given.page}" is not the http(s) address of a page`);
  const link = { type, ...(level === undefined ? {} : { level }) };
  if (page === '') return { ok: true, link };
  if (type === 'preferences') {
    return { ok: true, link, warning: `a ${type} link leads to Adieu's own page; ${page} is left out` };
  }
  if (type === 'one-click' && page.length > BOUND_PAGE_LIMIT) {
    return refusedLink(`the page of a one-click link has at most ${BOUND_PAGE_LIMIT} characters`);
  }
  if (type === 'unsubscribe' && TOKEN_NAMES.some((name) => new URL(page).searchParams.has(name))) {
    return refusedLink(`the page has a parameter of its own named ${TOKEN_NAMES.join(', ')}: those are ours`);
  }
  if (page.startsWith('http:')) {
    return { ok: true, link: { ...link, page }, warning: `${page} is not https: whoever listens reads it` };
  }
  return { ok: true, link: { ...link, page } };
}

/** What is no link, and why. */
export function refusedLink(reason: string): Extract<ReadLink, { readonly ok: false }> {
  return { ok: false, code: 'link_invalid', reason };
}

/** The tag that stands for a link. */
export function linkTag(link: TemplateLink): string {
  const level = link.level === undefined ? '' : ` level="${link.level}"`;
  const page = link.page === undefined ? '' : ` page="${link.page}"`;
  return `{{${LINK_TYPES.get(link.type)}${page}${level}}}`;
}

/** Opens an empty registry. */
export function openLinkRegistry(): LinkRegistry {
  const links: TemplateLink[] = [];
  return {
    links,
    add(link) {
      const known = links.findIndex(
        ({ type, level, page }) => type === link.type && level === link.level && page === link.page,
      );
      return known >= 0 ? known : links.push(link) - 1;
    },
  };
}

/**
 * The page in the one spelling that is fit for a header: ASCII, percent-encoded, the host as A-labels (OH-5).
 * Empty when it is Adieu's own; null when it is no page.
 */
function readPage(given: string): string | null {
  const trimmed = given.trim();
  if (trimmed === '' || trimmed === '#') return '';
  if (!/^https?:\/\//i.test(trimmed) || !URL.canParse(trimmed)) return null;
  const url = new URL(trimmed);
  if (url.username !== '' || url.password !== '') return null;
  // The URL parser leaves a few characters alone that RFC 3986 does not know, braces and quotes among them.
  return url.href.replace(/[^\w.~:/?#[\]@!$&()*+,;=%-]/g, (character) => encodeURIComponent(character));
}

function isLinkType(value: string): value is LinkType {
  return LINK_TYPES.has(value);
}

function isLevel(value: string): value is OptOutScope {
  return LEVELS.includes(value);
}
