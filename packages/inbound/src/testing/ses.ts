/**
 * What Amazon SES publishes about a mail, written from its guide ("Amazon SNS notification contents", "Contents of event data").
 *
 * @module
 */

/** The mail that an event is about. */
export interface SesMail {
  /** The envelope's sender. */
  readonly source: string;
  readonly recipient: string;
  /** As SES was given them; left out where it is not told to include them. */
  readonly headers?: readonly { readonly name: string; readonly value: string }[];
}

/** Fields of the event itself; `by` says who publishes: identities, or configuration sets. */
export type SesDetail = Readonly<Record<string, unknown>> & {
  readonly by?: 'notificationType' | 'eventType';
};

let count = 0;

/** An event of a type. */
export function sesEvent(
  type: string,
  mail: SesMail,
  { by = 'notificationType', ...detail }: SesDetail = {},
): string {
  count += 1;
  const { source, recipient, headers } = mail;
  const name = type[0]?.toLowerCase() + type.slice(1);
  return JSON.stringify({
    [by]: type,
    [name]: { timestamp: new Date().toISOString(), feedbackId: `0102018f-feedback-${count}`, ...detail },
    mail: {
      timestamp: new Date().toISOString(),
      source,
      sourceArn: 'arn:aws:ses:eu-west-1:123456789012:identity/news.example.com',
      sendingAccountId: '123456789012',
      messageId: `0102018f-${count}-000000`,
      destination: [recipient],
      ...(headers === undefined ? {} : { headersTruncated: false, headers }),
      ...(by === 'eventType' ? { tags: { 'ses:from-domain': ['news.example.com'] } } : {}),
    },
  });
}

/** A bounce; of a mailbox that does not exist unless said. */
export function sesBounce(mail: SesMail, detail: SesDetail = {}): string {
  const bouncedRecipients = [
    {
      emailAddress: mail.recipient,
      action: 'failed',
      status: '5.1.1',
      diagnosticCode: 'smtp; 550 5.1.1 user unknown',
    },
  ];
  return sesEvent('Bounce', mail, {
    bounceType: 'Permanent',
    bounceSubType: 'General',
    bouncedRecipients,
    reportingMTA: 'dsn; a8-70.smtp-out.eu-west-1.amazonses.com',
    ...detail,
  });
}

/** A complaint, by the feedback loop of a provider. */
export function sesComplaint(mail: SesMail, detail: SesDetail = {}): string {
  return sesEvent('Complaint', mail, {
    complainedRecipients: [{ emailAddress: mail.recipient }],
    complaintSubType: null,
    userAgent: 'AnyCompany Feedback Loop (V0.01)',
    complaintFeedbackType: 'abuse',
    ...detail,
  });
}
