/**
 * The shell of every page a recipient may see: one card, one style, no script, nothing from elsewhere.
 *
 * The style stands inline and the policy allows it by its hash, so that the page needs no second request
 * and an injected style or script does nothing (LP-5).
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { html, type Markup } from '@adieu/core';
import type { FastifyReply } from 'fastify';

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
export function sendPage(reply: FastifyReply, status: number, page: Page): FastifyReply {
  return reply
    .code(status)
    .header('content-security-policy', page.leavesSite === true ? POLICY_LEAVING : POLICY)
    .type('text/html; charset=utf-8')
    .send(renderPage(page));
}

function renderPage(page: Page): string {
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="color-scheme" content="light dark">
<title>${page.title}</title>
<style>${{ markup: STYLE }}</style>
</head>
<body>
<main>
${page.content}
</main>
</body>
</html>
`;
  return document.markup;
}

/**
 * Contrast is at least 4.5:1 in both schemes; the button is 3 rem high, wider than a thumb, and keeps a
 * visible focus ring (WCAG 2.2: 1.4.3, 2.4.7, 2.5.8).
 */
const STYLE = `
:root{color-scheme:light dark;--page:#f2f3f5;--card:#fff;--text:#1b1f24;--quiet:#566070;--line:#e0e3e8;--field:#f6f7f9;--accent:#1d4fd8;--on-accent:#fff;--accent-down:#173fae}
@media (prefers-color-scheme:dark){:root{--page:#101215;--card:#1a1d22;--text:#eceef1;--quiet:#a3adba;--line:#2c3138;--field:#22262d;--accent:#8fb0ff;--on-accent:#0d1526;--accent-down:#b4caff}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;justify-content:center;align-items:flex-start;padding:clamp(1rem,12vh,8rem) 1rem 2rem;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{width:100%;max-width:28rem;padding:clamp(1.5rem,6vw,2.5rem);background:var(--card);border:1px solid var(--line);border-radius:1rem}
.sender{margin:0 0 1rem;color:var(--quiet);font-size:.875rem;overflow-wrap:anywhere}
h1{margin:0 0 .75rem;font-size:1.625rem;line-height:1.2;letter-spacing:-.01em;text-wrap:balance}
p{margin:0 0 1rem}
.who{margin:1.25rem 0 1.5rem;padding:.75rem 1rem;background:var(--field);border-radius:.625rem;font-weight:600;overflow-wrap:anywhere}
.who small{display:block;font-weight:400;color:var(--quiet);font-size:.8125rem}
form{margin:0}
button{display:block;width:100%;min-height:3rem;padding:.75rem 1.25rem;border:0;border-radius:.625rem;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;cursor:pointer}
button:hover,button:active{background:var(--accent-down)}
button:focus-visible{outline:3px solid var(--text);outline-offset:3px}
.quiet{margin:1.25rem 0 0;color:var(--quiet);font-size:.875rem}
.done{display:flex;align-items:center;justify-content:center;width:3rem;height:3rem;margin:0 0 1.25rem;border-radius:50%;background:var(--field);color:var(--accent);font-size:1.5rem;font-weight:700}
@media (forced-colors:active){main,.who,button,.done{border:1px solid}}
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');
const POLICY_BASE = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'`;
const POLICY = `${POLICY_BASE}; form-action 'self'`;
/** Browsers apply `form-action` to the redirect that answers a form, and to every further one of the author's site. */
const POLICY_LEAVING = `${POLICY_BASE}; form-action 'self' https: http:`;
