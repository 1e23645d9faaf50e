/**
 * What mail systems send back about a delivered mail, written from the formats' specifications (RFC 3464, RFC 5965, RFC 3834).
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { greet, submit } from '../packages/inbound/src/testing/caller.ts';
import type { RelayedMail } from '../packages/worker/src/testing/scripted-relay.ts';
import type { RunningAdieu } from './running-adieu.ts';

/** What a report says; of a hard bounce unless said. */
export interface ReportedFailure {
  readonly action?: string;
  readonly status?: string;
  readonly diagnostic?: string;
  /** Whom it names; the recipient of the mail unless said. */
  readonly recipient?: string;
  readonly messageId?: string;
  /** Without the header of the message that came back. */
  readonly bare?: boolean;
  /** What it says the envelope was called. */
  readonly envelopeId?: string;
}

/** A delivery status notification about a mail. */
export function deliveryReport(mail: RelayedMail, said: ReportedFailure = {}): string {
  const { action = 'failed', status = '5.1.1', recipient = mail.to, bare = false } = said;
  const {
    diagnostic = `550 ${status} <${recipient}>: refused`,
    messageId = `${randomUUID()}@mta.example.net`,
  } = said;
  return [
    'From: MAILER-DAEMON@mta.example.net',
    `To: ${mail.from}`,
    'Subject: Undelivered Mail Returned to Sender',
    `Message-ID: <${messageId}>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'Your message could not be delivered.',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mta.example.net',
    ...(said.envelopeId === undefined ? [] : [`Original-Envelope-Id: ${said.envelopeId}`]),
    '',
    `Final-Recipient: rfc822; ${recipient}`,
    `Action: ${action}`,
    `Status: ${status}`,
    `Diagnostic-Code: smtp; ${diagnostic}`,
    '',
    ...(bare ? [] : ['--b', 'Content-Type: text/rfc822-headers', '', headerOf(mail)]),
    '--b--',
  ].join('\r\n');
}

/** A complaint about a mail, in the abuse reporting format. */
export function complaint(
  mail: RelayedMail,
  { type = 'abuse', original = headerOf(mail), extra = [] as readonly string[] } = {},
): string {
  return [
    'From: feedback@provider.example',
    'Subject: complaint',
    `Message-ID: <${randomUUID()}@provider.example>`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=feedback-report; boundary="b"',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'This is an abuse report.',
    '--b',
    'Content-Type: message/feedback-report',
    '',
    `Feedback-Type: ${type}`,
    'User-Agent: Provider/1.0',
    'Version: 1',
    ...extra,
    '',
    '--b',
    'Content-Type: message/rfc822',
    '',
    original,
    '',
    'Hello',
    '--b--',
  ].join('\r\n');
}

/** The header of a mail as it was delivered. */
export function headerOf({ raw }: RelayedMail): string {
  const text = raw.toString('latin1');
  return text.slice(0, text.indexOf('\r\n\r\n'));
}

/** Brings a mail to the inbound listener under the null sender, as reports come; answers the last reply. */
export async function bring(
  { smtpPort }: Pick<RunningAdieu, 'smtpPort'>,
  recipient: string,
  { content, sender = '' }: { readonly content: string; readonly sender?: string },
): Promise<string> {
  const caller = await greet(smtpPort);
  try {
    return await submit(caller, { sender, recipients: [recipient], content });
  } finally {
    caller.hangUp();
  }
}
