/**
 * One public request as a choice: the host says which sandbox, the token who leaves what.
 *
 * Every way in which a link can be wrong ends in the same answer. Whatever keeps a choice from being stored is
 * temporary for the person who made it: 503, never a 200 that does not hold.
 *
 * @module
 */
import {
  type KeyRing,
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
import type { FastifyRequest } from 'fastify';
import { within } from '../deadline.ts';
import { Problem } from '../problem.ts';
import { type ReceivedBody, readForm, receiveBody } from './form-body.ts';
import type { LinkHost, LinkHosts } from './link-host.ts';

export interface ChoiceDeps {
  readonly hosts: LinkHosts;
  readonly ring: KeyRing;
  readonly recorder: RecordOptOut;
  readonly recordAct: RecordAct;
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

/** Stores the choice of a link. Resolves when it is committed. */
export async function recordChoice(deps: ChoiceDeps, link: Link, source: OptOutSource): Promise<void> {
  const { claims, host, token } = link;
  const stored = deps.recorder({
    organisation: host.organisation,
    sandbox: host.sandbox,
    who: {
      by: 'identity',
      namespace: claims.profileNamespace,
      id: claims.profileId,
      addressNamespace: claims.addressNamespace,
      address: claims.address,
    },
    scope: claims.scope,
    ...(claims.list === undefined ? {} : { list: claims.list }),
    source,
    messageId: claims.messageId,
    fingerprint: tokenFingerprint(token.params),
    at: deps.now(),
  });
  try {
    const { known } = await within(STORE_DEADLINE, stored, () => new Error('storing took too long'));
    // A valid token of ours whose person is not found: our fault, and nothing was stored.
    if (!known) throw new Error('nobody of that name is known');
  } catch (error) {
    throw notStored(error);
  }
}

/** The form fields of a POST; what is not a small form in time is refused. Empty fields: an empty body. */
export async function receiveForm(
  request: FastifyRequest,
  contentType: string | undefined,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const received: ReceivedBody = await receiveBody(request.raw);
  if (received.kind === 'too_large') throw bodyTooLarge();
  if (received.kind === 'late')
    throw new Problem(408, 'body_too_late', { detail: 'The body took too long.' });
  const form = readForm(received.bytes, contentType);
  if (form.kind === 'too_many') throw bodyTooLarge();
  if (form.kind === 'other') throw unexpectedBody();
  return form.kind === 'empty' ? new Map() : form.fields;
}

export function unexpectedBody(): Problem {
  return new Problem(400, 'unexpected_body', { detail: 'Expected List-Unsubscribe=One-Click.' });
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
