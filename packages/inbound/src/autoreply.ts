/**
 * Did a machine answer, or did somebody leave?
 *
 * An out-of-office note sent to our return address must never opt a person out, and an unsubscribe mail that
 * a provider wrote for its user must. RFC 3834 §2 and §5 tell them apart; nothing else does: `Precedence`,
 * `X-Auto-Response-Suppress` and `List-*` stand in mails of both kinds.
 *
 * @module
 */
import type { HeaderField } from './content.ts';
import { keywordOf } from './structured-field.ts';

/**
 * True when the message is an automatic answer or a report:
 *
 * 1. the null sender, which only notifications use (RFC 5321 §4.5.5);
 * 2. `Auto-Submitted: auto-replied` (RFC 3834 §5), but not with `X-Apple-Unsubscribe: true`, which Apple Mail writes
 *    when a person taps Unsubscribe; `auto-generated` is *not* an answer;
 * 3. `multipart/report` as the type of the whole message (RFC 6522).
 */
export function isAutomaticReply(sender: string, fields: readonly HeaderField[]): boolean {
  if (sender === '') return true;
  const says = (name: string, word: string): boolean =>
    fields.some((field) => field.name === name && keywordOf(field.value) === word);
  if (says('content-type', 'multipart/report')) return true;
  return says('auto-submitted', 'auto-replied') && !says('x-apple-unsubscribe', 'true');
}
