/**
 * One public request as a choice: the host says which sandbox, the token who leaves what.
 *
 * Every way in which a link can be wrong ends in the same answer. Whatever keeps a choice from being stored is
 * temporary for the person who made it: 503, never a 200 that does not hold.
 *
 * @module
 */
import {
  type Act,
  type ActReceipt,
  isFailure,
  type KeyRing,
  linkedSubject,
  type OptOutScope,
  type OptOutSource,
  openUrlToken,
  type RecordAct,
  type RecordOptOut,
  readUrlToken,
  tokenFingerprint,
  type UrlClaims,
  type UrlPurpose,
  type UrlToken,
} from '@adieu/core';
import type { Database } from '@adieu/store';
import type { FastifyRequest } from 'fastify';
import { within } from '../deadline.ts';
import { Problem } from '../problem.ts';
import { type ReceivedBody, readForm, receiveBody } from './form-body.ts';
import type { LinkHost, LinkHosts } from './link-host.ts';

export interface ChoiceDeps {
  readonly hosts: LinkHosts;
  readonly ring: KeyRing;
  readonly database: Database;
  readonly recorder: RecordOptOut;
  readonly recordAct: RecordAct;
  /** Somebody listens at `unsubscribe@` the subdomains. */
  readonly takesMail: boolean;
  readonly now: () => Date;
}

/** A valid link: where it was opened and what it says. */
export interface Link {
  readonly host: LinkHost;
  readonly token: UrlToken;
  readonly claims: UrlClaims;
}

/** Milliseconds that storing may take before the caller is told to come back. */
const STORE_DEADLINE = 15_000;

/** Opens the link of a request, or throws the one 404 that every wrong link gets (OC-11). */
export async function openLink(
  deps: ChoiceDeps,
  request: FastifyRequest,
  purpose: UrlPurpose,
): Promise<Link> {
  const host = await deps.hosts.find(request.host);
  if (host === null) throw unknownLink();
  const token = readUrlToken(rawQuery(request.raw.url ?? ''));
  if (token === null) throw unknownLink();
  const audience = { purpose, organisation: host.organisation, sandbox: host.sandbox };
  const claims = openUrlToken(deps.ring, audience, token);
  if (claims === null) throw unknownLink();
  return { host, token, claims };
}

/** What recording did, and when it was said. */
export interface SaidReceipt extends ActReceipt {
  readonly at: Date;
}

/** What one press of a button says: who leaves what, by which door. */
export interface Press {
  readonly source: OptOutSource;
  /** Default: the link's own. Wider is possible, since a no may always be wider than the link that led to it. */
  readonly scope?: OptOutScope;
}

/** Stores the opt-out of a link. Resolves when it is committed, to when it was said. */
export async function recordChoice(deps: ChoiceDeps, link: Link, press: Press): Promise<Date> {
  const { list } = link.claims;
  const scope = press.scope ?? link.claims.scope;
  const said = evidence(deps, link);
  const stored = deps.recorder({
    ...said,
    scope,
    ...(list === undefined || scope !== 'subscription' ? {} : { list }),
    source: press.source,
  });
  await committed(stored);
  return said.at;
}

/** Stores whatever else a person says at a page. Resolves when it is committed. `undoes`: when what it takes back was said. */
export async function recordChanges(
  deps: ChoiceDeps,
  link: Link,
  act: Pick<Act, 'source' | 'changes' | 'undoes'>,
): Promise<SaidReceipt> {
  const said = evidence(deps, link);
  return { ...(await committed(deps.recordAct({ ...said, ...act }))), at: said.at };
}

function evidence({ now }: ChoiceDeps, { claims, host, token }: Link) {
  return {
    organisation: host.organisation,
    sandbox: host.sandbox,
    who: linkedSubject(claims),
    messageId: claims.messageId,
    fingerprint: tokenFingerprint(token.params),
    at: now(),
  } as const;
}

async function committed<Receipt extends { readonly known: boolean }>(
  stored: Promise<Receipt>,
): Promise<Receipt> {
  try {
    const receipt = await within(STORE_DEADLINE, stored, () => new Error('storing took too long'));
    // A valid token of ours whose person is not found: our fault, and nothing was stored.
    if (!receipt.known) throw new Error('nobody of that name is known');
    return receipt;
  } catch (error) {
    // Nobody joins a list that is gone, however often they try.
    if (isFailure(error) && error.code === 'unknown_list') throw error;
    throw notStored(error);
  }
}

/** Fields of a form by name; each with all of its values. */
export type FormFields = ReadonlyMap<string, readonly string[]>;

export interface FormLimits {
  readonly octets?: number;
  readonly fields?: number;
}

/** The form fields of a POST; what is not a small form in time is refused. Empty fields: an empty body. */
export async function receiveForm(request: FastifyRequest, limits: FormLimits = {}): Promise<FormFields> {
  const received: ReceivedBody = await receiveBody(request.raw, limits.octets);
  if (received.kind === 'too_large') throw bodyTooLarge();
  if (received.kind === 'late')
    throw new Problem(408, 'body_too_late', { detail: 'The body took too long.' });
  const form = readForm(received.bytes, request.formType, limits.fields);
  if (form.kind === 'too_many') throw bodyTooLarge();
  if (form.kind === 'other') throw unexpectedBody();
  const fields: FormFields = form.kind === 'empty' ? new Map() : form.fields;
  request.formFields = fields;
  return fields;
}

export function unexpectedBody(): Problem {
  return new Problem(400, 'unexpected_body', {
    detail: 'Expected List-Unsubscribe=One-Click or the form of this page.',
  });
}

function bodyTooLarge(): Problem {
  return new Problem(413, 'body_too_large', { detail: 'The body is larger than an unsubscribe needs.' });
}

function unknownLink(): Problem {
  return new Problem(404, 'unknown_link', { detail: 'This link is not one of ours.' });
}

export function notStored(cause: unknown): Problem {
  return new Problem(503, 'not_stored', {
    detail: 'The choice could not be stored just now. Please try again.',
    cause,
  });
}

/** What follows the first `?`, undecoded. */
function rawQuery(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at + 1);
}
