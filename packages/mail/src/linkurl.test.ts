import type { BodyLink } from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import { openLinkUrls } from './linkurl.ts';
import { claims } from './testing/reading.ts';
import { RING } from './testing/sample.ts';

const MESSAGE = {
  messageId: '0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b',
  sandbox: 'prod',
  profileId: '1',
  profileNamespace: 'CRMID',
  address: 'john@example.com',
  addressNamespace: 'Email',
};
const ONE_CLICK: BodyLink = { type: 'one-click', level: 'channel' };

function open(list?: string) {
  const options = { linkBaseUrl: 'https://news.example.com', organisation: 'default', ring: RING };
  return openLinkUrls(list === undefined ? options : { ...options, list });
}

/** The 8 bytes of salt that stand in clear behind version and key id. */
function salt(url: string): string {
  return Buffer.from(/params=([\w-]+)/.exec(url)?.[1] ?? '', 'base64url').toString('hex', 2, 10);
}

describe('The URLs of a message', () => {
  test('U5: a message asks once per link and gets the identical URL again, another message another one', () => {
    const urls = open();
    const [first, second] = [urls.forMessage(MESSAGE), urls.forMessage(MESSAGE)];
    expect(first(ONE_CLICK)).toBe(first({ ...ONE_CLICK }));
    expect(first(ONE_CLICK)).not.toBe(second(ONE_CLICK));
    expect(first(ONE_CLICK)).not.toBe(first({ ...ONE_CLICK, level: 'identity' }));
  });

  test('200 messages share a salt, the next ones have a new one', () => {
    const urls = open();
    const salts = Array.from({ length: 401 }, () => salt(urls.forMessage(MESSAGE)(ONE_CLICK)));
    expect(new Set(salts.slice(0, 200)).size).toBe(1);
    expect(new Set(salts.slice(200, 400)).size).toBe(1);
    expect(new Set(salts).size).toBe(3);
  });

  test('the query goes to a third party’s page before its fragment', () => {
    const url = open().forMessage(MESSAGE);
    const at = (page: string): string =>
      url({ type: 'unsubscribe', level: 'channel', page }).replace(/params=.*sig=[\w-]+/, '…');
    expect(at('https://x.example/')).toBe('https://x.example/?…');
    expect(at('https://x.example/?a=1')).toBe('https://x.example/?a=1&…');
    expect(at('https://x.example/?')).toBe('https://x.example/?…');
    expect(at('https://x.example/?a=1&#top')).toBe('https://x.example/?a=1&…#top');
  });

  test('the list is told to pages that offer choices, and to a one-click that leaves it', () => {
    const url = open('weekly').forMessage(MESSAGE);
    expect(claims(url({ type: 'unsubscribe', level: 'channel' }), 'landing').list).toBe('weekly');
    expect(claims(url({ type: 'one-click', level: 'subscription' }), 'one-click').list).toBe('weekly');
    expect(claims(url(ONE_CLICK), 'one-click').list).toBeUndefined();
  });

  test('U5: a URL of ordinary ids stays under 500 octets', () => {
    const url = open().forMessage({
      ...MESSAGE,
      campaignId: 'spring-2026',
      journeyVersionId: '1e0f0d4c-7f4b-4c80-9b2e-1f3a5b7c9d0e',
      journeyActionId: '2e0f0d4c-7f4b-4c80-9b2e-1f3a5b7c9d0e',
      profileId: '5142733041546020095851529937068211571',
      address: 'john.smith.the.second@mail.example.com',
    });
    expect(url(ONE_CLICK).length).toBeLessThan(500);
  });
});
