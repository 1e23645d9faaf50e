/**
 * A message as Amazon SNS posts it: the fields that it signs, and the text of them that it signs.
 *
 * The rule: only what is signed is read. Everything else in the JSON (the URL to unsubscribe, attributes) is anybody's.
 *
 * @module
 */

/** A message, not yet believed. */
export interface SnsMessage {
  readonly type: 'Notification' | 'SubscriptionConfirmation' | 'UnsubscribeConfirmation';
  readonly topicArn: string;
  readonly messageId: string;
  /** When it was published. */
  readonly at: Date;
  /** What was published. */
  readonly message: string;
  /** What confirms a subscription; empty for a notification. */
  readonly token: string;
  /** What is signed. */
  readonly signed: string;
  /** `1`: RSA with SHA-1. `2`: RSA with SHA-256. */
  readonly signatureVersion: string;
  readonly signature: Buffer;
  readonly certificateUrl: string;
}

/** What a body turned out to be. */
export type SnsReading =
  | { readonly ok: true; readonly message: SnsMessage }
  | { readonly ok: false; readonly code: string; readonly detail: string };

/** In the order in which they are signed; a subject only where there is one. */
const SIGNED = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: [
    'Message',
    'MessageId',
    'SubscribeURL',
    'Timestamp',
    'Token',
    'TopicArn',
    'Type',
  ],
  UnsubscribeConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
} as const;
type SnsType = keyof typeof SIGNED;

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;
const BASE64 = /^[A-Za-z0-9+/]{1,4096}={0,2}$/;

/** Reads a body. Never throws. */
export function readSnsMessage(body: string): SnsReading {
  const json = parse(body);
  if (json === null) return malformed('invalid_json', 'The body is no JSON object.');
  if (json.Type === undefined && (json.notificationType !== undefined || json.eventType !== undefined)) {
    const detail =
      'A notification without its signed envelope: turn raw message delivery off for this subscription.';
    return malformed('raw_message_delivery', detail);
  }
  const type = textOf(json, 'Type');
  if (!isSnsType(type)) return malformed('invalid_field', 'Type is none of a message of Amazon SNS.');
  const missing = SIGNED[type].find(
    (name) => textOf(json, name) === '' && name !== 'Subject' && name !== 'Message',
  );
  if (missing !== undefined || typeof json.Message !== 'string')
    return malformed('invalid_field', `${missing ?? 'Message'} is missing or no text.`);
  const timestamp = textOf(json, 'Timestamp');
  const at = new Date(timestamp);
  if (!TIMESTAMP.test(timestamp) || Number.isNaN(at.getTime()))
    return malformed('invalid_field', 'Timestamp is no instant.');
  const signature = textOf(json, 'Signature');
  if (!BASE64.test(signature)) return malformed('invalid_field', 'Signature is missing or no base64.');
  return {
    ok: true,
    message: {
      type,
      topicArn: textOf(json, 'TopicArn'),
      messageId: textOf(json, 'MessageId'),
      at,
      message: json.Message,
      token: textOf(json, 'Token'),
      signed: signedText(json, type),
      signatureVersion: textOf(json, 'SignatureVersion'),
      signature: Buffer.from(signature, 'base64'),
      certificateUrl: textOf(json, 'SigningCertURL'),
    },
  };
}

function signedText(json: Json, type: SnsType): string {
  return SIGNED[type]
    .filter((name) => typeof json[name] === 'string')
    .map((name) => `${name}\n${json[name]}\n`)
    .join('');
}

type Json = Readonly<Record<string, unknown>>;

function parse(body: string): Json | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
  } catch {
    return null;
  }
}

function isSnsType(type: string): type is SnsType {
  return Object.hasOwn(SIGNED, type);
}

function textOf(json: Json, name: string): string {
  const value = json[name];
  return typeof value === 'string' ? value : '';
}

function malformed(code: string, detail: string): SnsReading {
  return { ok: false, code, detail };
}
