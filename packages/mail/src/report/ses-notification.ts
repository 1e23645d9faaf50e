/**
 * Amazon SES's notifications about a message: JSON by way of SNS, posted or mailed.
 *
 * The rule: SES's own `Permanent` and `Transient` are asked only where it cites no server; what a server said is judged
 * as every reply is.
 *
 * @module
 */
import { withoutControlCharacters } from '@adieu/core';
import { RECIPIENT_LIMIT } from './delivery-status.ts';
import { diagnose, oneLine } from './diagnosis.ts';
import { bareAddress } from './recipient-address.ts';
import type { Reading, ReportedRecipient } from './report.ts';

const TEXT_LIMIT = 1_048_576;
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
  if (type === 'not-spam' || type === 'auth-failure')
    return { feedbackType: type, recipients: [{ kind: 'none', reason: type }] };
  const agent = line(textIn(complaint, 'userAgent'));
  const reason = agent === '' ? type : `${type}, reported by ${agent}`;
  const found = listIn(complaint, 'complainedRecipients').map(
    (value): ReportedRecipient => ({
      ...named(isObject(value) ? value.emailAddress : undefined),
      kind: 'complaint',
      reason,
    }),
  );
  return { feedbackType: type, recipients: found.length > 0 ? found : [{ kind: 'complaint', reason }] };
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

function listIn(holder: Json, name: string): readonly unknown[] {
  const value = holder[name];
  return Array.isArray(value) ? value.slice(0, RECIPIENT_LIMIT) : [];
}

function named(value: unknown): { readonly address?: string } {
  const address = typeof value === 'string' ? bareAddress(value) : undefined;
  return address === undefined ? {} : { address };
}

function line(text: string): string {
  return withoutControlCharacters(oneLine(text)).slice(0, 300);
}
