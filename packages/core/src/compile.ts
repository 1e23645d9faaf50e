/**
 * What sibling packages need of each other, as function types that the program hands over: siblings never
 * import each other, so that each role can run alone.
 *
 * @module
 */
import type { OptOutScope } from './consent.ts';

/** A template as its author stored it (`PUT /v1/templates/{id}`). Exactly one of `mjml` and `html` is given. */
export interface TemplateSource {
  readonly id: string;
  readonly version: number;
  readonly subject: string;
  readonly preheader?: string;
  readonly mjml?: string;
  readonly html?: string;
  /** Text part; derived from the HTML when absent. */
  readonly text?: string;
  /** What a person sees who said no to personalization: by block id, or as `subject`, `preheader` or `text`. */
  readonly fallbacks?: Readonly<Record<string, string>>;
  /** An unknown path is an error instead of empty. */
  readonly strict?: boolean;
}

/** The part of a template that an error stands in. */
export type TemplatePart = 'mjml' | 'html' | 'subject' | 'preheader' | 'text' | `fallbacks.${string}`;

/** One error of a template; line and column count from 1. */
export interface TemplateError {
  readonly code: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
  readonly part: TemplatePart;
}

/** What compiling found. `levels` are those that links name themselves. */
export type CompileOutcome =
  | {
      readonly ok: true;
      readonly warnings: string[];
      readonly optOutLinks: number;
      readonly levels: readonly OptOutScope[];
    }
  | { readonly ok: false; readonly errors: TemplateError[] };

/** Compiles a template to learn whether it can be sent. */
export type CompileTemplate = (source: TemplateSource) => Promise<CompileOutcome>;

/** A job of the queue. It says where to look; the database says what to do. */
export type WakeUpJob =
  | { readonly kind: 'expand'; readonly executionId: number }
  | { readonly kind: 'batch'; readonly executionId: number; readonly batch: number; readonly fence: number };

/** Wakes a worker. Best effort: the sweep repairs what was lost. */
export type WakeUp = (job: WakeUpJob) => Promise<void>;

/** Looks up the TXT records of a name, each with its strings joined. Rejects when there is no answer. */
export type ResolveTxt = (name: string) => Promise<string[]>;

/** What became of one DKIM signature of a message. */
export interface SignatureReport {
  readonly valid: boolean;
  /** `rsa-sha256` or `ed25519-sha256`. */
  readonly algorithm: string;
  /** `d=`: the domain that signed. */
  readonly domain: string;
  readonly selector: string;
  /** `h=` in order and in lower case; a name that stands there more often than in the message is oversigned. */
  readonly signedHeaders: string[];
  /** Why it is not valid. */
  readonly reason?: string;
}

/** Verifies every DKIM signature of a complete message. */
export type VerifySignatures = (message: Buffer, resolve: ResolveTxt) => Promise<SignatureReport[]>;
