/**
 * An Amazon SNS for tests: a signing key and its certificate made on the spot, messages of each type, and the web that they point to.
 *
 * The rule: what is signed is spelt out here as Amazon's guide has it ("Verifying the signatures of Amazon SNS messages"), so that
 * our own reading of it is not judged by itself. Nothing leaves the process.
 *
 * @module
 */
import { createSign, randomUUID } from 'node:crypto';
import type { Fetched, Fetching } from '../sns/fetching.ts';
import { type CertificateOptions, makeCertificate } from './certificate.ts';

export const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:ses-feedback';
export const HOST = 'sns.eu-west-1.amazonaws.com';
export const CERTIFICATE_URL = `https://${HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem`;

/** The fields of a message, by SNS's names. */
export type SnsFields = Readonly<Record<string, string | undefined>>;

export interface Sns {
  /** What the web answers, by URL; the certificate is there. */
  readonly web: Map<string, Fetched | Error>;
  /** Every URL that was asked for. */
  readonly asked: string[];
  readonly fetching: Fetching;
  /** A signed message. `fields` are signed too, `undefined` leaves one out; with another `version` in its way. */
  sign(fields?: SnsFields, version?: '1' | '2'): Record<string, string>;
}

const GOOD = { name: 'sns.amazonaws.com', rsa: 2_048 };
let good: ReturnType<typeof makeCertificate> | undefined;

/** Opens it, with a key of its own where something is said of the certificate; else it is a good one. */
export function openSns(certificate?: CertificateOptions): Sns {
  good ??= makeCertificate(GOOD);
  const { cert, key } = certificate === undefined ? good : makeCertificate({ ...GOOD, ...certificate });
  const web = new Map<string, Fetched | Error>([[CERTIFICATE_URL, { status: 200, body: cert }]]);
  const asked: string[] = [];
  return {
    web,
    asked,
    fetching: async (url) => {
      asked.push(url);
      const found = web.get(url) ?? { status: 403, body: 'AccessDenied' };
      if (found instanceof Error) throw found;
      return found;
    },
    sign(given = {}, version = '1') {
      const fields: Record<string, string> = {};
      const all = {
        Type: 'Notification',
        MessageId: randomUUID(),
        TopicArn: TOPIC,
        Message: 'hello',
        Timestamp: new Date().toISOString(),
        ...(given.Type === undefined || given.Type === 'Notification' ? {} : confirmation(given.TopicArn)),
        ...given,
      };
      for (const [name, value] of Object.entries(all)) if (value !== undefined) fields[name] = value;
      const signer = createSign(version === '1' ? 'RSA-SHA1' : 'RSA-SHA256');
      signer.update(textToSign(fields));
      const Signature = signer.sign(key, 'base64');
      const UnsubscribeURL = `https://${HOST}/?Action=Unsubscribe`;
      return {
        ...fields,
        SignatureVersion: version,
        Signature,
        SigningCertURL: CERTIFICATE_URL,
        UnsubscribeURL,
      };
    },
  };
}

function confirmation(topic = TOPIC) {
  const Token =
    '2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92768dd60a747ba6f3beb71854e285d6ad';
  const SubscribeURL = `https://${HOST}/?Action=ConfirmSubscription&TopicArn=${topic}&Token=${Token}`;
  return { Token, SubscribeURL };
}

function textToSign({
  Type,
  Message,
  MessageId,
  Subject,
  SubscribeURL,
  Timestamp,
  Token,
  TopicArn,
}: SnsFields): string {
  if (Type === 'Notification') {
    const subject = Subject === undefined ? '' : `Subject\n${Subject}\n`;
    return `Message\n${Message}\nMessageId\n${MessageId}\n${subject}Timestamp\n${Timestamp}\nTopicArn\n${TopicArn}\nType\n${Type}\n`;
  }
  return (
    `Message\n${Message}\nMessageId\n${MessageId}\nSubscribeURL\n${SubscribeURL}\nTimestamp\n${Timestamp}\n` +
    `Token\n${Token}\nTopicArn\n${TopicArn}\nType\n${Type}\n`
  );
}
