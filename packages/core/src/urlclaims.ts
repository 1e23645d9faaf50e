/**
 * What a link says, and how the two halves of its token hold it.
 *
 * `params` is about the message, `pid` about the person. The order of the texts is part of the format.
 *
 * @module
 */
import type { OptOutScope } from './consent.ts';
import { OPT_OUT_SCOPES } from './consent.ts';
import type { OptOutSubject } from './optout.ts';
import { packTexts, unpackTexts } from './packing.ts';

/** What a link says. */
export interface UrlClaims {
  /** UUID. */
  readonly messageId: string;
  readonly campaignId?: string;
  readonly journeyVersionId?: string;
  readonly journeyActionId?: string;
  readonly sandbox: string;
  readonly scope: OptOutScope;
  readonly list?: string;
  /** The author's page, bound here so that nobody else can choose where a recipient is sent. */
  readonly page?: string;
  /** Whoever opens it for a customer who keeps consents elsewhere stops our mail as well (U7). */
  readonly shadow?: true;
  readonly profileId: string;
  readonly profileNamespace: string;
  /** Of the profile's row: says who is meant where several share the id, as people do an Email. */
  readonly profileNumber?: number;
  readonly address: string;
  readonly addressNamespace: string;
}

const PARAMS_TEXTS = 8;
/** Stands behind the others, and only where it is said: links that are out go on opening. */
const SHADOW = '1';
const PID_TEXTS = 4;
/** Stands behind the others of `pid`, and only where it is said. */
const NUMBER = /^[1-9]\d{0,14}$/;

/** The plain text of `params`. */
export function packParams(claims: UrlClaims): Buffer {
  return packTexts([
    claims.messageId,
    claims.campaignId,
    claims.journeyVersionId,
    claims.journeyActionId,
    claims.sandbox,
    String(OPT_OUT_SCOPES.indexOf(claims.scope)),
    claims.list,
    claims.page,
    ...(claims.shadow === true ? [SHADOW] : []),
  ]);
}

/** The plain text of `pid`. */
export function packPid(claims: UrlClaims): Buffer {
  const { profileId, profileNamespace, address, addressNamespace, profileNumber: number } = claims;
  const named = [profileId, profileNamespace, address, addressNamespace];
  return packTexts(number === undefined ? named : [...named, String(number)]);
}

/** Reads both halves; null when they are not what {@link packParams} and {@link packPid} write. */
export function unpackClaims(paramsPlain: Buffer, pidPlain: Buffer): UrlClaims | null {
  const params = unpackTexts(paramsPlain, PARAMS_TEXTS) ?? unpackTexts(paramsPlain, PARAMS_TEXTS + 1);
  const pid = unpackTexts(pidPlain, PID_TEXTS) ?? unpackTexts(pidPlain, PID_TEXTS + 1);
  if (params === null || pid === null) return null;
  const [messageId, campaignId, journeyVersionId, journeyActionId, sandbox, scopeIndex, list, page, shadow] =
    params;
  const [profileId, profileNamespace, address, addressNamespace, number] = pid;
  const scope = OPT_OUT_SCOPES[Number(scopeIndex)];
  if (messageId === undefined || sandbox === undefined || scope === undefined) return null;
  if (profileId === undefined || profileNamespace === undefined) return null;
  if (shadow !== undefined && shadow !== SHADOW) return null;
  if (address === undefined || addressNamespace === undefined) return null;
  if (pid.length > PID_TEXTS && !NUMBER.test(number ?? '')) return null;
  return {
    messageId,
    ...(campaignId === undefined ? {} : { campaignId }),
    ...(journeyVersionId === undefined ? {} : { journeyVersionId }),
    ...(journeyActionId === undefined ? {} : { journeyActionId }),
    sandbox,
    scope,
    ...(list === undefined ? {} : { list }),
    ...(page === undefined ? {} : { page }),
    ...(shadow === undefined ? {} : { shadow: true }),
    profileId,
    profileNamespace,
    ...(number === undefined ? {} : { profileNumber: Number(number) }),
    address,
    addressNamespace,
  };
}

/** Whom a link names, as every door that takes it says. */
export function linkedSubject(
  claims: Pick<
    UrlClaims,
    'profileNamespace' | 'profileId' | 'profileNumber' | 'addressNamespace' | 'address'
  >,
): OptOutSubject {
  const { profileNamespace, profileId, profileNumber, addressNamespace, address } = claims;
  return {
    by: 'identity',
    namespace: profileNamespace,
    id: profileId,
    ...(profileNumber === undefined ? {} : { number: profileNumber }),
    addressNamespace,
    address,
  };
}
