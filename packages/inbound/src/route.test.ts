import { generateKeyRing, type MailClaims, parseKeyRing, rotateKeyRing, sealMailToken } from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type DomainStanding, type Route, readRecipient, route } from './route.ts';

const document = generateKeyRing();
const ring = parseKeyRing(document);
const audience = { organisation: 'default', sandbox: 'prod' };
const ours: DomainStanding = { kind: 'ours', audience };
const claims: MailClaims = { profile: 7, address: 9, list: 0, scope: 'channel', day: 20_000 };
const token = sealMailToken(ring, 'mailto', audience, claims);

function decide(path: string, domain: DomainStanding = ours, separators = ['+']): Route {
  const recipient = readRecipient(path);
  return recipient === null ? { kind: 'foreign' } : route(recipient, { domain, ring, separators });
}

describe('the route of a recipient', () => {
  test('MT-5 MT-6 a token that opens for the domain is an opt-out, and the address is all that is looked at', () => {
    expect(decide(`unsubscribe+${token}@news.example.com`)).toMatchObject({
      kind: 'opt-out',
      audience,
      claims,
    });
  });

  test('MT-2 the local part is read in any case', () => {
    const shouted = `UnSubscribe+${token.toUpperCase()}@NEWS.example.com`;
    expect(decide(shouted)).toMatchObject({ kind: 'opt-out', claims });
    const [lower, upper] = [decide(`unsubscribe+${token}@news.example.com`), decide(shouted)];
    expect(upper).toEqual(lower);
  });

  test('MT-12 the first separator counts, and a detail with another one is no token', () => {
    expect(decide(`unsubscribe+${token}+x@news.example.com`)).toEqual({ kind: 'unknown' });
    expect(decide(`unsubscribe+x+${token}@news.example.com`)).toEqual({ kind: 'unknown' });
    expect(decide(`unsubscribe++${token}@news.example.com`)).toEqual({ kind: 'unknown' });
  });

  test('MT-12 a hyphen separates only where it is configured', () => {
    const hyphenated = `unsubscribe-${token}@news.example.com`;
    expect(decide(hyphenated)).toEqual({ kind: 'unknown' });
    expect(decide(hyphenated, ours, ['+', '-'])).toMatchObject({ kind: 'opt-out' });
  });

  test('a quoted local part names the same mailbox', () => {
    expect(decide(`"unsubscribe+${token}"@news.example.com`)).toMatchObject({ kind: 'opt-out' });
    expect(decide(`"unsubscribe\\+${token}"@news.example.com`)).toMatchObject({ kind: 'opt-out' });
  });

  test('IN-6 a foreign domain, an address literal and a bare host are not ours', () => {
    expect(decide(`unsubscribe+${token}@elsewhere.example`, { kind: 'foreign' })).toEqual({
      kind: 'foreign',
    });
    expect(decide('someone@[127.0.0.1]')).toEqual({ kind: 'foreign' });
    expect(decide('someone@localhost')).toEqual({ kind: 'foreign' });
  });

  test('IN-6 at our own domain everything without a good token is unknown', () => {
    for (const path of [
      'unsubscribed@news.example.com',
      'unsubscribe+@news.example.com',
      'unsubscribe+nonsense@news.example.com',
      `someone+${token}@news.example.com`,
      `xunsubscribe+${token}@news.example.com`,
      'hello@news.example.com',
      'bounce@news.example.com',
      'abuse+x@news.example.com',
      'abuse',
    ]) {
      expect([path, decide(path).kind]).toEqual([path, 'unknown']);
    }
  });

  test('BC-1 a bounce address opens with a token of its own purpose, audience and domain only', () => {
    const verp = sealMailToken(ring, 'verp', audience, claims);
    expect(decide(`Bounce+${verp.toUpperCase()}@news.example.com`)).toMatchObject({
      kind: 'report',
      audience,
      claims,
    });
    expect(decide(`bounce-${verp}@news.example.com`, ours, ['+', '-'])).toMatchObject({ kind: 'report' });
    for (const other of [
      token,
      `${verp}a`,
      sealMailToken(ring, 'verp', { ...audience, sandbox: 'stage' }, claims),
    ])
      expect(decide(`bounce+${other}@news.example.com`)).toEqual({ kind: 'unknown' });
    expect(decide(`bounce+${verp}@elsewhere.example`, { kind: 'foreign' })).toEqual({ kind: 'foreign' });
  });

  test('IN-7 role addresses are taken in any case, and the postmaster also of no domain', () => {
    for (const role of ['postmaster', 'abuse', 'fbl', 'unsubscribe']) {
      expect(decide(`${role}@news.example.com`)).toEqual({ kind: 'role', role, audience });
      expect(decide(`${role.toUpperCase()}@news.example.com`)).toEqual({ kind: 'role', role, audience });
      expect(decide(`${role}@elsewhere.example`, { kind: 'foreign' })).toEqual({ kind: 'foreign' });
    }
    expect(decide('PostMaster')).toMatchObject({ kind: 'role', role: 'postmaster' });
    expect(decide('postmaster@news.example.com', { kind: 'unavailable' })).toEqual({ kind: 'later' });
  });

  test('a token of another organisation, sandbox or purpose is unknown', () => {
    for (const other of [
      sealMailToken(ring, 'mailto', { organisation: 'other', sandbox: 'prod' }, claims),
      sealMailToken(ring, 'mailto', { organisation: 'default', sandbox: 'stage' }, claims),
      sealMailToken(ring, 'verp', audience, claims),
      sealMailToken(parseKeyRing(generateKeyRing()), 'mailto', audience, claims),
    ]) {
      expect(decide(`unsubscribe+${other}@news.example.com`)).toEqual({ kind: 'unknown' });
    }
  });

  test('a token of a key that was rotated away from still opens', () => {
    const rotated = parseKeyRing(rotateKeyRing(document));
    const recipient = readRecipient(`unsubscribe+${token}@news.example.com`);
    expect(recipient).not.toBeNull();
    if (recipient === null) return;
    expect(route(recipient, { domain: ours, ring: rotated, separators: ['+'] })).toMatchObject({
      kind: 'opt-out',
    });
  });

  test('nothing is refused for good while nobody can vouch for the domain', () => {
    const unavailable: DomainStanding = { kind: 'unavailable' };
    expect(decide(`unsubscribe+${token}@news.example.com`, unavailable)).toEqual({ kind: 'later' });
    expect(decide('nonsense@news.example.com', unavailable)).toEqual({ kind: 'later' });
  });

  test('IN-16 the domain is compared as A-label however it is written', () => {
    expect(readRecipient('a@bücher.example')?.domain).toBe('xn--bcher-kva.example');
    expect(readRecipient('a@BÜCHER.example')?.domain).toBe('xn--bcher-kva.example');
    expect(readRecipient('a@xn--bcher-kva.example')?.domain).toBe('xn--bcher-kva.example');
  });

  test('no address whatever makes it throw, and none but the real token is an opt-out', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decide(`unsubscribe+${text}@news.example.com`).kind).not.toBe('opt-out');
        expect(decide(`bounce+${text}@news.example.com`).kind).not.toBe('report');
        expect(decide(text).kind).not.toBe('opt-out');
      }),
    );
  });

  test('a token with any one character changed is unknown', () => {
    fc.assert(
      fc.property(
        fc.nat(token.length - 1),
        fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz234567'),
        (at, other) => {
          fc.pre(token.charAt(at) !== other);
          const changed = token.slice(0, at) + other + token.slice(at + 1);
          expect(decide(`unsubscribe+${changed}@news.example.com`)).toEqual({ kind: 'unknown' });
        },
      ),
    );
  });
});
