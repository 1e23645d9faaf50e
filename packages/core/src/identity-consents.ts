/**
 * Choices of single identities (`idSpecific`), under keys by which they are found again.
 *
 * Namespaces compare case-insensitively and addresses by their key, so that no spelling escapes an opt-out (X5).
 * Where two spellings of one identity disagree, the no wins.
 *
 * @module
 */
import { EMAIL_NAMESPACE, identityKey, namespaceKey } from './address.ts';
import type { AddressConsents, ConsentField, IdentityConsents, IdSpecificConsents } from './consent.ts';
import { isNo } from './consent.ts';

type Identities = Record<string, IdentityConsents>;

/** The same choices with every identity once: `Email` in its canonical spelling, other namespaces as first spelt. */
export function foldIdentities(idSpecific: IdSpecificConsents): IdSpecificConsents {
  const spellings = new Map<string, string>();
  const folded: Record<string, Identities> = {};
  for (const [namespace, identities] of Object.entries(idSpecific)) {
    const key = namespaceKey(namespace);
    const spelling = spellings.get(key) ?? canonicalNamespace(namespace);
    spellings.set(key, spelling);
    const known = folded[spelling] ?? {};
    folded[spelling] = known;
    for (const [id, consents] of Object.entries(identities)) {
      const idKey = identityKey(namespace, id);
      const before = Object.hasOwn(known, idKey) ? known[idKey] : undefined;
      known[idKey] = before === undefined ? consents : strictest(before, consents);
    }
  }
  return folded;
}

/** What was said for one identity, in whatever spelling; an empty object when nothing was. */
export function addressConsents(
  idSpecific: IdSpecificConsents | undefined,
  namespace: string,
  id: string,
): AddressConsents {
  if (idSpecific === undefined) return {};
  const identities = foldIdentities(idSpecific);
  for (const [spelling, known] of Object.entries(identities)) {
    if (namespaceKey(spelling) !== namespaceKey(namespace)) continue;
    const key = identityKey(namespace, id);
    return (Object.hasOwn(known, key) ? known[key]?.marketing : undefined) ?? {};
  }
  return {};
}

function canonicalNamespace(namespace: string): string {
  return namespaceKey(namespace) === namespaceKey(EMAIL_NAMESPACE) ? EMAIL_NAMESPACE : namespace.trim();
}

function strictest(a: IdentityConsents, b: IdentityConsents): IdentityConsents {
  const { marketing: first, ...before } = a;
  const { marketing: second, ...after } = b;
  const marketing = strictestFields(first ?? {}, second ?? {});
  return { ...strictestFields(before, after), ...(Object.keys(marketing).length === 0 ? {} : { marketing }) };
}

/** The later of two words, unless the earlier was a no. */
function strictestFields<T extends { readonly [K in keyof T]?: ConsentField }>(a: T, b: T): T {
  const merged = { ...a };
  for (const name of Object.keys(b) as (keyof T)[]) if (!isNo(a[name]?.val)) merged[name] = b[name];
  return merged;
}
