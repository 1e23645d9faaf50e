/**
 * The inbox: one row per mail, as a mailbox provider lists them, newest first.
 *
 * @module
 */

import { html, type Markup } from '@adieu/core';
import { departureLine, ENVELOPE, face, layout, shortTime, succeeded } from './layout.ts';
import type { Summary } from './reading.ts';
import type { Mail } from './shelf.ts';

export interface ListView {
  readonly rows: readonly { readonly mail: Mail; readonly summary: Summary }[];
  /** Mails that match, on all pages. */
  readonly total: number;
  readonly recipient: string;
  /** From 1. */
  readonly page: number;
  readonly pages: number;
  readonly now: Date;
}

export function listPage(view: ListView): string {
  const isFiltered = view.recipient !== '';
  return layout({
    title: isFiltered ? `Mail to ${view.recipient}` : 'Inbox · Adieu demo mailbox',
    recipient: view.recipient,
    ...(view.total === 0 ? { refreshSeconds: 3 } : {}),
    content: html`<div class="heading"><h1>${isFiltered ? `Mail to ${view.recipient}` : 'Inbox'}</h1>
<span class="quiet">${countOf(view.total)}${isFiltered && html` · <a href="/">show all</a>`}</span></div>
<div class="card">${view.total === 0 ? empty(view) : html`<ul class="rows">${view.rows.map((entry) => row(entry, view.now))}</ul>`}</div>
${view.pages > 1 && pager(view)}`,
  });
}

function row({ mail, summary }: ListView['rows'][number], now: Date): Markup {
  const departure = mail.departures.findLast(succeeded) ?? mail.departures.at(-1);
  const isGone = departure !== undefined && succeeded(departure);
  return html`<li><a class="row${isGone ? ' gone' : ''}" href="/messages/${mail.id}">
${face(summary.fromName, summary.fromAddress)}
<div class="who"><div class="name">${summary.fromName}</div><div class="to">to ${mail.recipients.join(', ')}</div></div>
<div class="when">${shortTime(mail.receivedAt, now)}</div>
<div class="what"><div class="subject">${summary.subject}</div><div class="snippet">${summary.snippet}</div>
${departure !== undefined && html`<span class="tag ${isGone ? 'good' : 'bad'}">${departureLine(departure)}</span>`}</div>
</a></li>`;
}

function empty(view: ListView): Markup {
  return html`<div class="empty">${ENVELOPE}<h2>${view.recipient === '' ? 'No mail yet' : 'No mail to this recipient'}</h2>
<p class="quiet">What is sent through this mailbox appears here by itself.</p></div>`;
}

function pager(view: ListView): Markup {
  const link = (page: number): string => {
    const query = new URLSearchParams();
    if (view.recipient !== '') query.set('recipient', view.recipient);
    if (page > 1) query.set('page', String(page));
    return `/?${query}`;
  };
  return html`<nav class="pager" aria-label="Pages">
${view.page > 1 ? html`<a class="button" rel="prev" href="${link(view.page - 1)}">Newer</a>` : html`<span></span>`}
<span class="quiet">Page ${view.page} of ${view.pages}</span>
${view.page < view.pages ? html`<a class="button" rel="next" href="${link(view.page + 1)}">Older</a>` : html`<span></span>`}
</nav>`;
}

function countOf(total: number): string {
  return total === 1 ? '1 mail' : `${total.toLocaleString('en')} mails`;
}
