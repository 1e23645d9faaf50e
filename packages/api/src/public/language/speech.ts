/**
 * In which language a page speaks to somebody, and what it says there.
 *
 * One rule: what is put into a sentence came from elsewhere (an address, the name of a list). It is escaped, and its
 * direction is isolated from the sentence's, so that `j•••@e•••.com` reads the same in Arabic.
 *
 * @module
 */
import { html, type Markup, type MarkupValue } from '@adieu/core';
import i18next from 'i18next';
import Negotiator from 'negotiator';
import { ar } from './ar.ts';
import { de } from './de.ts';
import { en, type TextKey, type Texts } from './en.ts';
import { es } from './es.ts';
import { fr } from './fr.ts';
import { it } from './it.ts';
import { ja } from './ja.ts';
import { nl } from './nl.ts';
import { pl } from './pl.ts';
import { pt } from './pt.ts';

/** The languages of all pages (C3). */
export const LANGUAGES = ['en', 'fr', 'de', 'es', 'it', 'pt', 'nl', 'pl', 'ja', 'ar'] as const;
export type Language = (typeof LANGUAGES)[number];

export const TEXTS: Readonly<Record<Language, Texts>> = { en, fr, de, es, it, pt, nl, pl, ja, ar };

/** One language, ready to speak. */
export interface Speech {
  readonly language: Language;
  readonly direction: 'ltr' | 'rtl';
  /** A sentence; what is given for its places is escaped and isolated. */
  say(key: TextKey, values?: Readonly<Record<string, string | Markup>>): Markup;
  /** A sentence without places, as plain text. */
  text(key: TextKey): string;
}

/** What is known about somebody's language, strongest first. */
export interface LanguageHints {
  /** The profile's own, as it was imported: any text. */
  readonly preferred?: string | null | undefined;
  /** `Accept-Language` as it came. */
  readonly accept?: string | undefined;
  /** The brand's. */
  readonly fallback?: Language | undefined;
}

/** Octets of `Accept-Language` that are read; browsers send under a hundred. */
const ACCEPT_LIMIT = 500;
const RIGHT_TO_LEFT: ReadonlySet<Language> = new Set(['ar']);

/** The beginning of a BCP 47 tag; an import may bring any text. */
const LANGUAGE_TAG = /^[a-z]{2,3}\b/i;

/** Around the name of a place: private characters, which no text of ours holds. */
const [OPEN, CLOSE] = ['\ue000', '\ue001'];
const PLACE = new RegExp(`${OPEN}(\\w+)${CLOSE}`);

const texts = i18next.createInstance();
void texts.init({
  initAsync: false,
  resources: Object.fromEntries(LANGUAGES.map((language) => [language, { translation: TEXTS[language] }])),
  fallbackLng: 'en',
  keySeparator: false,
  nsSeparator: false,
  // Escaping is html's business, after the sentence was taken apart.
  interpolation: { escapeValue: false },
});

/** The profile's language, else the browser's, else the brand's, else English. */
export function chooseLanguage({ preferred, accept, fallback = 'en' }: LanguageHints): Language {
  const own = LANGUAGE_TAG.test(preferred ?? '') ? match(preferred ?? '', fallback) : undefined;
  return own ?? match(accept, fallback) ?? fallback;
}

/** A voice in one language. */
export function speechOf(language: Language): Speech {
  return {
    language,
    direction: RIGHT_TO_LEFT.has(language) ? 'rtl' : 'ltr',
    text: (key) => texts.t(key, { lng: language }),
    say(key, values = {}) {
      const places = Object.fromEntries(Object.keys(values).map((name) => [name, OPEN + name + CLOSE]));
      const pieces = texts.t(key, { lng: language, ...places }).split(PLACE);
      const filled = pieces.map((piece, index): MarkupValue => {
        return index % 2 === 0 ? piece : html`<bdi>${values[piece]}</bdi>`;
      });
      return html`${filled}`;
    },
  };
}

/** The best of ours for a language range or a list of them; `*` and silence mean whatever comes first. */
function match(range: string | undefined, first: Language): Language | undefined {
  if (range !== undefined && range.length > ACCEPT_LIMIT) return undefined;
  const headers = range === undefined ? {} : { 'accept-language': range };
  const offered = [first, ...LANGUAGES.filter((language) => language !== first)];
  return new Negotiator({ headers }).language(offered) as Language | undefined;
}
