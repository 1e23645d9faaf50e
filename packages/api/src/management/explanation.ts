/**
 * May a message go to this person, and why (X9): the worker's own rules, asked ahead of time.
 *
 * The address comes first, as it does for an execution: without one that can be written to, no rule is asked.
 *
 * @module
 */
import {
  type AddressConsents,
  type ConsentDefaults,
  decide,
  type ExclusionCode,
  evaluate,
  type GateMessage,
  parseAddress,
  type RuleVerdict,
} from '@adieu/core';
import { type Database, findProfile, type Scope, type StoredProfile } from '@adieu/store';

export interface Explanation {
  readonly allowed: boolean;
  readonly code?: ExclusionCode;
  readonly rules: RuleVerdict[];
}

export interface Question extends GateMessage {
  readonly profile: StoredProfile;
  /** As an execution would give it; null for the profile's own. */
  readonly address: string | null;
}

export async function explain(database: Database, scope: Scope, question: Question): Promise<Explanation> {
  const { profile } = question;
  const wanted = question.address ?? profile.address?.spelling ?? profile.identities.Email ?? null;
  if (wanted === null) return stopped('050020', { rule: 'address', value: 'none', verdict: 'stop' });
  const parsed = parseAddress(wanted);
  if (!parsed.ok) return stopped('050024', { rule: 'address', value: parsed.reason, verdict: 'stop' });
  const message: GateMessage = { emailType: question.emailType, list: question.list };
  const standing = {
    profile: profile.consents,
    address: await addressConsents(database, scope, { profile, key: parsed.address.key, spelling: wanted }),
    defaults: await consentDefaults(database, scope),
  };
  const rules: RuleVerdict[] = [
    { rule: 'address', value: question.address === null ? "the profile's own" : 'given', verdict: 'allow' },
    ...evaluate(message, standing),
  ];
  const decision = decide(message, standing);
  return decision.kind === 'send' ? { allowed: true, rules } : { allowed: false, code: decision.code, rules };
}

/** What was said about an address binds every profile that uses it, this one included. */
async function addressConsents(
  database: Database,
  scope: Scope,
  address: { readonly profile: StoredProfile; readonly key: string; readonly spelling: string },
): Promise<AddressConsents> {
  const ofKey = (profile: StoredProfile | null) => profile?.addresses.find(({ key }) => key === address.key);
  const own = ofKey(address.profile);
  if (own !== undefined) return own.consents;
  return ofKey(await findProfile(database.db, scope, 'Email', address.spelling))?.consents ?? {};
}

/** What the sandbox makes of values that do not decide by themselves. */
async function consentDefaults({ db }: Database, scope: Scope): Promise<ConsentDefaults> {
  const sandbox = db.selectFrom('sandbox').select(['strict', 'pending_allows as pendingAllows']);
  return sandbox.where('id', '=', scope.sandboxId).executeTakeFirstOrThrow();
}

function stopped(code: ExclusionCode, rule: RuleVerdict): Explanation {
  return { allowed: false, code, rules: [rule] };
}
