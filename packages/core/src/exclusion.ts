/**
 * Exclusion codes: why a message was not sent to somebody, in the numbers that Journey Optimizer uses.
 *
 * The code travels through ledger, events and API unchanged; the sentence beside it is for people.
 *
 * @module
 */

/** Every exclusion code with its meaning. */
export const EXCLUSIONS = {
  '050002': 'Held back by control rules: quiet hours, frequency cap or holdout.',
  '050020': 'The profile has no address to send to.',
  '050024': 'The address is malformed.',
  '050025': 'The profile has no subscriber id.',
  '050081': 'An unsubscribe link of the message is not valid.',
  '050101': 'No consent to marketing mail.',
  '050102': 'The address is suppressed.',
  '050103': 'The address is not on the allowed list.',
  '050104': 'No consent to text messages.',
  '050105': 'The domain is suppressed.',
  '050106': 'The domain is not on the allowed list.',
  '050111': 'No consent to push notifications.',
  '050302': 'The message could not be rendered.',
} as const satisfies Readonly<Record<string, string>>;

/** Why a message was not sent. */
export type ExclusionCode = keyof typeof EXCLUSIONS;

/** Tells an exclusion code from any other text. */
export function isExclusionCode(code: string): code is ExclusionCode {
  return Object.hasOwn(EXCLUSIONS, code);
}
