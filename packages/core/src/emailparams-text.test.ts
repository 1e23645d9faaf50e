import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openEmailParams, openEmailParamsSealer } from './emailparams.ts';
import { findEmailParams } from './emailparams-text.ts';
import { generateKeyRing, parseKeyRing } from './keyring.ts';

const RING = parseKeyRing(generateKeyRing());
const CLAIMS = {
  profileId: '5142',
  profileNamespace: 'CRMID',
  address: 'john@example.com',
  addressNamespace: 'Email',
  campaignId: 'spring-2026',
  sandbox: 'prod',
  scope: 'channel',
} as const;
const TOKEN = openEmailParamsSealer(RING, 'acme').seal(CLAIMS);

function opened(...texts: string[]): string[] {
  return findEmailParams(texts).filter(
    (token) => openEmailParams(RING, { organisation: 'acme' }, token) !== null,
  );
}

const wrapped = (width: number, by: string) => TOKEN.match(new RegExp(`.{1,${width}}`, 'g'))?.join(by) ?? '';

describe('a token in a mail is found', () => {
  test.each([
    ['alone', [TOKEN]],
    ['with white space around it', [`  ${TOKEN}\r\n`]],
    ['behind unsubscribe', [`unsubscribe${TOKEN}`]],
    ['behind Re: and unsubscribe', [`Re: Unsubscribe ${TOKEN}`]],
    ['before a signature', ['', `${TOKEN}\r\n\r\n-- \r\nJohn Doe\r\nSent from my iPhone`]],
    ['before words on the same line', ['', `${TOKEN} please stop`]],
    [
      'before a quoted mail',
      ['', `unsubscribe${TOKEN}\r\n\r\nOn Monday, Brand wrote:\r\n> Spring is here\r\n> v1.abc`],
    ],
    ['in brackets', [`<${TOKEN}>`]],
    ['with a full stop behind it', [`${TOKEN}.`]],
    ['between other markup', ['', `<div dir="ltr">unsubscribe${TOKEN}</div><div>Doe</div>`]],
    ['broken into lines', ['', `${wrapped(40, '\r\n')}\r\n-- \r\nDoe`]],
    ['broken as format=flowed does', ['', `${wrapped(66, ' \r\n')}\r\nDoe`]],
    ['broken softly', ['', `${wrapped(75, '=\r\n')}\r\nDoe`]],
    ['folded in a subject', [wrapped(60, '\r\n ')]],
    [
      'with soft hyphens and zero-width spaces',
      [wrapped(20, '\u200b').slice(0, 120) && wrapped(50, '\u00ad')],
    ],
    [
      'begun in the subject and ended in the body, before a signature',
      [`unsubscribe${TOKEN.slice(0, 60)}`, `${TOKEN.slice(60)}\r\n--\r\nDoe`],
    ],
    ['cut in its first characters', ['unsubscribev', `${TOKEN.slice(1)}\r\nDoe`]],
    ['in the body, where the subject has half a token of another kind', ['Re: v1.2 is out', TOKEN]],
  ] as [string, string[]][])('%s', (_name, texts) => {
    expect(opened(...texts)).toEqual([TOKEN]);
  });

  test('wherever it is broken, whatever stands behind it', () => {
    const breaks = fc.uniqueArray(fc.integer({ min: 1, max: TOKEN.length - 1 }), { maxLength: 12 });
    const between = fc.constantFrom(' ', '\n', '\r\n', ' \r\n', '\t', '=\r\n', '\u00a0');
    const tail = fc.stringMatching(/^(?:[ \n][A-Za-z0-9_.<>-]{0,12}){0,6}$/);
    fc.assert(
      fc.property(breaks, between, tail, (places, by, behind) => {
        const cuts = [0, ...places.sort((a, b) => a - b), TOKEN.length];
        const text = cuts
          .slice(1)
          .map((end, index) => TOKEN.slice(cuts[index], end))
          .join(by);
        // A line that happens to begin with a quotation mark is not ours to rule out here.
        fc.pre(!/^[ \t]*>/m.test(behind));
        expect(opened('unsubscribe', `${text}${behind}`)).toEqual([TOKEN]);
      }),
    );
  });
});

describe('nothing is found', () => {
  test.each([
    ['in what is quoted', ['', `Thank you.\r\n> unsubscribe${TOKEN}`]],
    ['where a character is missing', [TOKEN.slice(0, -1)]],
    ['where a character was added', [`${TOKEN}A`]],
    ['where words stand between its halves', ['', `${TOKEN.slice(0, 60)} and ${TOKEN.slice(60)}`]],
    ['behind more text than is read', ['', `${'x '.repeat(1_024)}${TOKEN}`]],
    ['in nothing', []],
  ] as [string, string[]][])('%s', (_name, texts) => {
    expect(opened(...texts)).toEqual([]);
  });

  test('however hostile a text is, few things are tried', () => {
    for (const text of ['v1.'.repeat(700), 'v1. '.repeat(700), 'v1.a '.repeat(700), 'v '.repeat(1_024)]) {
      expect(findEmailParams([text, text]).length).toBeLessThanOrEqual(64);
    }
  });
});
