/**
 * One mail as its reader sees it, and what lies behind it: the way out, the text, the headers, the source.
 *
 * @module
 */

import { html, type Markup } from '@adieu/core';
import type { Level } from '@adieu/mail';
import { type Door, urlThroughDoor } from './door.ts';
import { departureLine, face, fullTime, layout, mark, succeeded } from './layout.ts';
import type { Reading } from './reading.ts';
import type { Departure, Mail } from './shelf.ts';

export const TABS = ['message', 'text', 'inspection', 'source'] as const;
export type Tab = (typeof TABS)[number];

export interface MailView {
  readonly mail: Mail;
  readonly reading: Reading;
  readonly tab: Tab;
  readonly pictures: boolean;
  /** Where links to the sender's link host lead in this demo; `null` when they are left as they are. */
  readonly door: Door | null;
}

const TITLES: Readonly<Record<Tab, string>> = {
  message: 'Message',
  text: 'Text part',
  inspection: 'Inspection',
  source: 'Source',
};
/** Characters of the source that a page shows; the rest is in the file. */
const SHOWN_SOURCE = 400_000;

export function mailPage(view: MailView): string {
  const { mail, reading } = view;
  const { summary } = reading;
  return layout({
    title: `${summary.subject} · Adieu demo mailbox`,
    content: html`<a class="back" href="/">← Inbox</a>
<div class="columns">
<article class="card">
<div class="letterhead">
<h1>${summary.subject}</h1>
<div class="sender">${face(summary.fromName, summary.fromAddress)}
<div class="about"><div class="first"><span class="name">${summary.fromName}</span><span class="address">${summary.fromAddress}</span></div>
<div class="second">to ${mail.recipients.join(', ')} · ${fullTime(mail.receivedAt)}</div></div>
${wayOut(view)}</div>
</div>
${mail.departures.toReversed().map(departureNote)}
<nav class="tabs" aria-label="Views of this mail">${TABS.map((tab) => tabLink(view, tab))}</nav>
${CONTENT[view.tab](view)}
</article>
<aside class="card side">${verdict(view)}</aside>
</div>`,
  });
}

/** The buttons that a mailbox provider puts beside the sender, as far as the header allows them. */
function wayOut({ mail, reading }: MailView): Markup | null {
  const { https, mailto, post } = reading.inspection.listUnsubscribe;
  const hasPost = https !== undefined && post;
  if (!hasPost && mailto === undefined) return null;
  return html`<div class="leaving">
${hasPost && html`<form method="post" action="/messages/${mail.id}/unsubscribe"><button class="button leave" title="Posts to the header’s https address, as Gmail, Outlook and Yahoo do">Unsubscribe</button></form>`}
${mailto !== undefined && html`<form method="post" action="/messages/${mail.id}/mailto"><button class="button" title="Mails the header’s mailto address with an empty subject, as Apple Mail does">Unsubscribe by mail</button></form>`}
</div>`;
}

function departureNote(departure: Departure): Markup {
  const line = departureLine(departure);
  return html`<div class="note ${succeeded(departure) ? 'good' : 'bad'}">
<strong>${line.charAt(0).toUpperCase() + line.slice(1)}</strong> <span class="quiet">${fullTime(departure.at)}</span>
<details><summary>What was said</summary><pre class="plain">${departure.dialogue.join('\n')}</pre></details></div>`;
}

function tabLink(view: MailView, tab: Tab): Markup {
  const problems = view.reading.inspection.findings.filter((finding) => finding.level === 'wrong').length;
  const href = `/messages/${view.mail.id}${tab === 'message' ? '' : `?view=${tab}`}`;
  return html`<a href="${href}"${view.tab === tab && html` aria-current="page"`}>${TITLES[tab]}${tab === 'inspection' && problems > 0 && html`<span class="tag bad count">${problems}</span>`}</a>`;
}

const CONTENT: Readonly<Record<Tab, (view: MailView) => Markup>> = {
  message: messageView,
  text: (view) =>
    view.reading.inspection.text === undefined
      ? html`<p class="nothing">This mail has no text part.</p>`
      : textView(view.reading.inspection.text, view.door),
  inspection: inspectionView,
  source: ({ mail }) => {
    const source = mail.raw.subarray(0, SHOWN_SOURCE).toString('utf8');
    return html`<p class="frame-note"><a href="/messages/${mail.id}.eml" download>Save as .eml</a> · ${mail.raw.length.toLocaleString('en')} octets, exactly as delivered${mail.raw.length > SHOWN_SOURCE && ' (the beginning)'}</p>
<pre class="plain source" tabindex="0">${source}</pre>`;
  },
};

