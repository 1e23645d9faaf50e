/**
 * What people read of a list: its title, description and topic, in their language where somebody wrote them.
 *
 * Lists were named by operators, imports and other systems, so their texts are shortened and freed of what is
 * invisible before they are shown, whoever checked them before.
 *
 * @module
 */
import { withoutControlCharacters } from '@adieu/core';
import type { ShownList } from '@adieu/store';
import type { Language } from './language/speech.ts';

export interface ListTexts {
  readonly title: string;
  readonly description: string | null;
  readonly topic: string | null;
}

const TITLE_LIMIT = 100;
const DESCRIPTION_LIMIT = 200;

/** The texts of a list in a language. */
export function listTexts(list: ShownList, language: Language): ListTexts {
  const { titles, description, descriptions, topic, topics } = list.body;
  return {
    title:
      shown(inLanguage(titles, language) ?? list.title, TITLE_LIMIT) ?? shown(list.name, TITLE_LIMIT) ?? '–',
    description: shown(inLanguage(descriptions, language) ?? description, DESCRIPTION_LIMIT),
    topic: shown(inLanguage(topics, language) ?? topic, TITLE_LIMIT),
  };
}

/** The title of a list by its name; the name itself where nothing is known of it. */
export function listTitle(name: string, lists: readonly ShownList[], language: Language): string {
  const list = lists.find((one) => one.name === name) ?? { name, title: name, body: {} };
  return listTexts(list, language).title;
}

/** `en-GB` before `en`: authors write either. */
function inLanguage(texts: unknown, language: Language): unknown {
  if (typeof texts !== 'object' || texts === null) return undefined;
  const entries = Object.entries(texts);
  const exact = entries.find(([key]) => key.toLowerCase() === language);
  return (exact ?? entries.find(([key]) => key.toLowerCase().startsWith(`${language}-`)))?.[1];
}

/** Null when there is nothing to read. */
function shown(text: unknown, limit: number): string | null {
  if (typeof text !== 'string') return null;
  const plain = withoutControlCharacters(text.replace(/\s+/g, ' ')).trim();
  if (plain === '') return null;
  const characters = [...plain];
  return characters.length <= limit ? plain : `${characters.slice(0, limit - 1).join('')}…`;
}
