/**
 * What is done with a mail that is no plain opt-out: a report is recorded, a wish to leave is verified, the rest is kept for a
 * person to read.
 *
 * The rule: a mail is answered 250 when what it means is stored, or when it means nothing. Who is concerned is said by a token
 * alone, in the address or in the message that came back; without one nothing is done to anybody (BC-1).
 *
 * @module
 */
import type { Address, MailAudience, RecordOptOut, RecordReport, ReportedFate } from '@adieu/core';
import { decodeWords } from '@adieu/mail';
import type { Report } from '@adieu/mail/report';
import {
  type AddressUser,
  type Database,
  findAddressUsers,
  putReview,
  REVIEW_SOURCE_LIMIT,
  type ReviewReason,
} from '@adieu/store';
import { isAutomaticReply } from './autoreply.ts';
import { type Correspondence, UNREADABLE, valuesOf } from './correspondence.ts';
import {
  findReturnedToken,
  openEnvelopeId,
  type ReturnedToken,
  returnedMessageId,
  type TokenDeps,
} from './returned-token.ts';
import type { Route } from './route.ts';
import { type ResolveDns, verifySender } from './sender.ts';

/** What became of a mail, as it is counted. */
export type Handled = 'bounces' | 'complaints' | 'recorded' | 'autoReplies' | 'reviewed' | 'noted';

/** What the desk works with. */
export interface DeskOptions extends TokenDeps {
  readonly database: Database;
  readonly recorder: RecordOptOut;
  readonly reports: RecordReport;
  readonly resolver: ResolveDns;
  readonly now: () => Date;
}

type ReportRoute = Extract<Route, { kind: 'opt-out' | 'report' }>;
type RoleRoute = Extract<Route, { kind: 'role' }>;

/** A mail for one recipient. Rejects when it could not be stored: the sender comes again. */
export type Desk = (mail: Correspondence, decided: ReportRoute | RoleRoute) => Promise<Handled>;

/** Domains of receivers that are asked for. */
const RECEIVER_LIMIT = 10;
/** No character takes more than four. */
const SOURCE_OCTETS = 4 * REVIEW_SOURCE_LIMIT;

