/**
 * What goes into a composer and what comes out of it.
 *
 * @module
 */
import type { ChannelConfiguration, Consents, DkimKey, KeyRing } from '@adieu/core';
import type { MakeSignature } from './signature.ts';
import type { CompiledTemplate } from './template.ts';

/** What every message of a composer shares. */
export interface ComposerOptions {
  readonly template: CompiledTemplate;
  readonly configuration: ChannelConfiguration;
  readonly subdomain: {
    readonly domain: string;
    /** `https://…`. */
    readonly linkBaseUrl: string;
    readonly relay: 'plain' | 'ses';
    readonly keys: readonly DkimKey[];
  };
  readonly organisation: string;
  readonly sandbox: string;
  readonly ring: KeyRing;
  readonly campaignId?: string;
  readonly journeyVersionId?: string;
  readonly journeyActionId?: string;
  readonly list?: { readonly name: string; readonly number: number; readonly title?: string };
  /** Somebody listens at the mailto addresses; without it the header holds no mailto. */
  readonly inbound: boolean;
  /** Makes the signatures; in the thread that composes unless told otherwise. */
  readonly makeSignature?: MakeSignature | undefined;
}

/** One recipient. */
export interface ComposeInput {
  /** UUID; names the message everywhere and survives retries. */
  readonly messageId: string;
  readonly date: Date;
  readonly profile: {
    readonly namespace: string;
    readonly id: string;
    readonly number: number;
  };
  /**
   * What the template may say about the person. Null for who said no to personalization: then the fallbacks stand
   * for the personalised blocks, and the profile is empty (O3).
   */
  readonly personal: { readonly attributes: object; readonly consents: Consents } | null;
  readonly address: { readonly spelling: string; readonly number: number; readonly namespace: 'Email' };
  readonly context: object;
}

/** A message ready for the wire, or the exclusion it ends with. */
export type Composed =
  | {
      readonly ok: true;
      readonly envelope: { readonly from: string; readonly to: string };
      /**
       * In a row: a complete RFC 5322 message, CRLF, not dot-stuffed, without a final dot. Other messages share some
       * of the chunks: none may be changed.
       */
      readonly content: readonly Buffer[];
      /** Octets of the content. */
      readonly size: number;
      /** The recipient's local part is not ASCII: only for a server with SMTPUTF8 (OH-19). */
      readonly smtputf8: boolean;
      readonly warnings: string[];
    }
  | { readonly ok: false; readonly code: '050302' | '050081'; readonly detail: string };