function messageView(view: MailView): Markup {
  const { inspection } = view.reading;
  if (inspection.html === undefined) {
    return inspection.text === undefined
      ? html`<p class="nothing">This mail has neither an HTML part nor a text part.</p>`
      : textView(inspection.text, view.door);
  }
  const body = `/messages/${view.mail.id}/body${view.pictures ? '?pictures=1' : ''}`;
  const hasPictures = /<img\b|url\(/i.test(inspection.html);
  const note = [
    hasPictures &&
      !view.pictures &&
      html`Remote pictures are not loaded. <a href="?pictures=1">Load them</a>`,
    view.door !== null &&
      html`Links to the sender open through this mailbox, since the demo domain has no DNS.`,
  ].filter((part) => part !== false);
  return html`${note.length > 0 && html`<p class="frame-note">${note.flatMap((part, index) => (index === 0 ? [part] : [' · ', part]))}</p>`}
<iframe class="frame" src="${body}" sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer" title="The message as its sender designed it"></iframe>`;
}

/** The text part with its links as links; those to the link host lead through the door. */
function textView(text: string, door: Door | null): Markup {
  const pieces = text.split(/(https?:\/\/[^\s<>"]{1,4000})/);
  return html`<pre class="plain">${pieces.map((piece, index) =>
    index % 2 === 0
      ? piece
      : html`<a href="${door === null ? piece : urlThroughDoor(piece, door)}" target="_blank" rel="noreferrer noopener">${piece}</a>`,
  )}</pre>`;
}

function inspectionView({ reading }: MailView): Markup {
  const { inspection } = reading;
  const order = ['wrong', 'warn', 'ok', 'info'];
  const findings = inspection.findings.toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  return html`<section class="section"><h2>Findings</h2><ul class="checks">${findings.map(
    (finding) =>
      html`<li>${mark(finding.level)}<div class="text">${finding.title}${finding.row !== undefined && html`<span class="rule">${finding.row}</span>`}<small>${finding.detail}</small></div></li>`,
  )}</ul></section>
<section class="section"><h2>Signatures</h2>${
    inspection.signatures.length === 0
      ? html`<p class="quiet">This mail is not signed.</p>`
      : html`<ul class="checks">${inspection.signatures.map(
          (signature) =>
            html`<li>${mark(signature.valid ? 'ok' : 'wrong')}<div class="text">${signature.domain} <span class="quiet">${signature.selector}, ${signature.algorithm}</span><small>${signature.valid ? 'Valid' : (signature.reason ?? 'Not valid')}. Covers ${[...new Set(signature.signedHeaders)].join(', ')}</small></div></li>`,
        )}</ul>`
  }</section>
<section class="section"><h2>Header, line by line</h2><dl class="fields">${inspection.headers.map(
    (field) =>
      html`<div><dt>${field.name}</dt><dd class="value mono">${field.value}</dd>${field.explanation !== '' && html`<dd class="means">${field.explanation}</dd>`}</div>`,
  )}</dl></section>`;
}

/** What is concluded from the header: the signature, the way out, each provider's button. */
function verdict({ mail, reading }: MailView): Markup {
  const { inspection } = reading;
  const { https, mailto, post } = inspection.listUnsubscribe;
  const valid = inspection.signatures.filter((signature) => signature.valid);
  const count = (level: Level): number =>
    inspection.findings.filter((finding) => finding.level === level).length;
  const [wrong, warnings] = [count('wrong'), count('warn')];
  const line = (level: Level, title: string, detail: string): Markup =>
    html`<li>${mark(level)}<div class="text">${title}<small>${detail}</small></div></li>`;
  const signers = valid.map((signature) => `${signature.domain} (${signature.algorithm})`).join(', ');
  return html`<h2>The verdict</h2><ul class="checks">
${
  valid.length > 0
    ? line('ok', 'Signature valid', signers)
    : line('wrong', 'No valid signature', inspection.signatures[0]?.reason ?? 'This mail is not signed')
}
${
  https !== undefined && post
    ? line('ok', 'One-click unsubscribe', `Posts to ${hostOf(https)}`)
    : line(
        'info',
        'No one-click unsubscribe',
        https === undefined ? 'The header holds no https address' : 'List-Unsubscribe-Post is missing',
      )
}
${mailto === undefined ? line('info', 'No unsubscribe by mail', 'The header holds no mailto address') : line('ok', 'Unsubscribe by mail', `Writes to ${hostOf(mailto)}`)}
${line(wrong > 0 ? 'wrong' : warnings > 0 ? 'warn' : 'ok', 'Inspection', `${wrong} wrong, ${warnings} to look at, ${count('ok')} good`)}
</ul>
<h2 class="next">The button each provider shows</h2>
<dl class="facts">${inspection.providers.map(
    ({ provider, button, why }) =>
      html`<div><dt>${provider}</dt><dd><span class="tag ${button === 'none' ? 'bad' : 'good'}" title="${why}">${BUTTONS[button]}</span></dd></div>`,
  )}</dl>
<h2 class="next">Envelope</h2>
<dl class="facts">
<div><dt>Sender</dt><dd class="mono">${mail.sender === '' ? 'none (null sender)' : mail.sender}</dd></div>
<div><dt>Recipient</dt><dd>${mail.recipients.map((recipient) => html`<a href="/?${new URLSearchParams({ recipient }).toString()}">${recipient}</a> `)}</dd></div>
<div><dt>Size</dt><dd>${mail.raw.length.toLocaleString('en')} octets</dd></div>
</dl>`;
}

const BUTTONS = { 'one-click': 'one-click', mailto: 'by mail', none: 'none' } as const;

function hostOf(uri: string): string {
  if (!URL.canParse(uri)) return uri;
  const { host, pathname } = new URL(uri);
  return host || pathname.slice(pathname.lastIndexOf('@') + 1);
}
