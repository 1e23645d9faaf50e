/**
 * What came back about a message: a bounce, a complaint, or the wish to leave that a provider passes on (I2, I3).
 *
 * One rule: whom a report is about is said by the token it came with, never by the addresses it names (BC-1). Those only
 * choose among several blocks of one report (BC-6), and the cautious verdict wins.
 *
 * @module
 */
import { identityKey } from './address.ts';
import type { OptOutSubject } from './optout.ts';

/** What a report says of one recipient. */
export interface ReportedFate {
  readonly address?: string;
  /** Enhanced status code (RFC 3463). */
  readonly status?: string;
  readonly kind: 'hard' | 'soft' | 'sender' | 'complaint' | 'auto-reply' | 'delivered' | 'none';
  /** One line. */
  readonly reason: string;
  /** Only `failed` is a bounce (BC-2). */
  readonly action?: 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';
}

/** What is reported. */
export type Reported =
  | { readonly kind: 'bounce'; readonly fates: readonly ReportedFate[] }
  | { readonly kind: 'complaint' }
  /** Somebody only wants to leave: an opt-out, and nothing against the mail. */
  | { readonly kind: 'opt-out' };

/** A report, with the claims of its token. */
export interface Report {
  readonly organisation: string;
  readonly sandbox: string;
  /** As the token says. */
  readonly who: OptOutSubject;
  /** Of the token, where it says so: days since 1970-01-01. */
  readonly day?: number;
  /** As the report names it; believed only where it is of a message to that person at that address. */
  readonly messageId?: string;
  readonly reported: Reported;
  /** 32 bytes, the same whenever the same report comes again. */
  readonly digest: Buffer;
  readonly fingerprint: string;
  readonly at: Date;
}

/**
 * What recording a report did. `repeated`: it had come before. `nobody`: who it is about was erased or never known here.
 * `noted`: it says nothing to act upon, or counts only.
 */
export interface ReportReceipt {
  readonly outcome: 'recorded' | 'repeated' | 'nobody' | 'noted';
  /** The address is suppressed because of it. */
  readonly suppressed: boolean;
}

/**
 * Records a report in one transaction; a complaint is answered like any opt-out, after what is on the wire has settled. Rejects
 * with a temporary {@link Failure} when it could not be stored.
 */
export type RecordReport = (report: Report) => Promise<ReportReceipt>;

/** A bounce: what it means, and how it is written down. */
export interface BounceVerdict {
  readonly kind: 'hard' | 'soft' | 'sender';
  readonly status: string;
  readonly reason: string;
}

const CAUTION = ['soft', 'sender', 'hard'] as const;

/**
 * Judges the blocks of a delivery report for the one address that a message went to; null when nothing failed. Blocks that name
 * the address count alone, otherwise all do: a forwarder names where it forwards to.
 */
export function judgeBounce(fates: readonly ReportedFate[], address: string): BounceVerdict | null {
  const key = identityKey('Email', address);
  const named = fates.filter(
    (fate) => fate.address !== undefined && identityKey('Email', fate.address) === key,
  );
  const failed = (named.length > 0 ? named : fates).filter(({ action = 'failed' }) => action === 'failed');
  for (const kind of CAUTION) {
    const fate = failed.find((one) => one.kind === kind);
    if (fate !== undefined) return { kind, status: fate.status ?? DEFAULT_STATUS[kind], reason: fate.reason };
  }
  return null;
}

/** Where a report gives no code. */
const DEFAULT_STATUS = { hard: '5.1.1', soft: '5.0.0', sender: '5.7.0' } as const;
