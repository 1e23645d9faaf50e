/**
 * Bounces without a delivery status: what makes a mail one, and whom it is about.
 *
 * The rule: a mail is a bounce when a mail system sent it and says that it could not deliver, or when a person forwards
 * what is one word for word; a word in its subject alone makes none. Its recipients are those of `X-Failed-Recipients` where a system gives them (Exim, Google), else
 * those its lines begin with, else those of the returned message, else one that nobody named.
 *
 * @module
 */
import { decodeWords } from '../encodedword.ts';
import { fieldsOf } from '../inspect/field-reader.ts';
import { answersForPerson } from './automatic-reply.ts';
import { RECIPIENT_LIMIT } from './delivery-status.ts';
import { diagnose, oneLine } from './diagnosis.ts';
import { type Entity, fieldValue, hasNullSender, readEmbeddedFields, subjectOf } from './entity.ts';
import type { Notification, Statement } from './notification.ts';
import { ADDRESS, bareAddress, firstAddress } from './recipient-address.ts';
import type { Reading, ReportedRecipient } from './report.ts';
import { DELAYS, SUBJECTS, SYSTEM_NAMES, TEXTS } from './vocabulary.ts';

/** Parts that hold the returned message or its header. */
export const RETURNED_MEDIA = /^(?:message\/(?:rfc822|global(?:-headers)?)|text\/rfc822-headers?)$/;
/** A cited reply with its enhanced code: what no mail but a report holds. */
const REPLY = /\b[45]\d\d[ -]#?[45]\.\d{1,3}\.\d{1,3}\b/;
/** What a list manager says of a post that it did not take, in mail of its own: fml's `X-MLServer` is on posts that it took, too. */
const LIST_REFUSES = /reject|not (?:a )?member|alert|error|warning/i;
/** A report by its type, which lost its status, or has it without a recipient. */
const DELIVERY_REPORT = /^\s*multipart\/report\b[\s\S]{0,1000}?\breport-type\s*=\s*"?delivery-status\b/i;

/** Reads a bounce out of the words of a mail; null when it is none. */
export function readTextBounce(entity: Entity, notification: Notification): Reading | null {
  const failed = namedByHeader(entity);
  if (failed.length === 0 && !isBounce(entity, notification)) return null;
  const subject = subjectOf(entity);
  const delayed = DELAYS.test(`${subject}\n${notification.text.slice(0, 3_000)}`);
  const named = recipientsOf(entity, notification, failed);
  const alone = named.length === 1;
  const recipients = named.slice(0, RECIPIENT_LIMIT).map(({ address, text }): ReportedRecipient => {
    const { kind, status, reason } = diagnose({
      texts: alone ? [text, notification.text] : [text],
      context: notification.text,
    });
    return {
      ...(address === '' ? {} : { address }),
      status: delayed ? status.replace(/^5/, '4') : status,
      kind: delayed ? 'soft' : kind,
      reason: reason === '' ? oneLine(subject).slice(0, 300) || 'undeliverable' : reason,
      action: delayed ? 'delayed' : 'failed',
    };
  });
  return { recipients };
}

/** True when a mail system sent the mail, and its words speak of a delivery. */
function isBounce(entity: Entity, { text }: Notification): boolean {
  const opening = text.slice(0, 6_000);
  if (isListRefusal(entity) || DELIVERY_REPORT.test(fieldValue(entity, 'Content-Type'))) return true;
  const subject = SUBJECTS.test(subjectOf(entity));
  const words = TEXTS.test(opening);
  // Of two From fields neither is chosen (IN-20).
  const senders = fieldsOf(entity, 'From');
  const from = senders.length === 1 ? decodeWords(senders[0]?.value.slice(0, 2_000) ?? '') : '';
  // Who is away may write that an address is no longer valid: a person's machine, and no mail system.
  const system = SYSTEM_NAMES.test(from) || (hasNullSender(entity) && !answersForPerson(entity));
  const reply = REPLY.test(opening);
  if (system) return subject || words || reply || /^\s*[45]\d\d[ -]/m.test(opening);
  // Others are believed where they cite a reply, or give the message back.
  return words && (subject ? reply || returns(entity) : returns(entity));
}

function isListRefusal(entity: Entity): boolean {
  return fieldValue(entity, 'X-MLServer') !== '' && LIST_REFUSES.test(subjectOf(entity));
}

function returns(entity: Entity): boolean {
  return entity.parts.some(({ media }) => RETURNED_MEDIA.test(media));
}

function recipientsOf(
  entity: Entity,
  notification: Notification,
  failed: readonly string[],
): readonly Statement[] {
  if (failed.length > 0) return statementsAbout(failed, notification);
  const { text } = notification;
  // It names the list first, and then addresses to ask for help.
  if (isListRefusal(entity)) return [{ address: firstAddress(text) ?? '', text }];
  return notification.statements.length > 0 ? notification.statements : unnamed(entity, notification);
}

function namedByHeader(entity: Entity): readonly string[] {
  const value = fieldsOf(entity, 'X-Failed-Recipients')
    .map((field) => field.value)
    .join(',')
    .slice(0, 100_000);
  const addresses = value.split(',').flatMap((text) => bareAddress(text) ?? []);
  return [...new Set(addresses)];
}

/** What is said about each; where nothing begins with an address, everything is said about all of them. */
function statementsAbout(addresses: readonly string[], notification: Notification): readonly Statement[] {
  return addresses.slice(0, RECIPIENT_LIMIT).map((address) => ({
    address,
    text: notification.about(address).join(' ') || notification.text,
  }));
}

/** Recipients from elsewhere: an SMTP dialogue, or the returned message's `To`; one without a name as the last resort. */
function unnamed(entity: Entity, { text, returned }: Notification): readonly Statement[] {
  const dialogue = new RegExp(`RCPT TO:\\s*<?(${ADDRESS})`, 'iu').exec(text)?.[1];
  const embedded = entity.parts.find(({ media }) => RETURNED_MEDIA.test(media));
  const to = embedded === undefined ? '' : fieldValue({ fields: readEmbeddedFields(embedded) }, 'To');
  const quoted = /^\s*To:(.{1,300})$/im.exec(returned)?.[1] ?? '';
  return [{ address: dialogue ?? firstAddress(to) ?? firstAddress(quoted) ?? '', text }];
}
