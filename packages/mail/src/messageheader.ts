/**
 * The header of a message, without its signature.
 *
 * Exactly one field of each name (OH-13). What is the same for everybody is written once; per message come To,
 * Subject, Date, Message-ID, the List-Unsubscribe pair and the message id. The Message-ID is made of the message
 * id, so that it survives every retry.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { type ChannelConfiguration, Failure, parseAddress } from '@adieu/core';
import { BOUNDARY } from './body.ts';
import { encodePhrase, encodeUnstructured } from './encodedword.ts';
import { formatDate, type HeaderField } from './field.ts';
import { cleanLine } from './text.ts';

/** What all messages of a composer share. */
export interface MessageHeaderOptions {
  readonly configuration: ChannelConfiguration;
  readonly domain: string;
  readonly organisation: string;
  readonly campaignId?: string;
  readonly list?: { readonly name: string; readonly number: number; readonly title?: string };
}

/** What differs. */
export interface MessageHeaderInput {
  readonly messageId: string;
  readonly date: Date;
  /** The recipient as it goes on the wire. */
  readonly to: string;
  /** Rendered; any text. */
  readonly subject: string;
  /** List-Unsubscribe and its companion. */
  readonly listUnsubscribe: readonly HeaderField[];
}

/** Writes the header of one message. */
export type WriteHeader = (input: MessageHeaderInput) => readonly HeaderField[];

/** Prepares what is constant. Throws `from_invalid` or `reply_to_invalid` for what is no address. */
export function openMessageHeader(options: MessageHeaderOptions): WriteHeader {
  const { configuration, domain } = options;
  const from = { name: 'From', value: mailbox('From', configuration.from.name, configuration.from.email) };
  const replyTo = { name: 'Reply-To', value: replyToValue(configuration) };
  const constant: HeaderField[] = [
    { name: 'MIME-Version', value: '1.0' },
    { name: 'Content-Type', value: `multipart/alternative;\r\n boundary="${BOUNDARY}"` },
  ];
  const listId = listIdValue(options);
  const tail: HeaderField[] = [
    ...(listId === null ? [] : [{ name: 'List-Id', value: listId }]),
    { name: 'Feedback-ID', value: feedbackId(options) },
  ];
  return ({ messageId, date, to, subject, listUnsubscribe }) => [
    from,
    { name: 'To', value: to },
    { name: 'Subject', value: encodeUnstructured(cleanLine(subject), 'Subject: '.length) },
    replyTo,
    { name: 'Date', value: formatDate(date) },
    { name: 'Message-ID', value: `<${messageId}@${domain}>` },
    ...constant,
    ...listUnsubscribe,
    ...tail,
    { name: 'X-Message-Profile-Id', value: messageId },
  ];
}

function replyToValue({ replyTo, from }: ChannelConfiguration): string {
  if (replyTo === undefined) return mailbox('Reply-To', from.name, from.email);
  const [, name = '', address = replyTo] = /^(.*?)\s*<([^<>]*)>$/.exec(replyTo.trim()) ?? [];
  return mailbox('Reply-To', name.replace(/^"(.*)"$/, '$1'), address.trim());
}

/** A display name and one address; the address is checked and never encoded (OH-15, OH-16). */
function mailbox(field: 'From' | 'Reply-To', name: string, email: string): string {
  const parsed = parseAddress(email);
  if (!parsed.ok || !parsed.address.ascii) {
    const code = field === 'From' ? 'from_invalid' : 'reply_to_invalid';
    throw new Failure(code, `${field} is not an address that every server takes.`);
  }
  const address = parsed.address.spelling;
  const phrase = encodePhrase(cleanLine(name), `${field}: `.length);
  if (phrase === '') return address;
  const lastLine = phrase.slice(phrase.lastIndexOf('\n') + 1);
  const isLong = lastLine.length + address.length + `${field}:  <>`.length > 78;
  return `${phrase}${isLong ? '\r\n ' : ' '}<${address}>`;
}

/**
 * One per subscription stream, and stable (RFC 2919 section 2, OH-11): the list's name, else the campaign, under
 * the subdomain. What is no dot-atom is replaced by something that is and stays the same.
 */
function listIdValue({ list, campaignId, domain }: MessageHeaderOptions): string | null {
  if (list === undefined && campaignId === undefined) return null;
  const label =
    list === undefined ? atom(campaignId ?? '', 'campaign') : atom(list.name, `list-${list.number}`);
  const phrase = encodePhrase(cleanLine(list?.title ?? ''), 'List-Id: '.length);
  const id = `<${label}.${domain}>`;
  if (phrase === '') return id;
  return `${phrase}${phrase.length + id.length > 60 ? '\r\n ' : ' '}${id}`;
}

/** At most 120 octets, so that a list id stays under 255 with its domain's first labels. */
function atom(text: string, fallback: string): string {
  const lower = text.toLowerCase();
  if (/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(lower) && lower.length <= 120) return lower;
  return fallback.startsWith('list-') ? fallback : `${fallback}-${digest(text, 16)}`;
}

/**
 * `campaign:configuration:kind:sender`, as Gmail's feedback loop reads it. The sender id has 5 to 15 characters
 * and stays the same for a subdomain.
 */
function feedbackId({ campaignId, configuration, organisation, domain }: MessageHeaderOptions): string {
  const word = (text: string): string => (/^[\w.-]{1,40}$/.test(text) ? text : digest(text, 12));
  const sender = `adieu${digest(`${organisation} ${domain}`, 10)}`;
  const campaign = campaignId === undefined ? 'none' : word(campaignId);
  return `${campaign}:${word(configuration.name)}:${configuration.emailType}:${sender}`;
}

function digest(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
