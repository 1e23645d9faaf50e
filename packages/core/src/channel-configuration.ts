/**
 * Channel configurations: how mail of one kind leaves (S1), and which of them can be stored.
 *
 * The rule: a configuration whose parts contradict each other is refused with the field to blame, at the moment
 * it is written. What is merely unwise is stored with a warning.
 *
 * @module
 */
import { parseAddress, parseDomain } from './address.ts';
import type { OptOutScope } from './consent.ts';
import { OPT_OUT_SCOPES } from './consent.ts';
import { findControlCharacter } from './control-character.ts';
import { checkManagedBy, managedByWarnings } from './customer-managed.ts';
import { Failure } from './failure.ts';
import type { ListUnsubscribeSettings } from './precedence.ts';
import { MAXIMUM_RETRY_MINUTES, MINIMUM_RETRY_MINUTES } from './retry.ts';

/** Marketing asks for consent; transactional is owed. */
export type EmailType = 'marketing' | 'transactional';

/** A query parameter appended to content links. */
export interface UrlTrackingParameter {
  readonly name: string;
  readonly value: string;
}

/** A channel configuration as it is stored (`PUT /v1/channel-configurations/{name}`), every default filled in. */
export interface ChannelConfiguration {
  readonly name: string;
  readonly subdomain: string;
  readonly emailType: EmailType;
  readonly from: { readonly name: string; readonly email: string };
  readonly replyTo?: string;
  readonly errorPrefix?: string;
  readonly listUnsubscribe: ListUnsubscribeSettings & { readonly managedBy: 'adieu' | 'customer' };
  readonly marketingActions: readonly string[];
  readonly urlTracking: readonly UrlTrackingParameter[];
  readonly retryMinutes: number;
  readonly unknownOutcome: 'keep' | 'resend';
  readonly rate: { readonly messagesPerSecond: number | null; readonly perDomain: number | null };
  /** Why a marketing template without an opt-out link may be sent; logged. */
  readonly allowNoOptOutLink?: string;
  /** Transactional only: goes to addresses that are suppressed because of a complaint. Default: no. */
  readonly sendAfterComplaint?: boolean;
}

/** What has to be given of a configuration; the rest has a default. */
export type ChannelConfigurationRequest = Pick<ChannelConfiguration, 'subdomain' | 'emailType' | 'from'> &
  Partial<Omit<ChannelConfiguration, 'name' | 'listUnsubscribe' | 'rate'>> & {
    readonly listUnsubscribe?: Partial<ChannelConfiguration['listUnsubscribe']>;
    readonly rate?: Partial<ChannelConfiguration['rate']>;
  };

const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,99}$/;
/** The prefix, a `+` and a token of 45 characters have to fit into 64 octets. */
const ERROR_PREFIX = /^[a-z0-9](?:[a-z0-9_-]{0,16}[a-z0-9])?$/;
const TRACKING_NAME = /^[A-Za-z0-9_.~-]{1,255}$/;
const TRACKING_LIMIT = 10;
const TRACKING_VALUE_OCTETS = 5 * 1024;

/** Fills in the defaults: the header on, 84 hours of retries, an unknown outcome resent only for mail that is owed. */
export function completeChannelConfiguration(
  name: string,
  given: ChannelConfigurationRequest,
): ChannelConfiguration {
  return {
    marketingActions: [],
    urlTracking: [],
    retryMinutes: MAXIMUM_RETRY_MINUTES,
    unknownOutcome: given.emailType === 'transactional' ? 'resend' : 'keep',
    ...given,
    name,
    listUnsubscribe: {
      enabled: true,
      mailto: true,
      oneClick: true,
      consentLevel: 'channel',
      managedBy: 'adieu',
      ...given.listUnsubscribe,
    },
    rate: { messagesPerSecond: null, perDomain: null, ...given.rate },
  };
}

/** Answers warnings; throws a {@link Failure} that names the field when the configuration cannot be stored. */
export function checkChannelConfiguration(value: ChannelConfiguration): string[] {
  const path = findControlCharacter(value);
  if (path !== null)
    throw refused('control_character', 'Line breaks and control characters are refused.', path);
  if (!NAME.test(value.name)) {
    const detail =
      'A name starts with a letter and goes on with letters, digits, "_", "." and "-", up to 100.';
    throw refused('name_invalid', detail, 'name');
  }
  if (value.emailType !== 'marketing' && value.emailType !== 'transactional') {
    throw refused('email_type_invalid', 'The email type is marketing or transactional.', 'emailType');
  }
  checkSender(value);
  checkListUnsubscribe(value.listUnsubscribe);
  checkTracking(value.urlTracking);
  checkDelivery(value);
  if (value.emailType === 'transactional' && value.marketingActions.length > 0) {
    const detail = 'Transactional mail skips consent, so a marketing action would never be asked.';
    throw refused('marketing_actions_contradict_email_type', detail, 'marketingActions');
  }
  if (value.emailType === 'marketing' && value.sendAfterComplaint !== undefined) {
    const detail = 'Marketing mail never goes to somebody who complained.';
    throw refused('send_after_complaint_contradicts_email_type', detail, 'sendAfterComplaint');
  }
  return warnings(value);
}

/**
 * Throws `list_required` when something of the message opts out of a list and the execution names none: the
 * header and the default links by the configuration, a body link by the level it names itself (U3).
 */
export function checkExecutionList(
  listUnsubscribe: Pick<ListUnsubscribeSettings, 'consentLevel'>,
  list: string | null | undefined,
  levels: readonly OptOutScope[] = [],
): void {
  if (list !== null && list !== undefined && list !== '') return;
  const fromLink = levels.includes('subscription');
  if (listUnsubscribe.consentLevel !== 'subscription' && !fromLink) return;
  const where = fromLink ? 'A link of the template' : 'The channel configuration';
  throw refused(
    'list_required',
    `${where} has the consent level subscription, so the execution needs a list.`,
    'list',
  );
}

