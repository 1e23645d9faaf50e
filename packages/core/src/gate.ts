/**
 * The consent gate: may this message go to this recipient now?
 *
 * Pure. The worker asks it with what the claim returned, and again when the standing changed before the intent,
 * so that an opt-out which lands while the message waits still stops it. {@link decide} and {@link evaluate}
 * walk the same list of rules: what `explain` tells is what the worker did.
 *
 * @module
 */
import type { ChannelConfiguration } from './channel-configuration.ts';
import type { Subject } from './condition.ts';
import type { AddressConsents, ConsentDefaults, Consents, ConsentValue, Subscription } from './consent.ts';
import { allowsSending, isEnded, isNo } from './consent.ts';
import type { AllowedList, Listings } from './delivery-list.ts';
import type { ExclusionCode } from './exclusion.ts';
import { askPolicy, explainPolicy, type Policy } from './policy.ts';

/** What the gate needs to know of a message. */
export interface GateMessage {
  readonly emailType: 'marketing' | 'transactional';
  /** The name of the list the message belongs to. */
  readonly list: string | null;
  /** What policies are about; owed mail has none. */
  readonly marketingActions: readonly string[];
  /** Owed mail goes out although its recipient once complained. */
  readonly sendAfterComplaint: boolean;
}

/** What a sandbox says about all of its messages; counts from the next claim on. */
export interface SandboxRules extends ConsentDefaults {
  readonly allowedList: AllowedList;
  /** Of all marketing actions, also those that are switched off. */
  readonly policies: readonly Policy[];
}

/** What the gate needs to know of a recipient. */
export interface Standing {
  readonly profile: Consents;
  /** Of the profile; only policies ask them. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Of the address this message goes to, whoever said it. */
  readonly address: AddressConsents;
  readonly listings: Listings;
  readonly defaults: SandboxRules;
}

/** Send, or exclude and say by which rule. */
export type Decision =
  | { readonly kind: 'send' }
  | { readonly kind: 'exclude'; readonly code: ExclusionCode; readonly rule: string };

/** What one rule saw and said. `skip`: it has nothing to say about this message. */
export interface RuleVerdict {
  readonly rule: string;
  readonly value: string;
  readonly verdict: Verdict;
}

/** What a rule says. */
export type Verdict = 'stop' | 'allow' | 'skip';

interface Rule {
  readonly rule: string;
  readonly value: (message: GateMessage, standing: Standing) => string;
  readonly verdict: (message: GateMessage, standing: Standing) => Verdict;
  readonly exclude: Decision;
}

const SEND: Decision = { kind: 'send' };

/** Asked of every message, owed or not. Suppressed beats allowed. */
const LIST_RULES: readonly Rule[] = [
  {
    ...excluding('suppressed_address', '050102'),
    value: (_, { listings }) => listings.suppressed ?? 'no',
    verdict: (message, { listings }) => {
      if (listings.suppressed === null) return 'skip';
      return listings.suppressed === 'complaint' && skipsComplaints(message) ? 'allow' : 'stop';
    },
  },
  {
    ...excluding('suppressed_domain', '050105'),
    value: (_, { listings }) => (listings.domainSuppressed ? 'yes' : 'no'),
    verdict: (_, { listings }) => (listings.domainSuppressed ? 'stop' : 'skip'),
  },
  allowedList('allowed_address', '050103', 'on'),
  allowedList('allowed_domain', '050106', 'domains'),
];

/** Strongest first. The first rule that stops decides; no rule lifts what another stopped. */
const CONSENT_RULES: readonly Rule[] = [
  // A no at any level is a floor.
  refusal('marketing.any', (standing) => standing.profile.marketing?.any?.val),
  refusal('marketing.email', (standing) => standing.profile.marketing?.email?.val),
  refusal('idSpecific.email', (standing) => standing.address.email?.val),
  {
    ...excluding('subscription'),
    value: (message, standing) => subscriptionValue(message, standing),
    verdict: (message, standing) => subscriptionVerdict(message, standing),
  },
  // Nobody said no: the most specific word decides, and without one the sandbox.
  {
    ...excluding('stated'),
    value: (_, standing) => stated(standing) ?? 'nothing',
    verdict: (_, standing) => statedVerdict(stated(standing), standing.defaults),
  },
  {
    ...excluding('sandbox_default'),
    value: (_, standing) => describeDefaults(standing.defaults),
    verdict: (_, standing) => {
      if (stated(standing) !== undefined) return 'skip';
      return standing.defaults.strict ? 'stop' : 'allow';
    },
  },
];

/** The message of a configuration, as the gate sees it; `list` is the name of the execution's list. */
export function gateMessage(
  configuration: Pick<ChannelConfiguration, 'emailType' | 'marketingActions' | 'sendAfterComplaint'>,
  list: string | null,
): GateMessage {
  const { emailType, marketingActions, sendAfterComplaint = false } = configuration;
  return { emailType, list, marketingActions, sendAfterComplaint };
}

/**
 * Decides one delivery. Strongest rule first:
 *
 * 1. A suppressed address or domain gets nothing, except owed mail after a complaint where the configuration says so.
 * 2. Where the allowed list is active, only who is on it gets mail.
 * 3. Mail that is owed (transactional) skips consent.
 * 4. `n` or `dn` for anything, for the channel or for the address stops; nothing lifts it.
 * 5. A list message needs a subscription that is neither ended nor waiting for its confirmation.
 * 6. The first of address, channel, any that is neither empty nor `u` decides by its value.
 * 7. Where nobody said anything, the sandbox decides.
 * 8. Of what is left, every enabled policy of the message's marketing actions has to hold.
 */