/** Opens the desk. */
export function openDesk(options: DeskOptions): Desk {
  const { database, domains, recorder, reports, resolver, now } = options;

  /** To `bounce+<token>@`: the address says whose message it was. */
  async function takeReturned(
    mail: Correspondence,
    { audience, claims, fingerprint }: ReportRoute,
  ): Promise<Handled> {
    const { profile, address, day } = claims;
    const who = { by: 'number', profile, address } as const;
    const token = { ...audience, who, day, fingerprint };
    const recipient = 'bounce';
    const reading = await mail.report();
    if (!reading.ok)
      return review(mail, { audience, recipient, why: 'malformed', detail: UNREADABLE[reading.why] });
    const { answer: report } = reading;
    const kinds = new Set(report.recipients.map(({ kind }) => kind));
    if (kinds.has('complaint')) return record(mail, token, report);
    if (kinds.has('auto-reply')) return 'autoReplies';
    if (!kinds.has('none')) return record(mail, token, report);
    if (report.feedbackType !== undefined) return answerFeedback(mail, report, { audience, recipient });
    if (await asksToLeave(mail)) return leave(mail, { audience, recipient });
    return review(mail, { audience, recipient, why: 'no_report', detail: null });
  }

  /** To an address without a token: a complaint may have one inside. */
  async function takeRoleMail(mail: Correspondence, { role, audience }: RoleRoute): Promise<Handled> {
    const at = { audience, recipient: role } as const;
    if (role === 'unsubscribe')
      return isAutomaticReply(mail.sender, mail.content.fields) ? 'autoReplies' : leave(mail, at);
    const reading = await mail.report();
    if (!reading.ok) return review(mail, { ...at, why: 'malformed', detail: UNREADABLE[reading.why] });
    const { answer: report } = reading;
    if (report.recipients.some(({ kind }) => kind === 'complaint')) {
      const found = await findReturnedToken(report, options);
      if (found.kind === 'unavailable') throw new Error('nobody can vouch for the domain of a token');
      if (found.kind === 'found') return record(mail, found.token, report);
      const detail = found.kind === 'several' ? 'tokens of different people' : 'no token of ours';
      return review(mail, { ...at, why: 'no_token', detail });
    }
    const { envelopeId } = report;
    const token = envelopeId === undefined ? null : openEnvelopeId(envelopeId, audience, options);
    if (token !== null) return record(mail, token, report);
    if (report.feedbackType !== undefined) return answerFeedback(mail, report, at);
    const plain = report.recipients.every(({ kind }) => kind === 'none');
    return plain && (await asksToLeave(mail))
      ? leave(mail, at)
      : review(mail, { ...at, why: 'role', detail: null });
  }

  /** An answer of a person that asks to leave and says nothing else (MT-13). */
  async function asksToLeave({ sender, content, leaving }: Correspondence): Promise<boolean> {
    return !isAutomaticReply(sender, content.fields) && leaving();
  }

  /** Feedback that is no complaint: well-formed it means nothing to us, else somebody should look (BC-10, BC-12). */
  async function answerFeedback(
    mail: Correspondence,
    report: Report,
    at: Pick<Filing, 'audience' | 'recipient'>,
  ): Promise<Handled> {
    const [fault] = report.faults;
    return fault === undefined ? 'noted' : review(mail, { ...at, why: 'malformed', detail: fault });
  }

  async function record(mail: Correspondence, token: ReturnedToken, report: Report): Promise<Handled> {
    const complaint = report.recipients.some(({ kind }) => kind === 'complaint');
    const fates: readonly ReportedFate[] = report.recipients;
    const messageId = token.messageId ?? returnedMessageId(report);
    const { outcome } = await reports({
      ...token,
      ...(messageId === undefined ? {} : { messageId }),
      reported: complaint
        ? { kind: report.feedbackType === 'opt-out' ? 'opt-out' : 'complaint' }
        : { kind: 'bounce', fates },
      digest: mail.digest('report', token.fingerprint),
      at: now(),
    });
    if (outcome !== 'recorded') return 'noted';
    if (!complaint) return 'bounces';
    return report.feedbackType === 'opt-out' ? 'recorded' : 'complaints';
  }

  /**
   * To plain `unsubscribe@`, or in so many words: everybody who uses the verified address leaves. Who came back after the mail was
   * written does not: somebody may have kept it.
   */
  async function leave(mail: Correspondence, at: Pick<Filing, 'audience' | 'recipient'>): Promise<Handled> {
    const { audience } = at;
    const sender = await verifySender(mail, resolver, now());
    if (!sender.ok) return review(mail, { ...at, why: 'unverified', detail: sender.why });
    if (!(await areOurs(sender.receivers, audience)))
      return review(mail, { ...at, why: 'unverified', detail: 'not written to us' });
    const { writtenAt } = sender;
    const cameBackSince = ({ cameBackAt }: AddressUser): boolean =>
      cameBackAt !== null && (writtenAt === null || writtenAt <= cameBackAt);
    let known = false;
    let back = false;
    for await (const users of findAddressUsers(database.db, audience, sender.address.key)) {
      known = true;
      const leaving = users.filter((user) => !cameBackSince(user));
      back ||= leaving.length < users.length;
      const said = {
        ...audience,
        scope: 'channel',
        source: 'header_mailto',
        fingerprint: '',
        at: now(),
      } as const;
      await Promise.all(
        leaving.map(({ profileId, addressId }) =>
          recorder({ ...said, who: { by: 'number', profile: profileId, address: addressId ?? 0 } }),
        ),
      );
    }
    if (!known) return review(mail, { ...at, why: 'unknown_sender', detail: null });
    if (!back) return 'recorded';
    const detail =
      writtenAt === null
        ? 'they came back once, and nobody knows when this was written'
        : 'they came back since';
    return review(mail, { ...at, why: 'unverified', detail });
  }

  /** Whether a mail was written to anybody at a subdomain of theirs. */
  async function areOurs(
    receivers: readonly Address[],
    { organisation, sandbox }: MailAudience,
  ): Promise<boolean> {
    const names = [...new Set(receivers.map(({ domain }) => domain))].slice(0, RECEIVER_LIMIT);
    const found = await Promise.all(names.map((name) => domains.standing(name)));
    if (found.some(({ kind }) => kind === 'unavailable')) throw new Error('nobody can vouch for a domain');
    return found.some(
      (one) =>
        one.kind === 'ours' && one.audience.organisation === organisation && one.audience.sandbox === sandbox,
    );
  }

  async function review(
    mail: Correspondence,
    { audience, recipient, why, detail }: Filing,
  ): Promise<Handled> {
    const { content } = mail;
    await putReview(database.db, {
      ...audience,
      digest: mail.digest('review', recipient),
      recipient,
      why,
      detail,
      sender: readable(valuesOf(content, 'from')[0]),
      subject: readable(valuesOf(content, 'subject')[0]),
      size: content.bytes,
      source: `${mail.trace}${content.raw.toString('utf8', 0, SOURCE_OCTETS)}`,
      mentions: [...new Set([mail.sender.toLowerCase(), ...(await mail.mentions())])].filter(
        (one) => one !== '',
      ),
    });
    return 'reviewed';
  }

  return (mail, decided) =>
    decided.kind === 'role' ? takeRoleMail(mail, decided) : takeReturned(mail, decided);
}

interface Filing {
  readonly audience: MailAudience;
  readonly recipient: string;
  readonly why: ReviewReason;
  readonly detail: string | null;
}

/** What a person wrote, in their letters; what it hides is taken out where it is stored (IN-19). */
function readable(value: string | undefined): string | null {
  if (value === undefined) return null;
  const octets = value.slice(0, 2_000);
  const text = Buffer.from(octets, 'latin1').toString('utf8');
  return decodeWords(text.includes('\ufffd') ? octets : text);
}
