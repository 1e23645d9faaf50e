/**
 * Adieu with one of its two guards taken out, to see that the checker can fail.
 *
 * One rule: nothing of this is in the product. Node loads `sabotage-hook.js` into the programs that the campaign starts; it
 * replaces one exact piece of the build, and the program does not start where that piece is missing.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';

/** What can be taken out. */
export const SABOTAGES = {
  /** The standing version is ignored when the intent is committed. */
  standing: {
    file: '/packages/store/dist/intent.js',
    text: 'AND p.standing_version = w.profile_version',
    replacement: '',
  },
  /** The answer to an opt-out does not wait for what is being sent. */
  answer: {
    file: '/packages/store/dist/opt-out-recorder.js',
    text: 'await watch.wait(recorded)',
    replacement: 'await Promise.resolve([])',
  },
} as const;

/** Its name. */
export type Sabotage = keyof typeof SABOTAGES;

/** The environment of a program that is sabotaged. */
export function sabotageEnvironment(sabotage: Sabotage | null): Readonly<Record<string, string>> {
  if (sabotage === null) return {};
  const hook = fileURLToPath(new URL('sabotage-hook.js', import.meta.url));
  return { NODE_OPTIONS: `--import ${hook}`, SABOTAGE: JSON.stringify(SABOTAGES[sabotage]) };
}
