/**
 * Which subdomain a public request is for: its `Host` is the host of a link base URL.
 *
 * What was found is kept for a few seconds, and for as long as the database is away, so that a one-click
 * that can still be queued or refused properly is never answered with a 404 it does not deserve. A host
 * nobody asked for before, while the database is away, is unknown, not absent: 503.
 *
 * @module
 */
import { type Database, findSubdomainByHost, type Scope } from '@adieu/store';
import { within } from '../deadline.ts';
import { databaseAway } from '../problem.ts';
import { type Brand, readBrand } from './brand.ts';

/** What a link host stands for. */
export interface LinkHost {
  /** The sending subdomain. */
  readonly domain: string;
  readonly organisation: string;
  readonly sandbox: string;
  readonly scope: Scope;
  readonly brand: Brand;
}

export interface LinkHosts {
  /** The subdomain of a `Host`, or null when there is none. Rejects with a 503 problem when nobody can tell. */
  find(host: string): Promise<LinkHost | null>;
  /** What was last found for a `Host`, without asking anybody. */
  last(host: string): LinkHost | null;
  /** Has every host asked for again, after a subdomain was stored by this process. */
  forget(): void;
}

export interface LinkHostOptions {
  /** Milliseconds on a monotonic clock. */
  readonly now?: () => number;
}

/**
 * Milliseconds: how long a subdomain that was found, and one that was not, is believed without asking again. A brand that
 * was changed in another process is seen after as long.
 */
const FOUND_TTL = 5_000;
const ABSENT_TTL = 1_000;
/** Milliseconds that a database may take before it counts as away. */
const PATIENCE = 3_000;
/** Hosts kept; anybody may send any `Host`, so those that were not found go first. */
const MAX_HOSTS = 10_000;

interface Entry {
  readonly host: LinkHost | null;
  readonly until: number;
}

export function openLinkHosts(database: Database, options: LinkHostOptions = {}): LinkHosts {
  const now = options.now ?? (() => performance.now());
  const known = new Map<string, Entry>();
  const asking = new Map<string, Promise<LinkHost | null>>();

  async function ask(name: string): Promise<LinkHost | null> {
    try {
      const found = await within(PATIENCE, findSubdomainByHost(database.db, name), databaseAway);
      const host =
        found === null
          ? null
          : {
              domain: found.subdomain.domain,
              organisation: found.scope.organisation,
              sandbox: found.scope.sandbox,
              scope: found.scope,
              brand: readBrand(found.brand),
            };
      keep(name, { host, until: now() + (host === null ? ABSENT_TTL : FOUND_TTL) });
      return host;
    } catch (error) {
      const last = known.get(name)?.host ?? null;
      if (last === null) throw databaseAway(error);
      // Believed a little longer, so that not every request waits for a database that does not answer.
      keep(name, { host: last, until: now() + ABSENT_TTL });
      return last;
    }
  }

  function keep(name: string, entry: Entry): void {
    if (known.size >= MAX_HOSTS && !known.has(name)) {
      if (entry.host === null) return;
      for (const [other, { host }] of known) if (host === null) known.delete(other);
      if (known.size >= MAX_HOSTS) known.clear();
    }
    known.set(name, entry);
  }

  return {
    async find(host) {
      const name = linkHostName(host);
      if (name === null) return null;
      const entry = known.get(name);
      if (entry !== undefined && entry.until > now()) return entry.host;
      const pending = asking.get(name) ?? ask(name).finally(() => asking.delete(name));
      asking.set(name, pending);
      return pending;
    },
    last(host) {
      return known.get(linkHostName(host) ?? '')?.host ?? null;
    },
    forget() {
      for (const [name, entry] of known) known.set(name, { ...entry, until: 0 });
    },
  };
}

/** A `Host` as a link base URL would spell it, or null when it cannot be one. */
export function linkHostName(host: string): string | null {
  const name = host
    .trim()
    .toLowerCase()
    .replace(/\.(?=:|$)/, '')
    .replace(/:(?:80|443)$/, '');
  return name === '' || name.length > 255 || !/^[a-z0-9.:[\]_-]+$/.test(name) ? null : name;
}
