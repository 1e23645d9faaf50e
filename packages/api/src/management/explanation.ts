/**
 * May a message go to this person, and why (X9): the worker's own rules, asked ahead of time.
 *
 * The address comes first, as it does for an execution: without one that can be written to, no rule is asked.
 *
 * @module
 */
import {
  type AddressConsents,
  decide,
  type ExclusionCode,
  evaluate,
  type GateMessage,
  parseAddress,
  type RuleVerdict,
} from '@adieu/core';
import {
  addressStanding,
  type Database,
  ERASED,
  type Scope,
  type StoredProfile,
  sandboxRules,
} from '@adieu/store';

export interface Explanation {
  readonly allowed: boolean;
  readonly code?: ExclusionCode;
  readonly rules: RuleVerdict[];
}

export interface Question {
  readonly message: GateMessage;
  readonly profile: StoredProfile;
  /** As an execution would give it; null for the profile's own. */
  readonly address: string | null;
}

export async function explain({ db }: Database, scope: Scope, question: Question): Promise<Explanation> {
  const { profile, message } = question;
  const wanted = question.address ?? profile.address?.spelling ?? profile.identities.Email ?? null;
  if (wanted === null) return stopped('050020', { rule: 'address', value: 'none', verdict: 'stop' });
  const parsed = parseAddress(wanted);
  if (!parsed.ok) return stopped('050024', { rule: 'address', value: parsed.reason, verdict: 'stop' });
  const standing = {
    profile: profile.consents,
    attributes: profile.attributes,
    // What was said about an address binds every profile that uses it, this one included.
    ...(await addressStanding(db, scope, parsed.address)),
    defaults: await sandboxRules(db, scope),
  };
  const rules: RuleVerdict[] = [
    { rule: 'address', value: whose(question, standing.address), verdict: 'allow' },
    ...evaluate(message, standing),
    // No rule of the gate: what the person said about content made for them, which the composer asks.
    {
      rule: 'personalize.content',
      value: profile.consents.personalize?.content?.val ?? 'empty',
      verdict: 'skip',
    },
  ];
  const decision = decide(message, standing);
  return decision.kind === 'send' ? { allowed: true, rules } : { allowed: false, code: decision.code, rules };
}

function whose({ address }: Question, { email }: AddressConsents): string {
  const origin = address === null ? "the profile's own" : 'given';
  return email?.reason === ERASED ? `${origin}, erased ${email.time ?? ''}` : origin;
}

function stopped(code: ExclusionCode, rule: RuleVerdict): Explanation {
  return { allowed: false, code, rules: [rule] };
}
