/**
 * Consents in the shape of XDM's "Consents and Preferences" field group: the types and what the values mean.
 *
 * One rule: `n` and `dn` are a person's no. Every other value has a meaning that a sandbox may choose.
 *
 * @module
 */

/** Consent values of XDM. */
export const CONSENT_VALUES = ['y', 'n', 'p', 'u', 'dy', 'dn', 'LI', 'CT', 'CP', 'VI', 'PI'] as const;

/**
 * `y` yes, `n` no, `p` waiting for its confirmation, `u` unknown, `dy` and `dn` assumed by default, `LI`
 * legitimate interest, `CT` contract, `CP` legal obligation, `VI` vital interest, `PI` public interest.
 */
export type ConsentValue = (typeof CONSENT_VALUES)[number];

/** The channels of `marketing` that somebody says yes or no to; `any` is all of them. In the order of XDM's field group. */
export const MARKETING_CHANNELS = [
  'any',
  'email',
  'sms',
  'push',
  'whatsApp',
  'call',
  'fax',
  'commercialEmail',
  'postalMail',
] as const satisfies readonly (keyof MarketingConsents)[];

/** One choice. */
export interface ConsentField {
  readonly val: ConsentValue;
  /** ISO 8601. */
  readonly time?: string;
  /** At most 255 characters. */
  readonly reason?: string;
}

/** One identifier that is subscribed to a list. */
export interface Subscriber {
  /** ISO 8601. */
  readonly time?: string;
  readonly source?: string;
}

/**
 * The person's relation to one list. It runs while it is there, has no `end` (whatever the date) and its value is
 * no no. ISO 8601 times; `val`, `type` and `subscribers` are XDM's.
 */
export interface Subscription extends Partial<ConsentField> {
  readonly start?: string;
  readonly end?: string;
  readonly type?: string;
  readonly subscribers?: Readonly<Record<string, Subscriber>>;
}

/** A channel of a profile: a choice, and the lists the person is on. A channel may hold only lists. */
export interface ChannelConsent extends Partial<ConsentField> {
  readonly subscriptions?: Readonly<Record<string, Subscription>>;
}

/** The email channel of a profile. */
export type EmailConsent = ChannelConsent;

/** The channel a person prefers; says nothing about consent. */
export interface PreferredChannel {
  readonly val: string;
  readonly time?: string;
  readonly reason?: string;
}

/** Marketing choices of a profile. */
export interface MarketingConsents {
  readonly any?: ConsentField;
  readonly preferred?: PreferredChannel;
  readonly email?: ChannelConsent;
  readonly sms?: ChannelConsent;
  readonly push?: ChannelConsent;
  readonly whatsApp?: ChannelConsent;
  readonly call?: ConsentField;
  readonly fax?: ConsentField;
  readonly commercialEmail?: ConsentField;
  readonly postalMail?: ConsentField;
}

/** What belongs to one (namespace, address) pair, and binds every profile that uses it. */
export interface AddressConsents {
  readonly email?: ConsentField;
  readonly push?: ConsentField;
  readonly sms?: ConsentField;
  readonly whatsApp?: ConsentField;
}

/** Choices of one identity. Only `marketing` decides about messages. */
export interface IdentityConsents {
  readonly marketing?: AddressConsents;
  readonly adID?: ConsentField;
  readonly collect?: ConsentField;
  readonly share?: ConsentField;
}

/** Choices by namespace and identity. */
export type IdSpecificConsents = Readonly<Record<string, Readonly<Record<string, IdentityConsents>>>>;

/** Everything a person has said. */
export interface Consents {
  readonly marketing?: MarketingConsents;
  readonly idSpecific?: IdSpecificConsents;
  readonly collect?: ConsentField;
  readonly share?: ConsentField;
  readonly personalize?: { readonly content?: ConsentField };
  readonly adID?: ConsentField;
  readonly metadata?: { readonly time?: string };
}

/**
 * What a value means, where a sandbox says otherwise than the program: `p` stops, every other allows. An entry of `n`, `dn`
 * or `u` has no effect: a no always stops, and unknown says nothing (X2).
 */
export type ValueMeanings = Readonly<Partial<Record<ConsentValue, 'allow' | 'stop'>>>;

/** What a sandbox makes of values that do not decide by themselves. */
export interface ConsentDefaults {
  /** Nothing said means no. */
  readonly strict: boolean;
  readonly meanings: ValueMeanings;
}

/** How wide an opt-out is: every address of the profile, one address, or one list. */
export type OptOutScope = 'channel' | 'identity' | 'subscription';

/** The scopes, widest first. */
export const OPT_OUT_SCOPES = [
  'channel',
  'identity',
  'subscription',
] as const satisfies readonly OptOutScope[];

/** A person's no. Nothing lifts it but the person. */
export function isNo(value: ConsentValue | undefined): boolean {
  return value === 'n' || value === 'dn';
}

/** A person who said no to personalization: mail to them may not use their profile (O3). */
export function refusesPersonalization({ personalize }: Consents): boolean {
  return isNo(personalize?.content?.val);
}

/** Whether a value, where it decides, lets a message go. */
export function allowsSending(value: ConsentValue, meanings: ValueMeanings): boolean {
  if (isNo(value)) return false;
  return (meanings[value] ?? (value === 'p' ? 'stop' : 'allow')) === 'allow';
}

/** A subscription that the person, or whoever keeps the list, has ended. */
export function isEnded(subscription: Subscription): boolean {
  return subscription.end !== undefined || isNo(subscription.val);
}

/** What a subscription comes to as one value: running is a yes. Undefined where there is none. */
export function subscriptionValue(subscription: Subscription | undefined): ConsentValue | undefined {
  if (subscription === undefined) return undefined;
  return isEnded(subscription) ? 'n' : (subscription.val ?? 'y');
}

/**
 * When something was said, by the time that stands beside it; milliseconds since 1970. Null where that tells nothing: there is
 * none, or an import wrote one that is still to come.
 */
export function saidAt(time: string | undefined, now: Date): number | null {
  const said = time === undefined ? Number.NaN : Date.parse(time);
  return said <= now.getTime() ? said : null;
}

/** Tells a consent value from anything else. */
export function isConsentValue(value: unknown): value is ConsentValue {
  return (CONSENT_VALUES as readonly unknown[]).includes(value);
}
