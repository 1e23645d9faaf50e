/**
 * Delivery status notifications (RFC 3464, RFC 6533): one block for the message, one for each recipient.
 *
 * The rule: every block is read, in whatever order its fields stand, and only `Action` says what happened. Where a
 * block is poorer than the explanation beside it (no diagnostic, no word on what was being answered), the lines about
 * the same address are asked too.
 *
 * @module
 */
import { fieldsOf, type RawField } from '../inspect/field-reader.ts';
import { diagnose, oneLine } from './diagnosis.ts';
import { fieldsInText } from './entity.ts';
import type { Notification } from './notification.ts';
import { decodeXtext, typedAddress } from './recipient-address.ts';
import type { Reading, ReportAction, ReportedRecipient } from './report.ts';

/** Recipients of one report that are told apart. */
export const RECIPIENT_LIMIT = 1_000;
const RECIPIENT = /^(?:final|original)-recipient$/i;
const FIELD_OF_RECIPIENT = /^(?:final-recipient|original-recipient|action)$/i;
const STATUS = /(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\d|\.\d)/;

/** Reads the text of a `message/delivery-status`; null where it names no recipient at all. */
export function readDeliveryStatus(text: string, notification: Notification): Reading | null {
  const blocks = text.split(/\n[ \t]*\n/, RECIPIENT_LIMIT + 2).map(fieldsInText);
  const named = blocks.filter((fields) => fields.some(({ name }) => RECIPIENT.test(name)));
  // An `Action` beside the fields of the message says nothing of its own where recipients are named.
  const own =
    named.length > 0
      ? named
      : blocks.filter((fields) => fields.some(({ name }) => FIELD_OF_RECIPIENT.test(name)));
  if (own.length === 0) return null;
  const recipients = own
    .slice(0, RECIPIENT_LIMIT)
    .map((fields) => readRecipient(fields, notification, own.length === 1));
  const message = blocks.find((fields) => valueIn(fields, 'Original-Envelope-Id') !== '') ?? [];
  const envelopeId = decodeXtext(valueIn(message, 'Original-Envelope-Id')).slice(0, 100);
  return {
    recipients,
    ...(envelopeId === '' ? {} : { envelopeId }),
    ...(own.length > RECIPIENT_LIMIT ? { faults: [`only ${RECIPIENT_LIMIT} recipients were read`] } : {}),
  };
}

function readRecipient(
  fields: readonly RawField[],
  notification: Notification,
  alone: boolean,
): ReportedRecipient {
  const original = typedAddress(valueIn(fields, 'Original-Recipient'));
  const final = typedAddress(valueIn(fields, 'Final-Recipient'));
  const address = original ?? final;
  const reported = STATUS.exec(valueIn(fields, 'Status'))?.[0];
  const action = actionOf(valueIn(fields, 'Action'), reported);
  const named = address === undefined ? {} : { address };
  const [type, diagnostic] = typed(valueIn(fields, 'Diagnostic-Code'));
  const comment = valueIn(fields, 'Status').replace(STATUS, '');
  if (action !== 'failed' && action !== 'delayed') {
    const reason = oneLine(`${action} ${diagnostic}`).slice(0, 300);
    return {
      ...named,
      ...(reported === undefined ? {} : { status: reported }),
      kind: 'delivered',
      reason,
      action,
    };
  }
  const lines = [final, original].flatMap((one) => (one === undefined ? [] : notification.about(one)));
  const texts = [diagnostic, ...lines, comment, ...(alone ? [notification.text] : [])];
  const { kind, status, reason } = diagnose({
    ...(reported === undefined ? {} : { status: reported }),
    texts,
    // PowerMTA's verdict on the reply to RCPT.
    ...(/^bad-mailbox\b/i.test(valueIn(fields, 'X-PowerMTA-BounceCategory')) ? { place: 'rcpt' } : {}),
    context: notification.text,
  });
  // What a program of the receiving host said when it ended; the server had taken the address (sysexits, not SMTP).
  const program = type === 'x-unix' && kind === 'hard';
  const judged = action === 'delayed' || program ? 'soft' : kind;
  return { ...named, status, kind: judged, reason: reason === '' ? action : reason, action };
}

/** `Action` is required and case-insensitive; who leaves it out says it by the class of the status. */
function actionOf(value: string, status: string | undefined): ReportAction {
  const word = /^[a-z]+/i.exec(value)?.[0]?.toLowerCase();
  if (word === 'delayed' || word === 'delivered' || word === 'relayed' || word === 'expanded') return word;
  if (word !== undefined || status === undefined) return 'failed';
  return status.startsWith('2') ? 'delivered' : status.startsWith('4') ? 'delayed' : 'failed';
}

/** `smtp; 550 …`: its type in lower case, and the rest. */
function typed(value: string): readonly [string, string] {
  const match = /^\s*([\w-]{1,40})\s*;/.exec(value);
  return match === null ? ['', value] : [(match[1] ?? '').toLowerCase(), value.slice(match[0].length)];
}

function valueIn(fields: readonly RawField[], name: string): string {
  return fieldsOf({ fields }, name)[0]?.value ?? '';
}
