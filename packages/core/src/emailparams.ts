/**
 * `emailParams`: the token in the subject of a customer's own mailto, from which their mailbox learns who leaves what (U7).
 *
 * `v1.` and one sealed text over `{p,pn,e,en,ci,jv,ja,si,us}`: profile and its namespace, address and its namespace, campaign,
 * journey version and action, sandbox, scope; behind them the list, and whether our mail stops too, where they are said.
 * It names no message: who answers a mail months later needs none.
 *
 * @module
 */
import { OPT_OUT_SCOPES } from './consent.ts';
import { Failure } from './failure.ts';
import type { KeyRing } from './keyring.ts';
import { bindTexts, packTexts, unpackTexts } from './packing.ts';
import {
  batchKey,
  decodeText,
  NO_KEY,
  openTextSealer,
  readHead,
  TOKEN_LIMIT,
  unsealText,
} from './sealedtext.ts';
import type { UrlClaims } from './urlclaims.ts';

/** What the token says. */
export type EmailParamsClaims = Omit<UrlClaims, 'messageId' | 'page'>;

/** Seals tokens of one organisation. Make one per batch. */
export interface EmailParamsSealer {
  /** Throws `token_too_long` when the token would pass 512 characters. */
  readonly seal: (claims: EmailParamsClaims) => string;
}

/** Every token begins with it. */
export const EMAIL_PARAMS_PREFIX = 'v1.';

const PURPOSE = 'token/email-params';
const TEXTS = 11;
const SHADOW = '1';

/** Opens a sealer with a salt of its own. */
export function openEmailParamsSealer(ring: KeyRing, organisation: string): EmailParamsSealer {
  const purposeKey = ring.subkey(ring.primary, PURPOSE);
  if (purposeKey === null) throw new Failure('keyring_invalid', 'The key ring lacks its primary key.');
  const { head, seal } = openTextSealer(purposeKey, ring.primary);
  const aad = additionalData(head, organisation);
  return {
    seal: (claims) => {
      const token = `${EMAIL_PARAMS_PREFIX}${seal(aad, pack(claims))}`;
      if (token.length <= TOKEN_LIMIT) return token;
      throw new Failure('token_too_long', `A mailto token would pass ${TOKEN_LIMIT} characters.`);
    },
  };
}

/**
 * Opens a token; null when anything about it is wrong, whatever it is. A sandbox that is given must be the token's.
 */
export function openEmailParams(
  ring: KeyRing,
  audience: { readonly organisation: string; readonly sandbox?: string },
  token: string,
): EmailParamsClaims | null {
  const isText = typeof token === 'string' && token.length <= TOKEN_LIMIT;
  const isPrefixed = isText && token.startsWith(EMAIL_PARAMS_PREFIX);
  const sealed = decodeText(isPrefixed ? token.slice(EMAIL_PARAMS_PREFIX.length) : '');
  const { head, id, isKnownVersion } = readHead(sealed);
  const purposeKey = ring.subkey(id, PURPOSE);
  const plain = unsealText(
    batchKey(purposeKey ?? NO_KEY, head),
    sealed,
    additionalData(head, audience.organisation),
  );
  if (plain === null || purposeKey === null || !isKnownVersion) return null;
  const claims = unpack(plain);
  return audience.sandbox === undefined || audience.sandbox === claims?.sandbox ? claims : null;
}

/** Version and key id are in clear and bound; the salt is bound by its key. */
function additionalData(head: Buffer, organisation: string): Buffer {
  return Buffer.concat([head.subarray(0, 2), bindTexts(['email-params', organisation])]);
}

function pack(claims: EmailParamsClaims): Buffer {
  return packTexts([
    claims.profileId,
    claims.profileNamespace,
    claims.address,
    claims.addressNamespace,
    claims.campaignId,
    claims.journeyVersionId,
    claims.journeyActionId,
    claims.sandbox,
    String(OPT_OUT_SCOPES.indexOf(claims.scope)),
    claims.list,
    claims.shadow === true ? SHADOW : undefined,
  ]);
}

function unpack(plain: Buffer): EmailParamsClaims | null {
  const texts = unpackTexts(plain, TEXTS);
  if (texts === null) return null;
  const [profileId, profileNamespace, address, addressNamespace, ...said] = texts;
  const [campaignId, journeyVersionId, journeyActionId, sandbox, scopeIndex, list, shadow] = said;
  const scope = OPT_OUT_SCOPES[Number(scopeIndex)];
  if (profileId === undefined || profileNamespace === undefined) return null;
  if (address === undefined || addressNamespace === undefined) return null;
  if (sandbox === undefined || scope === undefined) return null;
  if (shadow !== undefined && shadow !== SHADOW) return null;
  return {
    profileId,
    profileNamespace,
    address,
    addressNamespace,
    ...(campaignId === undefined ? {} : { campaignId }),
    ...(journeyVersionId === undefined ? {} : { journeyVersionId }),
    ...(journeyActionId === undefined ? {} : { journeyActionId }),
    sandbox,
    scope,
    ...(list === undefined ? {} : { list }),
    ...(shadow === undefined ? {} : { shadow: true }),
  };
}
