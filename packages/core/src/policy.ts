/**
 * Policies: where one of a policy's marketing actions applies to a message, its condition has to hold (X6).
 *
 * One rule: a policy only narrows. It is asked after everything a person has said, and lifts nothing.
 *
 * @module
 */
import {
  type Condition,
  compileCondition,
  describeSubject,
  type Question,
  type Subject,
} from './condition.ts';
import { findContradiction } from './condition-contradiction.ts';

/** A policy as it is stored (`PUT /v1/policies/{id}`). */
export interface Policy {
  readonly id: string;
  readonly title?: string;
  /** Switched off, it is asked by nobody. */
  readonly enabled: boolean;
  /** The actions of a channel configuration that it binds. */
  readonly marketingActions: readonly string[];
  readonly condition: Condition;
}

/** What a policy saw and said; `skip`: it does not bind this message. */
export interface PolicyVerdict {
  readonly value: string;
  readonly verdict: 'stop' | 'allow' | 'skip';
}

/** Policies of one sandbox at most: every message asks those that bind it. */
export const POLICY_LIMIT = 50;

/** What a policy says about a message with these marketing actions. */
export function askPolicy(
  policy: Policy,
  marketingActions: readonly string[],
  subject: Subject,
): PolicyVerdict['verdict'] {
  if (!policy.enabled || !sharesAction(policy.marketingActions, marketingActions)) return 'skip';
  return questionOf(policy)(subject) === true ? 'allow' : 'stop';
}

/** The same, with what it saw, for `explain`. */
export function explainPolicy(
  policy: Policy,
  marketingActions: readonly string[],
  subject: Subject,
): PolicyVerdict {
  const verdict = askPolicy(policy, marketingActions, subject);
  if (verdict !== 'skip') return { value: describeSubject(policy.condition, subject), verdict };
  return { value: policy.enabled ? 'other marketing actions' : 'disabled', verdict };
}

/** The enabled policies of the same actions that can never hold together with this one. */
export function contradictingPolicies(policy: Policy, others: readonly Policy[]): Policy[] {
  if (!policy.enabled) return [];
  const { id, condition, marketingActions } = policy;
  return others.filter(
    (other) =>
      other.id !== id &&
      other.enabled &&
      sharesAction(other.marketingActions, marketingActions) &&
      findContradiction([
        { condition, place: '' },
        { condition: other.condition, place: '' },
      ]) !== null,
  );
}

/** Policies come with a claim and go with it; what was made of them does, too. */
const questions = new WeakMap<Policy, Question>();

function questionOf(policy: Policy): Question {
  const known = questions.get(policy);
  if (known !== undefined) return known;
  const question = compileCondition(policy.condition);
  questions.set(policy, question);
  return question;
}

function sharesAction(some: readonly string[], others: readonly string[]): boolean {
  return some.some((action) => others.includes(action));
}
