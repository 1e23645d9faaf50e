import { describe, expect, test } from '@jest/globals';
import { packTexts } from './packing.ts';
import { linkedSubject, packParams, packPid, type UrlClaims, unpackClaims } from './urlclaims.ts';

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

describe('a link says who is meant among those who share an id', () => {
  const pid = (...more: (string | undefined)[]): Buffer =>
    packTexts(['p', 'Loyalty', 'ann@example.com', 'Email', ...more]);
  const open = (packed: Buffer): UrlClaims | null => unpackClaims(params(), packed);

  test('by a number behind everything else, and only where it is said', () => {
    expect(packPid(CLAIMS)).toEqual(pid());
    expect(packPid({ ...CLAIMS, profileNumber: 42 })).toEqual(pid('42'));
    expect(open(pid())).toEqual(CLAIMS);
    expect(open(pid('42'))).toEqual({ ...CLAIMS, profileNumber: 42 });
    expect(linkedSubject({ ...CLAIMS, profileNumber: 42 })).toEqual({ ...linkedSubject(CLAIMS), number: 42 });
  });

  test('in no other spelling, and nothing stands behind it', () => {
    for (const more of [['0'], ['042'], ['-1'], ['1e3'], [''], [undefined], ['9'.repeat(16)], ['42', '1']])
      expect([more, open(pid(...more))]).toEqual([more, null]);
  });
});
