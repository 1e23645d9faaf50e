import { html } from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import { en, type TextKey } from './en.ts';
import { chooseLanguage, LANGUAGES, speechOf, TEXTS } from './speech.ts';

const KEYS = Object.keys(en) as TextKey[];

function places(text: string): string[] {
  return [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name ?? '').sort();
}

describe('the texts', () => {
  test.each(LANGUAGES)('C3: %s says everything, with the places that English has', (language) => {
    const texts = TEXTS[language];
    expect(Object.keys(texts).sort()).toEqual([...KEYS].sort());
    for (const key of KEYS) {
      expect([key, texts[key].trim()]).toEqual([key, texts[key]]);
      expect([key, texts[key]]).not.toEqual([key, '']);
      expect([key, places(texts[key])]).toEqual([key, places(en[key])]);
      // Markup would be escaped, and brackets left over are a place that nobody fills.
      expect([key, texts[key].replace(/\{\{\w+\}\}/g, '')]).toEqual([
        key,
        expect.not.stringMatching(/[<>{}]|\$t\(/),
      ]);
    }
  });

  test('C3: Portuguese is nobody’s alone: no words or forms of Portugal or of Brazil only', () => {
    const onlyOnOneSide =
      /\b(?:guard|salv)(?:ar|ou|ad[oa]s?)\b|\bvocês?\b|\bregistr?ad|\b(?:continua|está|estamos) a \p{L}+r\b|\b(?:ter|ser|vai)-se\b|\b(?:ecrã|tela|telemóvel|celular|ficheiro|arquivo)\b/iu;
    for (const key of KEYS)
      expect([key, TEXTS.pt[key]]).toEqual([key, expect.not.stringMatching(onlyOnOneSide)]);
  });

  test.each(LANGUAGES.filter((language) => language !== 'en'))(
    'C3: %s is not English left over',
    (language) => {
      const same = KEYS.filter((key) => TEXTS[language][key] === en[key]);
      // Names and words that are alike everywhere.
      expect(
        same.filter((key) => !['channel.whatsApp', 'channel.fax', 'channel.postalMail'].includes(key)),
      ).toEqual([]);
    },
  );

  test.each(LANGUAGES)(
    'C3: in %s no line ends within “e-mail”, or before a mark that stands apart',
    (language) => {
      for (const text of Object.values(TEXTS[language])) {
        expect(text).not.toMatch(/e-mail/i);
        expect(text).not.toMatch(/ [?!;:»]/);
      }
    },
  );

  test('C3: Arabic is written from right to left, the others from left to right', () => {
    const directions = LANGUAGES.map((language) => [language, speechOf(language).direction]);
    expect(directions.filter(([, direction]) => direction === 'rtl')).toEqual([['ar', 'rtl']]);
    expect(TEXTS.ar['leave.title']).toMatch(/^[\p{Script=Arabic}\s؟]+$/u);
  });
});

describe('a sentence', () => {
  test('LP-5: what is put in is escaped and isolated', () => {
    const { markup } = speechOf('fr').say('leave.subscription', { list: '<b>{{list}} & $t(leave.title)' });
    expect(markup).toContain('<bdi>&lt;b&gt;{{list}} &amp; $t(leave.title)</bdi>');
  });

  test('takes markup of ours as it is', () => {
    const { markup } = speechOf('en').say('preferences.address', { address: html`<i>a</i>` });
    expect(markup).toBe('Email to <bdi><i>a</i></bdi>');
  });
});

describe('the language of a page', () => {
  test('C3: the profile decides before the browser, the browser before the brand, and English is the last', () => {
    expect(chooseLanguage({ preferred: 'ja-JP', accept: 'fr', fallback: 'de' })).toBe('ja');
    expect(chooseLanguage({ preferred: null, accept: 'fr', fallback: 'de' })).toBe('fr');
    expect(chooseLanguage({ preferred: 'sv', accept: 'fi', fallback: 'de' })).toBe('de');
    expect(chooseLanguage({})).toBe('en');
  });

  test.each([
    ['fr-CA,fr;q=0.9,en;q=0.8', 'fr'],
    ['sv,nl;q=0.5,de;q=0.7', 'de'],
    ['pt-BR', 'pt'],
    ['AR-eg', 'ar'],
    ['ja;q=0,pl', 'pl'],
    ['*', 'it'],
    ['sv, *;q=0.1', 'it'],
    ['', 'it'],
    [undefined, 'it'],
    [';;;,,,=', 'it'],
    [`${'x-y,'.repeat(10_000)}fr`, 'it'],
  ] as const)('C3: a browser that sends %s reads %s', (accept, language) => {
    expect(chooseLanguage({ accept, fallback: 'it' })).toBe(language);
  });

  test.each(['english', '{}', '\u202e', '*', '', 'x'.repeat(600)])(
    'a preferred language %j that says nothing leaves it to the browser',
    (preferred) => {
      expect(chooseLanguage({ preferred, accept: 'es' })).toBe('es');
    },
  );
});
