/**
 * DNS as `adieu doctor` asks it: what a name has of a type, that it has nothing, or that nobody answers.
 *
 * @module
 */
import { Resolver } from 'node:dns/promises';

/** Types of records that are asked for. */
export type RecordType = 'MX' | 'TXT' | 'CNAME' | 'A' | 'AAAA';

/** Nobody answers. */
export interface Silence {
  readonly kind: 'silent';
  readonly code: string;
}

/** Values: of MX the names by preference, of TXT each record's strings joined. */
export type Looked =
  | { readonly kind: 'found'; readonly values: readonly string[] }
  | { readonly kind: 'none' }
  | Silence;

/** Asks for records of a name. Never rejects. */
export type NameServer = (name: string, type: RecordType) => Promise<Looked>;

/** The name servers of this machine, each asked once. */
export function systemNameServer(): NameServer {
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  const ask: Readonly<Record<RecordType, (name: string) => Promise<readonly string[]>>> = {
    MX: async (name) => {
      const found = await resolver.resolveMx(name);
      return found.sort((a, b) => a.priority - b.priority).map(({ exchange }) => exchange);
    },
    TXT: async (name) => (await resolver.resolveTxt(name)).map((strings) => strings.join('')),
    CNAME: (name) => resolver.resolveCname(name),
    A: (name) => resolver.resolve4(name),
    AAAA: (name) => resolver.resolve6(name),
  };
  return async (name, type) => {
    try {
      const values = await ask[type](name);
      return values.length === 0 ? { kind: 'none' } : { kind: 'found', values };
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      return code === 'ENODATA' || code === 'ENOTFOUND' ? { kind: 'none' } : { kind: 'silent', code };
    }
  };
}
