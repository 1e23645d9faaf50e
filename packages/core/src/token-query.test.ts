import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { generateKeyRing, parseKeyRing } from './keyring.ts';
import { readTokenHalves, readUrlToken } from './token-query.ts';
import { openUrlSealer } from './urltoken.ts';

const token = openUrlSealer(parseKeyRing(generateKeyRing()), 'one-click', 'default').seal({
  messageId: '019a8d00-1234-7abc-8def-0123456789ab',
  sandbox: 'prod',
  scope: 'channel',
  profileId: '5142',
  profileNamespace: 'CRMID',
  address: 'john@example.com',
  addressNamespace: 'Email',
});
const query = `params=${token.params}&pid=${token.pid}&sig=${token.sig}`;

test('reads the three values in any order, with and without the question mark', () => {
  expect(readUrlToken(query)).toEqual(token);
  expect(readUrlToken(`?${query}`)).toEqual(token);
  expect(readUrlToken(`sig=${token.sig}&params=${token.params}&pid=${token.pid}`)).toEqual(token);
});

test('where sig may be missing, one that is there still has to be one', () => {
  const { params, pid, sig } = token;
  const halves = `params=${params}&pid=${pid}`;
  expect(readTokenHalves(halves)).toEqual({ params, pid });
  expect(readUrlToken(halves)).toBeNull();
  expect(readTokenHalves(query)).toEqual(token);
  for (const wrong of ['&sig=', '&sig', '&sig=!', `&sig=${sig}&sig=${sig}`, `&sig=${'a'.repeat(513)}`]) {
    expect(readTokenHalves(`${halves}${wrong}`)).toBeNull();
  }
});

test('TK-8 forgives what copying leaves behind the URL', () => {
  for (const damage of [
    '.',
    ',',
    '>',
    ')',
    '%3E',
    '%3e',
    '%2C',
    '%29',
    '...',
    '>.',
    ').,',
    '%3E.',
    ')%3E,',
  ]) {
    expect([damage, readUrlToken(query + damage)]).toEqual([damage, token]);
  }
});

test('TK-8 forgives &amp; for & and unreserved characters that were percent-encoded', () => {
  expect(readUrlToken(query.replaceAll('&', '&amp;'))).toEqual(token);
  const encoded = (text: string) =>
    Array.from(text, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');
  expect(readUrlToken(`params=${encoded(token.params)}&pid=${encoded(token.pid)}&sig=${token.sig}`)).toEqual(
    token,
  );
  expect(readUrlToken(query.replaceAll('-', '%2D').replaceAll('_', '%5f'))).toEqual(token);
});

test('TK-8 never decodes twice', () => {
  const twice = Array.from(token.sig, (character) => `%25${character.charCodeAt(0).toString(16)}`).join('');
  expect(readUrlToken(`params=${token.params}&pid=${token.pid}&sig=${twice}`)).toBeNull();
});

test('OC-14 takes no notice of parameters that others added', () => {
  expect(readUrlToken(`utm_source=x&${query}&utm_medium=y&fbclid&=&data=05%7C01`)).toEqual(token);
  expect(readUrlToken(`PARAMS=x&${query}`)).toEqual(token);
});

test('OC-14 refuses a value that is there twice, be it the same or spelt otherwise', () => {
  for (const name of ['params', 'pid', 'sig'] as const) {
    expect(readUrlToken(`${query}&${name}=${token[name]}`)).toBeNull();
    expect(readUrlToken(`${query}&${name}=`)).toBeNull();
    expect(readUrlToken(`${query}&${name}`)).toBeNull();
    expect(readUrlToken(`${query}&amp;${name}=x`)).toBeNull();
  }
  expect(readUrlToken(`${query}&%70id=${token.pid}`)).toBeNull();
});

test('refuses a value that is missing or empty', () => {
  for (const name of ['params', 'pid', 'sig'] as const) {
    const without = query.split('&').filter((pair) => !pair.startsWith(`${name}=`));
    expect(readUrlToken(without.join('&'))).toBeNull();
    expect(readUrlToken([...without, `${name}=`].join('&'))).toBeNull();
    expect(readUrlToken([...without, name].join('&'))).toBeNull();
    expect(readUrlToken([...without, `${name}=.`].join('&'))).toBeNull();
  }
  expect(readUrlToken('')).toBeNull();
  expect(readUrlToken('?')).toBeNull();
});

test('TK-2 lets no other alphabet, padding or white space through', () => {
  for (const wrong of [
    '=',
    '==',
    '+',
    '/',
    ' ',
    '%20',
    '%0A',
    '%00',
    '%C3%A9',
    'é',
    '%',
    '%2',
    '+.',
    '%3D',
  ]) {
    expect([wrong, readUrlToken(`params=${token.params}${wrong}&pid=${token.pid}&sig=${token.sig}`)]).toEqual(
      [wrong, null],
    );
  }
});

test('TK-9 refuses a value over 512 characters before anything decodes it', () => {
  const at = (length: number) =>
    readUrlToken(`params=${'A'.repeat(length)}&pid=${token.pid}&sig=${token.sig}`);
  expect(at(512)?.params).toHaveLength(512);
  expect(at(513)).toBeNull();
});

test('never throws, and answers a hostile query without going over it again and again', () => {
  for (const odd of [undefined, null, 5, {}, [query], new Map()]) {
    expect(readUrlToken(odd as unknown as string)).toBeNull();
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(readUrlToken(text)).toBeNull();
    }),
  );
  expect(readUrlToken('x'.repeat(1_000_000))).toBeNull();
  expect(readUrlToken(`${'.'.repeat(16_000)}x`)).toBeNull();
  expect(readUrlToken(`${query}${'.'.repeat(10_000)}`)).toEqual(token);
});
