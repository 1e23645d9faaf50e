/**
 * What a person is told when a link is not valid, a form was not ours, or nothing can be stored, and what to do instead.
 *
 * A wrong link gets one page, whatever is wrong with it (OC-11): it says where to write to, never takes an address, and so opts
 * nobody out by a stranger's word. Whoever writes from their own address is heard (LP-9).
 *
 * @module
 */
import { html, type Markup, type MarkupValue } from '@adieu/core';
import type { Problem } from '../problem.ts';
import type { FormFields } from './choice.ts';
import { ACT_FIELD, ACTS, actOf, form, hidden } from './form.ts';
import { mailboxInUri, type Page, type Setting } from './page.ts';

/** What is known of the request that failed. */
export interface Failed {
  readonly problem: Problem;
  /** The form that could not be stored, where it was ours. */
  readonly fields: FormFields | undefined;
  /** Somebody listens at `unsubscribe@` the subdomain. */
  readonly takesMail: boolean;
}

/** Octets of fields that a page carries so that they can be sent again. */
const RETRY_LIMIT = 4_000;

/** Says what is wrong and what to do instead. */
export function problemPage(failed: Failed, setting: Setting): Page {
  const { speech } = setting;
  const { problem } = failed;
  if (problem.code === 'not_stored' || (problem.status === 503 && failed.fields !== undefined)) {
    return told(
      speech.text('problem.not_stored_title'),
      html`<p>${speech.text('problem.not_stored')}</p>
${again(failed.fields, speech.text('problem.try_again'))}`,
      true,
    );
  }
  if (problem.status === 503) {
    return told(speech.text('problem.unavailable_title'), html`<p>${speech.text('problem.unavailable')}</p>`);
  }
  if (problem.status === 404) {
    return told(
      speech.text('problem.link_title'),
      html`<p>${speech.text('problem.link')}</p>
${otherWay(setting, failed.takesMail)}`,
    );
  }
  return told(speech.text('problem.title'), html`<p>${speech.text('problem.text')}</p>`);
}

function told(title: string, content: Markup, leavesSite = false): Page {
  return { title, content: html`<h1>${title}</h1>\n${content}`, ...(leavesSite ? { leavesSite } : {}) };
}

/** The person has pressed the button already: pressing again is all there is to do. */
function again(fields: FormFields | undefined, label: string): Markup | null {
  const act = fields === undefined ? null : actOf(fields, ACTS);
  if (fields === undefined || act === null) return null;
  const rest: MarkupValue[] = [];
  let octets = 0;
  for (const [name, values] of fields) {
    if (name === ACT_FIELD) continue;
    octets += Buffer.byteLength(name + values.join('')) + 40;
    rest.push(values.map((value) => hidden(name, value)));
  }
  return octets > RETRY_LIMIT ? null : form({ act, label, content: html`${rest}` });
}

/**
 * A mail from the person's own address, written for them: to where it is an opt-out if its sender can be verified and is read by a
 * person if not, else to the sender's contact. Without either, a reply to the message.
 */
function otherWay({ speech, brand, domain }: Setting, takesMail: boolean): Markup {
  const address = takesMail && domain !== null ? `unsubscribe@${domain}` : brand.contact?.email;
  if (address === undefined) return html`<p>${speech.text('problem.reply')}</p>`;
  const wish = speech.text('problem.sentence');
  const href = `mailto:${mailboxInUri(address)}?subject=unsubscribe&body=${encodeURIComponent(wish)}`;
  return html`<p>${speech.say('problem.mail', { address: html`<a href="${href}">${address}</a>` })}</p>
<p class="say">${wish}</p>
<p class="quiet">${speech.text('problem.reply')}</p>`;
}
