/**
 * Amazon SES's notifications about a message: JSON by way of SNS, posted or mailed.
 *
 * The rule: SES's own `Permanent` and `Transient` are asked only where it cites no server; what a server said is judged
 * as every reply is. Feedback is a complaint or none by the words of {@link COMPLAINTS}, as that of a mailbox provider is.
 *
 * @module
 */
import { withoutControlCharacters } from '@adieu/core';
import { RECIPIENT_LIMIT } from './delivery-status.ts';
import { diagnose, oneLine } from './diagnosis.ts';
import { COMPLAINTS } from './feedback-report.ts';
import { bareAddress } from './recipient-address.ts';
import type { Reading, Report, ReportedRecipient } from './report.ts';

const TEXT_LIMIT = 1_048_576;
/** Header fields of the message that are given back. */
const FIELD_LIMIT = 1_000;
const VALUE_LIMIT = 10_000;
type Json = Readonly<Record<string, unknown>>;

/** Reads the text of a notification, or of an SNS envelope around it; null when it is none. Never throws. */
export function readSesNotification(text: string): Reading | null {
  if (!/"(?:notificationType|eventType)\\?"/.test(text.slice(0, TEXT_LIMIT))) return null;
  const outer = parse(text.slice(0, TEXT_LIMIT));
  const inner = typeof outer?.Message === 'string' ? parse(outer.Message) : outer;
  const type = textIn(inner, 'notificationType') || textIn(inner, 'eventType');
  if (inner === null) return null;
  if (type === 'Bounce') return { recipients: bounced(objectIn(inner, 'bounce')) };
  if (type === 'Complaint') return complained(objectIn(inner, 'complaint'));
  if (type !== 'Delivery') return null;
  const delivery = objectIn(inner, 'delivery');
  const reason = line(textIn(delivery, 'smtpResponse')) || 'delivered';
  const recipients = listIn(delivery, 'recipients').map(
    (value): ReportedRecipient => ({
      ...named(value),
      kind: 'delivered',
      reason,
      action: 'delivered',
    }),
  );
  return recipients.length === 0 ? null : { recipients };
}

/** An event of SES, as a report on the message that it names. */
export interface SesEvent {
  /** With the envelope's sender as `Original-Mail-From`, and the header as SES was given it, where SES is told to include it. */
  readonly report: Report;
  /** The same however often and by whichever way the event is told. Empty: SES gave none. */
  readonly feedbackId: string;
}

/** Reads what SES publishes about a message; null when it is nothing that a report says. Never throws. */
export function readSesEvent(published: string): SesEvent | null {
  const event = parse(published);
  const reading = event === null ? null : readSesNotification(published);
  if (event === null || reading === null) return null;
  const mail = objectIn(event, 'mail');
  const headers = listIn(mail, 'headers', FIELD_LIMIT).filter(isObject);
  const { feedbackId } = { ...objectIn(event, 'bounce'), ...objectIn(event, 'complaint') };
  return {
    report: {
      ...reading,
      feedback: [field('Original-Mail-From', textIn(mail, 'source'))],
      original: headers.map((header) => field(textIn(header, 'name'), textIn(header, 'value'))),
      faults: reading.faults ?? [],
    },
    feedbackId: typeof feedbackId === 'string' ? feedbackId.slice(0, 200) : '',
  };
}

function field(name: string, value: string) {
  return { name, value: value.slice(0, VALUE_LIMIT).replace(/\r?\n[ \t]*/g, ' '), lines: [] };
}

function bounced(bounce: Json): readonly ReportedRecipient[] {
  const type = textIn(bounce, 'bounceType');
  const subtype = textIn(bounce, 'bounceSubType');
  const said = line(`${type} ${subtype}`);
  const found = listIn(bounce, 'bouncedRecipients').map((value): ReportedRecipient => {
    const recipient = isObject(value) ? value : {};
    const status = textIn(recipient, 'status');
    const diagnostic = textIn(recipient, 'diagnosticCode').replace(/^smtp;\s*/i, '');
    const address = named(recipient.emailAddress);
    if (status === '' && diagnostic === '') {
      // What an out-of-office note looks like: SES takes automatic answers for bounces, and cites no server.
      if (type === 'Transient' && subtype === 'General')
        return { ...address, kind: 'auto-reply', reason: said };
      const hard =
        type === 'Permanent' && /^(?:General|NoEmail|Suppressed|OnAccountSuppressionList)$/.test(subtype);
      return { ...address, kind: hard ? 'hard' : 'soft', reason: said, action: 'failed' };
    }
    const judged = diagnose({
      ...(status === '' ? {} : { status }),
      texts: [diagnostic],
      context: diagnostic,
    });
    return { ...address, ...judged, reason: judged.reason || said, action: 'failed' };
  });
  return found.length > 0 ? found : [{ kind: 'soft', reason: said, action: 'failed' }];
}

function complained(complaint: Json): Reading {
  const type = line(textIn(complaint, 'complaintFeedbackType')).toLowerCase() || 'abuse';
  if (!COMPLAINTS.has(type)) return { feedbackType: type, recipients: [{ kind: 'none', reason: type }] };
  const agent = line(textIn(complaint, 'userAgent'));
  const reason = agent === '' ? type : `${type}, reported by ${agent}`;
  const found = listIn(complaint, 'complainedRecipients').map(
    (value): ReportedRecipient => ({
      ...named(isObject(value) ? value.emailAddress : undefined),
      kind: 'complaint',
      reason,
    }),
  );
  return {
    feedbackType: type.startsWith('opt-out') ? 'opt-out' : type,
    recipients: found.length > 0 ? found : [{ kind: 'complaint', reason }],
  };
}

/** From the first brace to the last. By mail its lines are broken anywhere, and JSON has none. */
function parse(text: string): Json | null {
  const json = text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1);
  for (const attempt of [json, json.replace(/\n ?/g, '')]) {
    try {
      const value: unknown = JSON.parse(attempt);
      if (isObject(value)) return value;
    } catch {
      // The next attempt, or none: then it is no notification.
    }
  }
  return null;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textIn(holder: Json | null, name: string): string {
  const value = holder?.[name];
  return typeof value === 'string' ? value : '';
}

function objectIn(holder: Json, name: string): Json {
  const value = holder[name];
  return isObject(value) ? value : {};
}

function listIn(holder: Json, name: string, limit = RECIPIENT_LIMIT): readonly unknown[] {
  const value = holder[name];
  return Array.isArray(value) ? value.slice(0, limit) : [];
}

function named(value: unknown): { readonly address?: string } {
  const address = typeof value === 'string' ? bareAddress(value) : undefined;
  return address === undefined ? {} : { address };
}

function line(text: string): string {
  return withoutControlCharacters(oneLine(text)).slice(0, 300);
}
