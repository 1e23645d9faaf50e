/**
 * Whom a report is about that came to an address without a token: the token in the message that it gives back (BC-11), or the
 * one that it names the envelope by (BC-1).
 *
 * The rule: only fields that we wrote are asked, in the header of the returned message and in the report about it, and only what
 * opens counts. Addresses that a report names may be redacted or invented; words of the message are anybody's.
 *
 * @module
 */
import {
  type KeyRing,
  linkedSubject,
  type MailAudience,
  type MailClaims,
  type OptOutSubject,
  openMailToken,
  openUrlToken,
  parseDomain,
  readMailLocalPart,
  readUrlToken,
  tokenFingerprint,
} from '@adieu/core';
import type { Report } from '@adieu/mail/report';
import type { Domains } from './domains.ts';

/** What a token says. */
export interface ReturnedToken {
  readonly organisation: string;
  readonly sandbox: string;
  readonly who: OptOutSubject;
  readonly day?: number;
  readonly messageId?: string;
  readonly fingerprint: string;
}

/** `several`: tokens of different people, so nobody is meant for certain. `unavailable`: nobody can tell now. */
export type TokenSearch =
  | { readonly kind: 'found'; readonly token: ReturnedToken }
  | { readonly kind: 'none' | 'several' | 'unavailable' };

/** What opens tokens. */
export interface TokenDeps {
  readonly ring: KeyRing;
  readonly domains: Domains;
  /** The same for the hosts of links. */
  readonly hosts: Domains;
}

type Opened = ReturnedToken | 'unavailable' | null;

const ADDRESS = /\b((?:unsubscribe|bounce)\+[a-z2-7]{45})@([a-z0-9.-]{1,255})/gi;
const LINK = /<(https:\/\/[^\s<>]{1,1000})>/gi;
/** Candidates that are opened; a message of ours has three. */
const LIMIT = 20;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/i;

/** Searches a report for tokens of ours. */
export async function findReturnedToken(report: Report, deps: TokenDeps): Promise<TokenSearch> {
  const texts = [
    ...valuesIn(report.feedback, ['original-mail-from']),
    ...valuesIn(report.original, ['return-path', 'list-unsubscribe']),
  ].map((text) => text.slice(0, 4_000));
  const mails = texts.flatMap((text) => [...text.matchAll(ADDRESS)]).slice(0, LIMIT);
  const links = texts.flatMap((text) => [...text.matchAll(LINK)]).slice(0, LIMIT);
  const opened: Opened[] = [];
  const nobody = () => opened.every((one) => one === null);
  for (const [, localPart = '', domain = ''] of mails)
    opened.push(await openAddress(localPart, domain, deps));
  // The numbers of a mail token are surer than names; links are asked where a provider took the addresses out.
  if (nobody()) for (const [, url = ''] of links) opened.push(await openLink(url, deps));
  const tokens = opened.filter((one): one is ReturnedToken => one !== null && one !== 'unavailable');
  const [first] = tokens;
  if (first === undefined) return { kind: opened.includes('unavailable') ? 'unavailable' : 'none' };
  if (tokens.some(({ who }) => nameOf(who) !== nameOf(first.who))) return { kind: 'several' };
  return { kind: 'found', token: first };
}

/** The id of the message that came back, as its header has it twice. */
export function returnedMessageId({ original }: Report): string | undefined {
  for (const name of ['x-message-profile-id', 'message-id']) {
    const field = original.find((one) => one.name.toLowerCase() === name);
    const id = UUID.exec(field?.value.slice(0, 500) ?? '')?.[0];
    if (id !== undefined) return id.toLowerCase();
  }
  return undefined;
}

async function openAddress(localPart: string, domain: string, { ring, domains }: TokenDeps): Promise<Opened> {
  const read = readMailLocalPart(localPart);
  const name = parseDomain(domain);
  if (read === null || name === null) return null;
  const standing = await domains.standing(name);
  if (standing.kind !== 'ours') return standing.kind === 'unavailable' ? 'unavailable' : null;
  const claims = openMailToken(ring, read.purpose, standing.audience, read.token);
  if (claims === null) return null;
  return returned(standing.audience, claims, read.token);
}

/**
 * The envelope id that a report gives back, where the report came to an address without a token: what stood before the
 * `@` of the return path (BC-1). Null when it is none of ours.
 */
export function openEnvelopeId(
  id: string,
  audience: MailAudience,
  { ring }: TokenDeps,
): ReturnedToken | null {
  const read = readMailLocalPart(id);
  const claims = read?.purpose === 'verp' ? openMailToken(ring, 'verp', audience, read.token) : null;
  return read === null || claims === null ? null : returned(audience, claims, read.token);
}

function returned(
  audience: MailAudience,
  { profile, address, day }: MailClaims,
  token: string,
): ReturnedToken {
  return { ...audience, who: { by: 'number', profile, address }, day, fingerprint: tokenFingerprint(token) };
}

async function openLink(url: string, { ring, hosts }: TokenDeps): Promise<Opened> {
  if (!URL.canParse(url)) return null;
  const { host, search } = new URL(url);
  const token = readUrlToken(search);
  if (token === null) return null;
  const standing = await hosts.standing(host);
  if (standing.kind !== 'ours') return standing.kind === 'unavailable' ? 'unavailable' : null;
  const claims = openUrlToken(ring, { purpose: 'one-click', ...standing.audience }, token);
  if (claims === null) return null;
  const who = linkedSubject(claims);
  return {
    ...standing.audience,
    who,
    messageId: claims.messageId,
    fingerprint: tokenFingerprint(token.params),
  };
}

function valuesIn(fields: Report['original'], names: readonly string[]): string[] {
  return names.flatMap((name) =>
    fields.filter((field) => field.name.toLowerCase() === name).map(({ value }) => value),
  );
}

function nameOf(who: OptOutSubject): string {
  return who.by === 'number' ? `${who.profile} ${who.address}` : JSON.stringify(who);
}