export function decide(message: GateMessage, standing: Standing): Decision {
  return (
    firstStop(LIST_RULES, message, standing) ??
    (skipsConsent(message) ? SEND : firstStop(CONSENT_RULES, message, standing)) ??
    firstPolicyStop(message, standing) ??
    SEND
  );
}

/** Every rule with the value it saw, for `explain`. */
export function evaluate(message: GateMessage, standing: Standing): readonly RuleVerdict[] {
  const skips = skipsConsent(message);
  const ask = ({ rule, value, verdict }: Rule): RuleVerdict => ({
    rule,
    value: value(message, standing),
    verdict: verdict(message, standing),
  });
  const policies = standing.defaults.policies.map((policy) => ({
    rule: policyRule(policy),
    ...explainPolicy(policy, message.marketingActions, subjectOf(standing)),
  }));
  const consents = [...CONSENT_RULES.map(ask), ...policies];
  return [
    ...LIST_RULES.map(ask),
    { rule: 'email_type', value: message.emailType, verdict: skips ? 'allow' : 'skip' },
    ...consents.map((rule) => (skips ? { ...rule, verdict: 'skip' as const } : rule)),
  ];
}

function firstStop(rules: readonly Rule[], message: GateMessage, standing: Standing): Decision | null {
  for (const rule of rules) if (rule.verdict(message, standing) === 'stop') return rule.exclude;
  return null;
}

function firstPolicyStop({ marketingActions }: GateMessage, standing: Standing): Decision | null {
  const subject = subjectOf(standing);
  for (const policy of standing.defaults.policies) {
    if (askPolicy(policy, marketingActions, subject) === 'stop') return excluding(policyRule(policy)).exclude;
  }
  return null;
}

function policyRule({ id }: Policy): string {
  return `policy:${id}`;
}

function subjectOf({ attributes, profile }: Standing): Subject {
  return { attributes, consents: profile };
}

function skipsConsent(message: GateMessage): boolean {
  return message.emailType === 'transactional';
}

function skipsComplaints(message: GateMessage): boolean {
  return message.sendAfterComplaint && skipsConsent(message);
}

function excluding(rule: string, code: ExclusionCode = '050101'): Pick<Rule, 'rule' | 'exclude'> {
  return { rule, exclude: { kind: 'exclude', code, rule } };
}

/** One list, two codes: where it holds domains only, it was the domain that was missing. */
function allowedList(rule: string, code: ExclusionCode, state: AllowedList): Rule {
  return {
    ...excluding(rule, code),
    value: (_, { defaults, listings }) => {
      if (defaults.allowedList === 'off') return 'off';
      return listings.allowed ? 'listed' : 'not listed';
    },
    verdict: (_, { defaults, listings }) => {
      if (defaults.allowedList !== state) return 'skip';
      return listings.allowed ? 'allow' : 'stop';
    },
  };
}

function refusal(rule: string, read: (standing: Standing) => ConsentValue | undefined): Rule {
  return {
    ...excluding(rule),
    value: (_, standing) => read(standing) ?? 'empty',
    verdict: (_, standing) => (isNo(read(standing)) ? 'stop' : 'skip'),
  };
}

/** Own properties only: a list may be called `constructor`. */
function subscription(list: string, standing: Standing): Subscription | undefined {
  const subscriptions = standing.profile.marketing?.email?.subscriptions;
  return subscriptions !== undefined && Object.hasOwn(subscriptions, list) ? subscriptions[list] : undefined;
}

function subscriptionValue(message: GateMessage, standing: Standing): string {
  if (message.list === null) return 'no list';
  const found = subscription(message.list, standing);
  if (found === undefined) return `${message.list}: none`;
  if (found.end !== undefined) return `${message.list}: ended`;
  return `${message.list}: ${found.val ?? 'running'}`;
}

function subscriptionVerdict(message: GateMessage, standing: Standing): Verdict {
  if (message.list === null) return 'skip';
  const found = subscription(message.list, standing);
  if (found === undefined || isEnded(found)) return 'stop';
  // A subscription that waits for its confirmation is not one yet.
  if (found.val === undefined || found.val === 'u') return 'allow';
  return allowsSending(found.val, standing.defaults.meanings) ? 'allow' : 'stop';
}

/** The most specific value that says something: `u` and empty do not. */
function stated(standing: Standing): ConsentValue | undefined {
  const marketing = standing.profile.marketing;
  for (const value of [standing.address.email?.val, marketing?.email?.val, marketing?.any?.val]) {
    if (value !== undefined && value !== 'u') return value;
  }
  return undefined;
}

function describeDefaults({ strict, meanings }: ConsentDefaults): string {
  const own = Object.entries(meanings).map(([value, meaning]) => `, ${value}: ${meaning}`);
  return `${strict ? 'strict' : 'allow'}${own.join('')}`;
}

function statedVerdict(value: ConsentValue | undefined, defaults: ConsentDefaults): Verdict {
  // A no has been heard by the rule of its level.
  if (value === undefined || isNo(value)) return 'skip';
  return allowsSending(value, defaults.meanings) ? 'allow' : 'stop';
}
