/**
 * Which organisation a recipient's domain belongs to, remembered.
 *
 * The one rule: an outage of the database never makes a domain foreign. What was ours stays ours until the
 * database says otherwise; what was never asked is `unavailable` (451), so that the sender comes back.
 *
 * @module
 */
import type { MailAudience } from '@adieu/core';
import type { DomainStanding } from './route.ts';

/** Asks the database: the audience of the subdomain, `null` when there is no such subdomain; rejects when away. */
export type FindAudience = (domain: string) => Promise<MailAudience | null>;

export interface Domains {
  standing(domain: string): Promise<DomainStanding>;
}

export interface DomainsOptions {
  readonly find: FindAudience;
  /** Milliseconds after which a remembered domain is asked again. */
  readonly freshMs?: number;
  /** Milliseconds the database gets for an answer, and between two attempts while it is away. */
  readonly patienceMs?: number;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

interface Remembered {
  readonly audience: MailAudience;
  askAgainAt: number;
}

/**
 * Opens the memory of domains. Only domains of ours are remembered, so a stranger cannot fill it; a domain
 * which is not ours is asked again each time, so that a subdomain counts from the moment it is created.
 */
export function openDomains(options: DomainsOptions): Domains {
  const { find, freshMs = 60_000, patienceMs = 5_000, now = () => performance.now() } = options;
  const known = new Map<string, Remembered>();

  async function standing(domain: string): Promise<DomainStanding> {
    const remembered = known.get(domain);
    if (remembered !== undefined && now() < remembered.askAgainAt) return ours(remembered.audience);
    try {
      const audience = await within(patienceMs, find(domain));
      if (audience === null) {
        known.delete(domain);
        return { kind: 'foreign' };
      }
      known.set(domain, { audience, askAgainAt: now() + freshMs });
      return ours(audience);
    } catch {
      if (remembered === undefined) return { kind: 'unavailable' };
      remembered.askAgainAt = now() + patienceMs;
      return ours(remembered.audience);
    }
  }

  return { standing };
}

function ours(audience: MailAudience): DomainStanding {
  return { kind: 'ours', audience };
}

/** A database that accepts connections and answers nothing is as much away as one that refuses them. */
async function within<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), milliseconds);
  });
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => undefined);
  }
}
