/**
 * The pages around one opt-out, in English: the question, the confirmation, and what is said when a link is
 * not valid or nothing can be stored.
 *
 * The question changes nothing by being looked at. Its form carries a field of its own, so that a press of the
 * button is never taken for a mailbox provider's one-click (LP-6).
 *
 * @module
 */
import { html, type Markup, maskAddress, type UrlClaims } from '@adieu/core';
import type { Problem } from '../problem.ts';
import type { Page } from './page.ts';

/** Name and value of the hidden field by which our own form is known. */
export const CONFIRM_FIELD = 'adieu';
export const CONFIRM_VALUE = 'confirm';

export interface Choice {
  readonly claims: UrlClaims;
  /** The sending subdomain: whose mail stops. */
  readonly sender: string;
}

/** Asks once; the button does it. `leavesSite`: the form is answered with a redirect to the author's page. */
export function questionPage(choice: Choice, leavesSite: boolean): Page {
  return {
    title: 'Unsubscribe?',
    leavesSite,
    content: html`<p class="sender">${choice.sender}</p>
<h1>Unsubscribe?</h1>
<p>${stops(choice)}</p>
${recipient(choice)}
${confirmForm('Unsubscribe')}
<p class="quiet">Nothing has changed yet. If you came here by mistake, just close this page.</p>`,
  };
}

/** Says that it is done. */
export function confirmationPage(choice: Choice): Page {
  return {
    title: 'You are unsubscribed',
    content: html`<p class="done" aria-hidden="true">✓</p>
<p class="sender">${choice.sender}</p>
<h1>You are unsubscribed</h1>
<p>${stops(choice)}</p>
${recipient(choice)}
<p class="quiet">A message that had already left us may still arrive. You can close this page.</p>`,
  };
}

/** Says what is wrong and what to do instead (LP-9). */
export function problemPage(problem: Problem): Page {
  if (problem.code === 'not_stored') return NOT_STORED_PAGE;
  if (problem.status === 503) return UNAVAILABLE_PAGE;
  if (problem.status === 404) return UNKNOWN_LINK_PAGE;
  return {
    title: 'That did not work',
    content: html`<h1>That did not work</h1>
<p>${problem.detail}</p>
<p class="quiet">Please open the link from your message again.</p>`,
  };
}

/** No `action`: the form goes to the URL that holds the token. */
function confirmForm(label: string): Markup {
  return html`<form method="post">
<input type="hidden" name="${CONFIRM_FIELD}" value="${CONFIRM_VALUE}">
<button type="submit">${label}</button>
</form>`;
}

function recipient({ claims }: Choice): Markup {
  const label = claims.scope === 'channel' ? 'and every other address of yours' : 'this address only';
  return html`<p class="who">${maskAddress(claims.address)}${claims.scope === 'subscription' ? null : html` <small>${label}</small>`}</p>`;
}

function stops({ claims }: Choice): Markup {
  if (claims.scope === 'subscription') {
    return html`We will send you no more email of the list <strong>${claims.list ?? ''}</strong>.`;
  }
  return html`We will send you no more marketing email.`;
}

/** The person has pressed the button already: pressing again is all there is to do. */
const NOT_STORED_PAGE: Page = {
  title: 'Please try again in a moment',
  leavesSite: true,
  content: html`<h1>Please try again in a moment</h1>
<p>Your choice could not be stored just now. The link stays valid.</p>
${confirmForm('Try again')}`,
};

const UNAVAILABLE_PAGE: Page = {
  title: 'Please come back in a moment',
  content: html`<h1>Please come back in a moment</h1>
<p>This page cannot be shown just now, and nothing has changed. The link stays valid: open it again in a moment.</p>`,
};

const UNKNOWN_LINK_PAGE: Page = {
  title: 'This link is not valid',
  content: html`<h1>This link is not valid</h1>
<p>Part of it may have been lost on the way, so nothing has changed. Please open it again from the message itself, or copy all of it.</p>
<p class="quiet">If that does not help, reply to the message and ask to be taken off.</p>`,
};
