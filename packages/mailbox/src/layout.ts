/**
 * What every page has: the bar on top, the marks and faces, and times as a person reads them.
 *
 * @module
 */

import { html, type Markup } from '@adieu/core';
import type { Level } from '@adieu/mail';
import type { Departure } from './shelf.ts';
import { STYLE_PATH } from './style.ts';

export interface Page {
  readonly title: string;
  readonly content: Markup;
  /** What the search field holds. */
  readonly recipient?: string;
  /** Seconds after which the browser asks again, for a page that waits for something. */
  readonly refreshSeconds?: number;
}

export function layout(page: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
${page.refreshSeconds !== undefined && html`<meta http-equiv="refresh" content="${page.refreshSeconds}">`}
<title>${page.title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="bar"><div class="wrap">
<a class="brand" href="/">${ENVELOPE}<span>Adieu <small>demo mailbox</small></span></a>
<form class="search" action="/" method="get" role="search">
<input type="search" name="recipient" value="${page.recipient ?? ''}" placeholder="Recipient, e.g. john@example.com" aria-label="Show mail to this recipient only" autocapitalize="none" spellcheck="false">
<button class="button">Filter</button>
</form>
</div></header>
<main id="content"><div class="wrap">
${page.content}
</div></main>
</body>
</html>
`.markup;
}

export const ENVELOPE = html`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M13.5 19H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v5.5"/><path d="m3.5 7 8.5 6.2L20.5 7"/><path d="M16.5 18.5h5.2m-2.2-2.4 2.4 2.4-2.4 2.4"/></svg>`;

/** A round initial whose colour belongs to the sender. */
export function face(name: string, address: string): Markup {
  const initial = Array.from(name.replace(/[^\p{L}\p{N}]/gu, ''))[0] ?? '?';
  let sum = 0;
  for (const character of address.toLowerCase()) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 8191;
  return html`<span class="face f${sum % 8}" aria-hidden="true">${initial.toUpperCase()}</span>`;
}

const SIGNS: Readonly<Record<Level, readonly [sign: string, meaning: string]>> = {
  ok: ['✓', 'Good'],
  warn: ['!', 'Warning'],
  wrong: ['✕', 'Wrong'],
  info: ['i', 'For information'],
};

export function mark(level: Level): Markup {
  const [sign, meaning] = SIGNS[level];
  return html`<span class="mark ${level}" role="img" aria-label="${meaning}">${sign}</span>`;
}

/** Whether an answer means that the sender took the opt-out. */
export function succeeded(departure: Departure): boolean {
  return departure.code !== null && departure.code >= 200 && departure.code < 300;
}

/** `unsubscribed by header POST, answered 200`. */
export function departureLine(departure: Departure): string {
  const answer = departure.code === null ? 'no answer' : `answered ${departure.code}`;
  return `${succeeded(departure) ? 'unsubscribed' : 'tried to unsubscribe'} by ${departure.way}, ${answer}`;
}

const SAME_DAY = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const OTHER_DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const IN_FULL = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

/** The time of today, the day of before, with the whole date within. */
export function shortTime(iso: string, now: Date): Markup {
  const date = new Date(iso);
  const isToday = date.toDateString() === now.toDateString();
  const text = (isToday ? SAME_DAY : OTHER_DAY).format(date);
  return html`<time datetime="${iso}" title="${IN_FULL.format(date)}">${text}</time>`;
}

export function fullTime(iso: string): Markup {
  return html`<time datetime="${iso}">${IN_FULL.format(new Date(iso))}</time>`;
}
