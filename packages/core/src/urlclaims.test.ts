import { describe, expect, test } from '@jest/globals';
import { packTexts } from './packing.ts';
import { packParams, packPid, type UrlClaims, unpackClaims } from './urlclaims.ts';

const CLAIMS: UrlClaims = {
  messageId: 'm',
  sandbox: 'dev',
  scope: 'identity',
  profileId: 'p',
  profileNamespace: 'Loyalty',
  address: 'ann@example.com',
  addressNamespace: 'Email',
};
/** What `params` of these claims holds, with more texts behind. */
const params = (...more: (string | undefined)[]): Buffer =>
  packTexts(['m', undefined, undefined, undefined, 'dev', '1', undefined, undefined, ...more]);
const read = (packed: Buffer): UrlClaims | null => unpackClaims(packed, packPid(CLAIMS));

describe('U7 a link says whether our mail stops as well', () => {
  test('behind everything else, and only where it is said', () => {
    expect(packParams(CLAIMS)).toEqual(params());
    expect(packParams({ ...CLAIMS, shadow: true })).toEqual(params('1'));
    expect(read(packParams(CLAIMS))).toEqual(CLAIMS);
    expect(read(packParams({ ...CLAIMS, shadow: true }))).toEqual({ ...CLAIMS, shadow: true });
  });

  test('in no other word, and nothing stands behind it', () => {
    for (const more of [['2'], ['true'], [''], ['1', '1'], ['1', undefined]]) {
      expect([more, read(params(...more))]).toEqual([more, null]);
    }
  });
});
