/**
 * The pages around one opt-out: the question, the confirmation with its way back, and what came of going back.
 *
 * The question changes nothing by being looked at. It asks about what the link is for, and always offers to leave all
 * marketing email beside it (LP-3).
 *
 * @module
 */
import { html, type Markup, maskAddress, type OptOutScope } from '@adieu/core';
import { form, undoing } from './form.ts';
import { type Page, paragraph } from './page.ts';
import { listTitle } from './shown-list.ts';
import type { Visit } from './visit.ts';

/** Asks once; the button does it. */
export function questionPage(
  visit: Visit,
  ways: { readonly leavesSite?: boolean; readonly preferencesPath?: string },
): Page {
  const { speech, brand, link } = visit;
  const { scope } = link.claims;
  const own = brand.texts?.[speech.language]?.landing;
  return {
    title: speech.text('leave.title'),
    ...(ways.leavesSite === true ? { leavesSite: true } : {}),
    content: html`<h1>${speech.text('leave.title')}</h1>
<p>${sentence('leave', visit, scope)}</p>
${own === undefined ? null : paragraph(own)}
${recipient(visit, scope)}
${form({ act: 'confirm', label: speech.text('leave.button') })}
${scope === 'channel' ? null : all(visit)}
${ways.preferencesPath === undefined ? null : preferencesLink(visit, ways.preferencesPath)}
<p class="quiet">${speech.text('leave.nothing_yet')}</p>`,
  };
}

/** Says that it is done, and how to take it back. */
export function confirmationPage(
  visit: Visit,
  done: {
    readonly scope: OptOutScope;
    /** When the person said so. */
    readonly at: Date;
    readonly landingPath?: string;
    readonly preferencesPath: string;
  },
): Page {
  const { speech, brand, link } = visit;
  const own = brand.texts?.[speech.language]?.farewell;
  const act = done.scope === link.claims.scope ? 'undo' : 'undo-all';
  const path = done.landingPath === undefined ? {} : { path: done.landingPath };
  return {
    title: speech.text('left.title'),
    content: html`<p class="done" aria-hidden="true">✓</p>
<h1>${speech.text('left.title')}</h1>
<p>${sentence('leave', visit, done.scope)}</p>
${own === undefined ? null : paragraph(own)}
${recipient(visit, done.scope)}
<p class="quiet">${speech.text('left.late')}</p>
${
  isGone(visit, done.scope)
    ? null
    : html`<div class="other">
<p>${speech.text('left.undo_hint')}</p>
${form({ act, label: speech.text('left.undo'), second: true, content: undoing(done.at), ...path })}
</div>`
}
${preferencesLink(visit, done.preferencesPath)}`,
  };
}

/** What came of taking it back: mail again, or why there is none. */
export type Return = 'subscribed' | 'complaint' | 'still_stopped';

/** Says whether mail will come again. */
export function undonePage(
  visit: Visit,
  done: { readonly scope: OptOutScope; readonly outcome: Return; readonly preferencesPath: string },
): Page {
  const { speech } = visit;
  const back = done.outcome === 'subscribed';
  const title = speech.text(back ? 'undone.title' : 'undone.not_title');
  const text = {
    subscribed: sentence('undone', visit, done.scope),
    complaint: speech.say('saved.complaint'),
    still_stopped: speech.say('undone.still_stopped'),
  }[done.outcome];
  return {
    title,
    content: html`${back ? html`<p class="done" aria-hidden="true">✓</p>` : null}
<h1>${title}</h1>
<p>${text}</p>
${recipient(visit, done.scope)}
${preferencesLink(visit, done.preferencesPath)}`,
  };
}

/** Nobody can join a list that is not there any more. */
function isGone({ link, choices }: Visit, scope: OptOutScope): boolean {
  return (
    scope === 'subscription' &&
    choices !== null &&
    !choices.lists.some(({ name }) => name === link.claims.list)
  );
}

function all({ speech }: Visit): Markup {
  return html`<div class="other">
<p>${speech.text('leave.all_hint')}</p>
${form({ act: 'all', label: speech.text('leave.all'), second: true })}
</div>`;
}

function preferencesLink({ speech }: Visit, path: string): Markup {
  return html`<p class="more"><a href="${path}">${speech.text('leave.preferences')}</a></p>`;
}

function recipient({ speech, link }: Visit, scope: OptOutScope): Markup {
  const address = html`<bdi dir="ltr">${maskAddress(link.claims.address)}</bdi>`;
  if (scope === 'subscription') return html`<p class="who">${address}</p>`;
  const width = speech.text(scope === 'channel' ? 'who.all_addresses' : 'who.this_address');
  return html`<p class="who">${address} <small>${width}</small></p>`;
}

function sentence(about: 'leave' | 'undone', { speech, link, choices }: Visit, scope: OptOutScope): Markup {
  if (scope !== 'subscription') return speech.say(`${about}.${scope}`);
  const title = listTitle(link.claims.list ?? '', choices?.lists ?? [], speech.language);
  return speech.say(`${about}.subscription`, { list: html`<strong>${title}</strong>` });
}
