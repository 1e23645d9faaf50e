/**
 * What each field of a header is for, in one sentence.
 *
 * @module
 */
import type { RawField } from './field-reader.ts';

const EXPLANATIONS: Readonly<Record<string, string>> = {
  'dkim-signature': 'The sender’s domain vouches for the fields named in h= and for the body (RFC 6376).',
  'authentication-results': 'What a server on the way found out about SPF, DKIM and DMARC (RFC 8601).',
  'return-path': 'Where bounces go; written by the last server (RFC 5321).',
  received: 'One server’s stamp; the newest stands on top (RFC 5321).',
  from: 'Who wrote it; its domain must be aligned with the signature (DMARC).',
  sender: 'Who sent it, when that is not who wrote it.',
  to: 'Whom it was written to; the envelope decides who gets it.',
  cc: 'Who else was written to.',
  subject: 'What it is about.',
  'reply-to': 'Where an answer goes.',
  date: 'When it was composed.',
  'message-id': 'Its name, the same through every retry (RFC 5322).',
  'mime-version': 'It is in MIME (RFC 2045).',
  'content-type': 'What the body is: here usually a text and an HTML version of the same (RFC 2046).',
  'content-transfer-encoding': 'How the body is written in ASCII (RFC 2045).',
  'list-unsubscribe': 'The way out for machines: where a provider posts or writes (RFC 2369).',
  'list-unsubscribe-post': 'A POST of this pair to the https URI opts out at once (RFC 8058).',
  'list-id': 'The list or campaign it belongs to, stable over time (RFC 2919).',
  'list-help': 'Where to find help about the list (RFC 2369).',
  'feedback-id': 'Groups complaints for Gmail’s feedback loop; names no person.',
  'x-message-profile-id': 'The id of this message in the ledger.',
  'auto-submitted': 'A machine wrote it: no auto-reply wanted (RFC 3834).',
  precedence: 'An old way to say bulk; nothing needs it.',
  'arc-seal': 'A forwarder’s seal over what it found (RFC 8617).',
  'arc-message-signature': 'A forwarder’s signature (RFC 8617).',
  'arc-authentication-results': 'What a forwarder found (RFC 8617).',
};

/** Explains a field; empty for one that nobody needs to know. */
export function explain({ name }: RawField): string {
  return EXPLANATIONS[name.toLowerCase()] ?? '';
}