/**
 * Relaxed alignment (RFC 9989): one of the two domains is the other or lies beneath it. Siblings are refused,
 * since only DNS can tell whether `a.example` and `b.example` have one owner.
 */
export function isAligned(fromDomain: string, subdomain: string): boolean {
  if (fromDomain === subdomain) return true;
  return fromDomain.endsWith(`.${subdomain}`) || subdomain.endsWith(`.${fromDomain}`);
}

function checkSender(value: ChannelConfiguration): void {
  const subdomain = parseDomain(value.subdomain);
  if (subdomain === null)
    throw refused('subdomain_invalid', 'The subdomain is not a host name.', 'subdomain');
  const from = parseAddress(value.from.email);
  if (!from.ok)
    throw refused('from_invalid', `The From address is no single address: ${from.reason}.`, 'from.email');
  if (!from.address.ascii) {
    throw refused('from_invalid', 'The local part of the From address must be ASCII.', 'from.email');
  }
  if (!isAligned(from.address.domain, subdomain)) {
    const detail = `The From domain ${from.address.domain} is not aligned with the subdomain ${subdomain}.`;
    throw refused('from_not_aligned', detail, 'from.email');
  }
  const replyTo = value.replyTo === undefined ? null : parseAddress(value.replyTo);
  if (replyTo !== null && !(replyTo.ok && replyTo.address.ascii)) {
    const reason = replyTo.ok ? 'its local part must be ASCII' : replyTo.reason;
    throw refused('reply_to_invalid', `The Reply-To address is no single address: ${reason}.`, 'replyTo');
  }
  if (value.errorPrefix !== undefined && !ERROR_PREFIX.test(value.errorPrefix)) {
    const detail = 'The error prefix is made of lower-case letters, digits, "_" and "-", up to 18.';
    throw refused('error_prefix_invalid', detail, 'errorPrefix');
  }
}

function checkListUnsubscribe(settings: ChannelConfiguration['listUnsubscribe']): void {
  if (!OPT_OUT_SCOPES.includes(settings.consentLevel)) {
    const detail = 'The consent level is channel, identity or subscription.';
    throw refused('consent_level_invalid', detail, 'listUnsubscribe.consentLevel');
  }
  checkManagedBy(settings);
}

function checkTracking(parameters: readonly UrlTrackingParameter[]): void {
  if (parameters.length > TRACKING_LIMIT) {
    throw refused('url_tracking_too_many', `At most ${TRACKING_LIMIT} URL parameters.`, 'urlTracking');
  }
  const seen = new Set<string>();
  for (const [index, { name, value }] of parameters.entries()) {
    const field = `urlTracking.${index}`;
    if (!TRACKING_NAME.test(name)) {
      const detail = 'The name of a URL parameter is made of letters, digits, "_", ".", "~" and "-".';
      throw refused('url_tracking_name_invalid', detail, `${field}.name`);
    }
    if (seen.has(name)) throw refused('url_tracking_duplicate', `${name} stands twice.`, `${field}.name`);
    seen.add(name);
    if (Buffer.byteLength(value) > TRACKING_VALUE_OCTETS) {
      throw refused(
        'url_tracking_value_too_long',
        'At most 5 KB for the value of a URL parameter.',
        `${field}.value`,
      );
    }
  }
}

function checkDelivery(value: ChannelConfiguration): void {
  const least = MINIMUM_RETRY_MINUTES[value.emailType];
  const inside = value.retryMinutes >= least && value.retryMinutes <= MAXIMUM_RETRY_MINUTES;
  if (!Number.isInteger(value.retryMinutes) || !inside) {
    const detail = `For ${value.emailType} mail the retry period is ${least} to ${MAXIMUM_RETRY_MINUTES} minutes.`;
    throw refused('retry_minutes_out_of_range', detail, 'retryMinutes');
  }
  if (value.unknownOutcome !== 'keep' && value.unknownOutcome !== 'resend') {
    throw refused('unknown_outcome_invalid', 'An unknown outcome is kept or resent.', 'unknownOutcome');
  }
  for (const field of ['messagesPerSecond', 'perDomain'] as const) {
    const rate = value.rate[field];
    if (rate === null || (Number.isFinite(rate) && rate > 0)) continue;
    throw refused('rate_invalid', 'A rate is a positive number, or null for none.', `rate.${field}`);
  }
}

function warnings(value: ChannelConfiguration): string[] {
  const { enabled, mailto, oneClick } = value.listUnsubscribe;
  const found = managedByWarnings(value.listUnsubscribe);
  if (value.emailType === 'transactional' && enabled) {
    found.push('Transactional mail needs no List-Unsubscribe; consider "listUnsubscribe":{"enabled":false}.');
  }
  if (value.emailType === 'marketing' && !enabled) {
    found.push('List-Unsubscribe is off: mailbox providers require it of marketing mail in bulk.');
  }
  if (value.emailType === 'marketing' && enabled && !mailto && !oneClick) {
    found.push(
      'Mailto and one-click are both off: only a one-click link in the body gives the mail a header.',
    );
  }
  if (value.emailType === 'transactional' && value.allowNoOptOutLink !== undefined) {
    found.push('"allowNoOptOutLink" does nothing here: transactional mail needs no opt-out link.');
  }
  return found;
}

function refused(code: string, detail: string, field: string): Failure {
  return new Failure(code, detail, { field });
}
