/**
 * Whether Amazon SNS said it, for a topic that we listen to.
 *
 * The rule: the topic comes first. Anybody with an AWS account gets whatever they like signed by SNS; what makes a message ours is
 * that its topic is one that the operator listed. Nothing is fetched for any other.
 *
 * @module
 */
import { verify } from 'node:crypto';
import { parseTopic, type Topic } from '@adieu/core';
import { type Certificates, isCertificateUrl } from './certificate.ts';
import { readSnsMessage, type SnsMessage } from './message.ts';

/** A message that can be believed, or why not. */
export type Authenticity =
  | { readonly kind: 'authentic'; readonly message: SnsMessage; readonly topic: Topic }
  | { readonly kind: 'refused' | 'malformed'; readonly code: string; readonly detail: string };

/** What messages are judged by. */
export interface AuthenticityOptions {
  /** ARNs that are believed. */
  readonly topics: readonly string[];
  readonly certificates: Certificates;
  readonly now: () => Date;
}

const DIGESTS = new Map([
  ['1', 'RSA-SHA1'],
  ['2', 'RSA-SHA256'],
]);
/**
 * Milliseconds that a message may be old: SNS tries again for an hour at most; the rest is for what it holds back, and for clocks. A report
 * is remembered for longer (`RETENTION_DAYS`), so one that comes twice within that time has one effect.
 */
const OLDEST = 2 * 3_600_000;
/** Milliseconds that a clock may be behind Amazon's. */
const EARLIEST = 15 * 60_000;

/**
 * Judges the body of a post. The cheapest questions first:
 *
 * 1. Is it a message of SNS at all?
 * 2. Is its topic one of ours?
 * 3. Is it fresh, and signed in a way that we know, by a certificate of the SNS of that topic's region?
 * 4. Is that certificate good, and does the signature hold?
 *
 * Rejects with a temporary `Failure` where the certificate cannot be had.
 */
export async function authenticate(body: string, options: AuthenticityOptions): Promise<Authenticity> {
  const { topics, certificates, now } = options;
  const reading = readSnsMessage(body);
  if (!reading.ok) return { kind: 'malformed', code: reading.code, detail: reading.detail };
  const { message } = reading;
  const topic = topics.includes(message.topicArn) ? parseTopic(message.topicArn) : null;
  if (topic === null) {
    const why = topics.length === 0 ? 'none is listed' : 'it is not among those listed';
    return refused('topic_not_allowed', `Nothing of this topic is believed: ${why} in SES_TOPIC_ARNS.`);
  }
  const age = now().getTime() - message.at.getTime();
  if (age > OLDEST || age < -EARLIEST)
    return refused('timestamp_refused', 'The message was published too long ago, or by another clock.');
  const digest = DIGESTS.get(message.signatureVersion);
  if (digest === undefined)
    return refused(
      'signature_version_unsupported',
      'The signature is of no version that is known here: 1 or 2.',
    );
  if (!isCertificateUrl(message.certificateUrl, topic.host))
    return refused('certificate_url_refused', `The certificate is not one of ${topic.host}.`);
  const found = await certificates.find(message.certificateUrl);
  if (found.kind === 'refused') return refused('certificate_refused', found.detail);
  if (!verify(digest, Buffer.from(message.signed), found.key, message.signature))
    return refused('signature_invalid', 'The signature does not hold.');
  return { kind: 'authentic', message, topic };
}

function refused(code: string, detail: string): Authenticity {
  return { kind: 'refused', code, detail };
}
