/**
 * The forms of our pages.
 *
 * Every form carries a field of its own, so that a press of a button is never taken for a mailbox provider's one-click
 * (LP-6). Without a path a form goes to the URL that it stands under, which holds the token.
 *
 * @module
 */
import { html, type Markup } from '@adieu/core';
import type { FormFields } from './choice.ts';
import { isOnly } from './form-body.ts';

/** Name of the hidden field by which our own forms are known. */
export const ACT_FIELD = 'adieu';

/** What our forms can say: leave, leave everything, take it back, and the preference centre's own. */
export const ACTS = ['confirm', 'all', 'undo', 'undo-all', 'save', 'leave'] as const;
export type ActName = (typeof ACTS)[number];

export interface FormParts {
  readonly act: ActName;
  readonly label: string;
  /** Where it goes; default: where it stands. */
  readonly path?: string;
  /** Not the first thing to do here. */
  readonly second?: boolean;
  readonly content?: Markup;
  /** Behind the button: pressing Enter presses the first button that a form has. */
  readonly after?: Markup | null;
}

/** A form with one button. */
export function form({ act, label, path, second, content, after }: FormParts): Markup {
  const action = path === undefined ? null : html` action="${path}"`;
  return html`<form method="post"${action}${second === true ? html` class="second"` : null}>
${hidden(ACT_FIELD, act)}${content}
<button type="submit">${label}</button>${after}
</form>`;
}

/** Name of the hidden field of a form that takes something back: when that was said. */
const UNDOES_FIELD = 'said';

/** Binds a form to what was said at a time, so that pressed late it lifts no newer no. */
export function undoing(at: Date): Markup {
  return hidden(UNDOES_FIELD, at.toISOString());
}

/** When what a form takes back was said; null where it does not say so, and is no form that takes something back. */
export function undoneBy(fields: FormFields): Date | null {
  const [text = '', ...more] = fields.get(UNDOES_FIELD) ?? [];
  const at = new Date(text);
  return more.length === 0 && !Number.isNaN(at.getTime()) && at.toISOString() === text ? at : null;
}

/** A field that nobody sees. */
export function hidden(name: string, value: string): Markup {
  return html`<input type="hidden" name="${name}" value="${value}">`;
}

/** What a form of ours says, of those that are understood here; null for anybody else's. */
export function actOf<Name extends ActName>(fields: FormFields, understood: readonly Name[]): Name | null {
  return understood.find((act) => isOnly(fields.get(ACT_FIELD), act)) ?? null;
}
