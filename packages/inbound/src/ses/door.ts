/**
 * The door of Amazon SES: bounces and complaints that Amazon SNS posts, recorded as those that come by mail.
 *
 * The rule: SNS vouches for who says it, and a token of ours for whom it is about. SES gives back the return path of the message
 * (`mail.source`) and, where it is told to, its header; nobody is found by the addresses that it names (BC-1).
 *
 * @module
 */
import { createHash } from 'node:crypto';
import {
  Failure,
  type KeyRing,
  type Log,
  type NotificationOutcome,
  type RecordReport,
  type Reported,
  type TakeNotification,
  type Topic,
} from '@adieu/core';
import { type Report, readSesEvent } from '@adieu/mail';
import type { Database } from '@adieu/store';
import { openAudiences } from '../audience.ts';
import { findReturnedToken, returnedMessageId } from '../returned-token.ts';
import { authenticate } from '../sns/authenticity.ts';
import { openCertificates } from '../sns/certificate.ts';
import { type Fetching, openFetching } from '../sns/fetching.ts';
import type { SnsMessage } from '../sns/message.ts';

export interface SesDoorOptions {
  readonly database: Database;
  readonly reports: RecordReport;
  readonly ring: KeyRing;
  /** ARNs of the topics that are believed; none: everything is refused. */
  readonly topics: readonly string[];
  readonly log: Log;
  /** How certificates are fetched and subscriptions confirmed; over the web unless told otherwise. */
  readonly fetching?: Fetching;
  /** The clock of this machine unless told otherwise. */
  readonly now?: () => Date;
}

/** Opens the door. */
export function openSesDoor(options: SesDoorOptions): TakeNotification {
  const { database, reports, ring, topics, log, now = () => new Date() } = options;
  const fetching = options.fetching ?? openFetching();
  const certificates = openCertificates({ fetching, now });
  const tokens = { ring, ...openAudiences(database) };

  /**
   * The request is made of the topic that the operator listed and of the token that SNS signed. The URL in the message is not
   * followed: what is posted to us never says where we go.
   */
  async function confirm({ token }: SnsMessage, { arn, host }: Topic): Promise<NotificationOutcome> {
    const query = new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn: arn, Token: token });
    const { status } = await fetching(`https://${host}/?${query}`).catch((cause: unknown) => {
      throw unconfirmed(cause);
    });
    if (status >= 500 || status === 429) throw unconfirmed();
    if (status !== 200) {
      const detail = `Amazon SNS did not take the confirmation: it answered ${status}.`;
      return { kind: 'refused', code: 'confirmation_refused', detail };
    }
    log.info({ topic: arn }, 'the subscription to a topic of Amazon SNS is confirmed');
    return taken('confirmed');
  }

  async function hear(message: SnsMessage): Promise<NotificationOutcome> {
    const event = readSesEvent(message.message);
    const reported = event === null ? null : reportedIn(event.report);
    if (event === null || reported === null) return taken('noted');
    const found = await findReturnedToken(event.report, tokens);
    if (found.kind === 'unavailable')
      throw new Failure('database_unavailable', 'Nobody can vouch for the domain just now.', {
        temporary: true,
      });
    if (found.kind !== 'found') {
      log.info(
        { tokens: found.kind, reported: reported.kind },
        'Amazon SES reported a message without a token of ours',
      );
      return taken('noted');
    }
    const { token } = found;
    const messageId = token.messageId ?? returnedMessageId(event.report);
    // The same event may come by several topics, each time as another message of SNS.
    const name = event.feedbackId === '' ? ['sns', message.messageId] : ['ses', event.feedbackId];
    const { outcome } = await reports({
      ...token,
      ...(messageId === undefined ? {} : { messageId }),
      reported,
      digest: createHash('sha256')
        .update(JSON.stringify([...name, reported.kind, token.fingerprint]))
        .digest(),
      at: now(),
    });
    log.info({ outcome, reported: reported.kind }, 'Amazon SES reported a message');
    return taken(outcome === 'recorded' || outcome === 'repeated' ? 'recorded' : 'noted');
  }

  return async (body) => {
    const found = await authenticate(body, { topics, certificates, now });
    if (found.kind !== 'authentic') {
      log.warn({ code: found.code }, 'a notification for Amazon SES was refused');
      return found;
    }
    const { message, topic } = found;
    if (message.type === 'Notification') return hear(message);
    if (message.type === 'SubscriptionConfirmation') return confirm(message, topic);
    log.warn(
      { topic: topic.arn },
      'a topic of Amazon SNS is no longer delivered here: somebody ended the subscription',
    );
    return taken('noted');
  };
}

/** What is to be recorded; null where there is nothing to act upon, which most events are. */
function reportedIn({ recipients, feedbackType }: Report): Reported | null {
  if (recipients.some(({ kind }) => kind === 'complaint'))
    return { kind: feedbackType === 'opt-out' ? 'opt-out' : 'complaint' };
  return recipients.some(({ action }) => action === 'failed') ? { kind: 'bounce', fates: recipients } : null;
}

function taken(what: Extract<NotificationOutcome, { kind: 'taken' }>['taken']): NotificationOutcome {
  return { kind: 'taken', taken: what };
}

function unconfirmed(cause?: unknown): Failure {
  const detail = 'The subscription cannot be confirmed just now.';
  return new Failure('confirmation_unavailable', detail, { temporary: true, cause });
}
