/**
 * An opt-out, whatever door it came through: header POST, mailto, body link, landing page, complaint.
 *
 * One rule: every door hands the same record to the same function, and answers its peer only after that
 * function resolved. There is no second way to record a choice.
 *
 * @module
 */
import type { OptOutScope } from './consent.ts';

/** The door through which a choice came; kept with the evidence. */
export type OptOutSource =
  | 'header_post'
  | 'header_mailto'
  | 'body_one_click'
  | 'landing_page'
  | 'preference_centre'
  | 'consent_api'
  | 'sms_keyword'
  | 'complaint'
  | 'import'
  | 'admin';

/** Whose choice it is: as a URL token names the person, or as a mail token does. */
export type OptOutSubject =
  | {
      readonly by: 'identity';
      readonly namespace: string;
      readonly id: string;
      /** The number of who was meant, where the link says it; it parts those who share the id. */
      readonly number?: number;
      readonly addressNamespace: string;
      readonly address: string;
    }
  | { readonly by: 'number'; readonly profile: number; readonly address: number };

/** One opt-out, ready to be recorded. */
export interface OptOut {
  readonly organisation: string;
  readonly sandbox: string;
  readonly who: OptOutSubject;
  readonly scope: OptOutScope;
  /** The list that scope `subscription` means: its name, or its number when a mail token said it. */
  readonly list?: string | number;
  readonly source: OptOutSource;
  readonly messageId?: string;
  /** Short hash of the token that proved it; evidence without the token. */
  readonly fingerprint: string;
  readonly at: Date;
}

/** What recording an opt-out did. */
export interface OptOutReceipt {
  /** False when the person had said so before. */
  readonly changed: boolean;
  /** False when nobody of that identity is known. */
  readonly known: boolean;
}

/**
 * Records an opt-out. Resolves after the commit and after the sending rows of its scope have settled (at most
 * 2 s); rejects with a temporary {@link Failure} when it could not be stored.
 */
export type RecordOptOut = (optOut: OptOut) => Promise<OptOutReceipt>;
