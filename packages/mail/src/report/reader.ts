/**
 * Reads a mail as a report: the formats in order, the most certain first.
 *
 * @module
 */
import { withoutControlCharacters } from '@adieu/core';
import { isProviderUnsubscribe, readAutomaticReply } from './automatic-reply.ts';
import { readDeliveryStatus } from './delivery-status.ts';
import { type Entity, fieldsInText, readEmbeddedFields, readEntity, textOf } from './entity.ts';
import { readFeedbackReport } from './feedback-report.ts';
import { type Notification, readNotification } from './notification.ts';
import type { Reading, Report } from './report.ts';
import { readSesNotification } from './ses-notification.ts';
import { RETURNED_MEDIA, readTextBounce } from './text-bounce.ts';

const DELIVERY_STATUS = /^(?:message|text)\/(?:global-|x-?)?delivery-status$/;
/** Delivery status fields inside a text, where a gateway has flattened the report. */
const FLATTENED =
  /^(?:Final|Original)-Recipient:.*\n(?:.*\n){0,12}?(?:Action|Status):|^Action:.*\n(?:.*\n){0,12}?Final-Recipient:/im;

/**
 * Tells what a mail reports. Never throws; takes time in proportion to the first 1.3 MB, whatever it is given.
 *
 * @param raw the mail as it came, with any line ends
 */
export function readReport(raw: Uint8Array): Report {
  const entity = readEntity(raw);
  const reading = readKnown(entity) ?? { recipients: [{ kind: 'none' as const, reason: 'not a report' }] };
  const original = entity.parts.find(({ media }) => RETURNED_MEDIA.test(media));
  const feedback = entity.parts.find(({ media }) => media === 'message/feedback-report');
  return {
    ...reading,
    // What is nothing but control characters leaves no reason at all; the kind is one.
    recipients: reading.recipients.map((recipient) => ({
      ...recipient,
      reason: withoutControlCharacters(recipient.reason).trim() || recipient.kind,
    })),
    feedback: feedback === undefined ? [] : fieldsInText(textOf(feedback).trimStart()),
    original: original === undefined ? [] : readEmbeddedFields(original),
    faults: [...entity.faults, ...(reading.faults ?? [])],
  };
}

function readKnown(entity: Entity): Reading | null {
  const feedback = readFeedbackReport(entity);
  if (feedback !== null) return feedback;
  const words = wordsOf(entity);
  const notification = readNotification(words);
  const status = entity.parts.find(({ media }) => DELIVERY_STATUS.test(media));
  if (status !== undefined) {
    const reading = readDeliveryStatus(textOf(status), notification);
    if (reading !== null) return reading;
  }
  if (isProviderUnsubscribe(entity))
    return { feedbackType: 'opt-out', recipients: [{ kind: 'complaint', reason: 'opt-out' }] };
  return (
    readSesNotification(words) ??
    readFlattened(notification) ??
    readTextBounce(entity, notification) ??
    readAutomaticReply(entity)
  );
}

function readFlattened(notification: Notification): Reading | null {
  const { text } = notification;
  const at = text.slice(0, 100_000).search(FLATTENED);
  if (at < 0) return null;
  return readDeliveryStatus(text.slice(at), notification);
}

/** The words to a person: every text before the returned message. */
function wordsOf(entity: Entity): string {
  const texts: string[] = [];
  for (const part of entity.parts) {
    if (RETURNED_MEDIA.test(part.media)) break;
    if (part.media === 'text/plain') texts.push(textOf(part));
  }
  return texts.join('\n');
}
