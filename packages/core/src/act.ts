/**
 * What a person says about mail to them, at a page or through whoever speaks for them: yes and no, of any width.
 *
 * One rule: an act is recorded as a whole or not at all, and answered after its commit, like an opt-out. A yes never
 * lifts a complaint or an erasure, and an act says which door it came through (C9, C10).
 *
 * @module
 */
import type { ConsentValue, OptOutScope } from './consent.ts';
import { MARKETING_CHANNELS } from './consent.ts';
import type { OptOutSource, OptOutSubject } from './optout.ts';

/** What a choice can be about: one channel, all of them (`any`), or personalized content. */
export const CHOICE_SUBJECTS = [...MARKETING_CHANNELS, 'personalize'] as const;

/** See {@link CHOICE_SUBJECTS}. */
export type ChoiceSubject = (typeof CHOICE_SUBJECTS)[number];

/** One thing that is said. */
export interface Change {
  /** `identity` and `subscription` are about email alone. */
  readonly scope: OptOutScope;
  readonly channel: ChoiceSubject;
  /** The list that scope `subscription` means, by its name. `n` leaves it, `y` joins it. */
  readonly list?: string;
  readonly to: ConsentValue;
}

/** Everything a person says at once. */
export interface Act {
  readonly organisation: string;
  readonly sandbox: string;
  readonly who: OptOutSubject;
  readonly changes: readonly Change[];
  readonly source: OptOutSource;
  readonly messageId?: string;
  /** Short hash of the token that proved it, where one did. */
  readonly fingerprint?: string;
  /** Where an operator keeps the proof. */
  readonly reference?: string;
  /** When the person said it. A yes lifts only a no that is older. */
  readonly at: Date;
  /** Set where what was said at that time is taken back: a no that is newer stays. */
  readonly undoes?: Date;
}

/** Why a yes did not lift a no. */
export type Kept = 'complaint' | 'erasure' | 'newer';

/** What recording an act did. */
export interface ActReceipt {
  /** False when nobody of that identity is known. */
  readonly known: boolean;
  /** What is different now. */
  readonly changed: readonly Change[];
  readonly kept: readonly (Change & { readonly why: Kept })[];
}

/**
 * Records an act. Resolves after the commit and, where it narrowed something, after the sending rows of its scope have
 * settled (at most 2 s); rejects with a temporary {@link Failure} when it could not be stored.
 */
export type RecordAct = (act: Act) => Promise<ActReceipt>;
