/**
 * The shell of every page a recipient may see: one card, one style, no script, nothing from elsewhere.
 *
 * Styles stand inline and the policy allows them by their hashes, so that the page needs no second request
 * and an injected style or script does nothing (LP-5). Only logical directions: Arabic mirrors by itself.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { html, type Markup } from '@adieu/core';
import type { FastifyReply } from 'fastify';
import type { Brand } from './brand.ts';
import type { Speech } from './language/speech.ts';
import { brandStyle, STYLE } from './page-style.ts';

/** Who sends, and in which language the page speaks. */
export interface Setting {
  readonly speech: Speech;
  readonly brand: Brand;
  /** The sending subdomain; null where nobody knows the host. */
  readonly domain: string | null;
}

export interface Page {
  readonly title: string;
  readonly content: Markup;
  /** True when a form of the page may be answered with a redirect to the author's page. */
  readonly leavesSite?: boolean;
}

/** Headers of every public answer, page or not (OC-17). */
export const PUBLIC_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex, nofollow',
  'x-content-type-options': 'nosniff',
  'content-security-policy':
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
};

/** Sends a page. */
export function sendPage(reply: FastifyReply, status: number, page: Page, setting: Setting): FastifyReply {
  return reply
    .code(status)
    .header('content-security-policy', policy(page, setting.brand))
    .header('content-language', setting.speech.language)
    .header('vary', 'Accept-Language')
    .type('text/html; charset=utf-8')
    .send(renderPage(page, setting));
}

/** Who sends, as a person would say it. */
export function senderOf({ brand, domain }: Setting): string | null {
  return brand.name ?? domain;
}

function renderPage(page: Page, setting: Setting): string {
  const { speech, brand } = setting;
  const sender = senderOf(setting);
  const own = brandStyle(brand);
  const document = html`<!doctype html>
<html lang="${speech.language}" dir="${speech.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="color-scheme" content="light dark">
<title>${page.title}${sender === null ? null : ` · ${sender}`}</title>
<style>${STYLE}</style>${own === null ? null : html`<style>${own}</style>`}
</head>
<body>
${header(setting)}
<main>
${page.content}
</main>
${footer(setting)}
</body>
</html>
`;
  return document.markup;
}

function header(setting: Setting): Markup | null {
  const sender = senderOf(setting);
  if (sender === null) return null;
  const { logo } = setting.brand;
  if (logo === undefined) return html`<header><p class="sender"><bdi>${sender}</bdi></p></header>`;
  return html`<header><img class="logo" src="${logo}" alt="${sender}"></header>`;
}

function footer({ brand, speech }: Setting): Markup | null {
  const sentence = brand.texts?.[speech.language]?.footer;
  const { email, postalAddress } = brand.contact ?? {};
  if (sentence === undefined && email === undefined && postalAddress === undefined) return null;
  return html`<footer>
${sentence === undefined ? null : paragraph(sentence)}
${email === undefined ? null : html`<p>${speech.say('contact.write', { address: html`<a href="mailto:${mailboxInUri(email)}">${email}</a>` })}</p>`}
${postalAddress === undefined ? null : html`<address>${lines(postalAddress, (line) => html`<bdi>${line}</bdi>`)}</address>`}
</footer>`;
}

/** An address as a `mailto:` URI writes it (RFC 6068). */
export function mailboxInUri(email: string): string {
  return encodeURIComponent(email).replace('%40', '@');
}

/** A brand's own sentence: of the page's language, and so of its direction, even where it begins with a Latin name. */
export function paragraph(text: string): Markup {
  return html`<p class="own">${lines(text, (line) => html`${line}`)}</p>`;
}

/** Lines of an address are each of their own direction: a house number stays in front of a Latin street on an Arabic page. */
function lines(text: string, write: (line: string) => Markup): Markup {
  return html`${text.split('\n').map((line, index) => html`${index === 0 ? null : html`<br>`}${write(line)}`)}`;
}

function policy(page: Page, brand: Brand): string {
  const own = brandStyle(brand);
  const styles = own === null ? STYLE_HASH : `${STYLE_HASH} ${hash(own.markup)}`;
  // Browsers apply `form-action` to the redirect that answers a form, and to every further one of the author's site.
  const forms = page.leavesSite === true ? "'self' https: http:" : "'self'";
  const images = brand.logo === undefined ? '' : ' img-src data:;';
  return `default-src 'none'; style-src ${styles};${images} frame-ancestors 'none'; base-uri 'none'; form-action ${forms}`;
}

function hash(style: string): string {
  return `'sha256-${createHash('sha256').update(style).digest('base64')}'`;
}

const STYLE_HASH = hash(STYLE.markup);
