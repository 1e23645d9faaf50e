/**
 * What a mail says, read once and remembered: for the list a summary, for its page the whole inspection.
 *
 * Reading takes time and a campaign brings thousands of mails, so nothing is read before somebody looks at it.
 *
 * @module
 */
import { decodeHtml, type ResolveTxt, type VerifySignatures } from '@adieu/core';
import { decodeWords, type Inspection, inspectMessage } from '@adieu/mail';
import type { Mail } from './shelf.ts';

/** What a row of the list shows. */
export interface Summary {
  readonly subject: string;
  readonly fromName: string;
  readonly fromAddress: string;
  /** The beginning of the text, preheader first. */
  readonly snippet: string;
  /** With its angle brackets; empty when the mail has none. */
  readonly messageId: string;
}

export interface Reading {
  readonly summary: Summary;
  readonly inspection: Inspection;
}

export interface Readings {
  summary(mail: Mail): Promise<Summary>;
  read(mail: Mail): Promise<Reading>;
}

export interface ReadingOptions {
  readonly verify: VerifySignatures;
  readonly resolve: ResolveTxt;
}

const REMEMBERED_SUMMARIES = 5_000;
const REMEMBERED_READINGS = 20;
const SNIPPET_CHARACTERS = 180;

export function openReadings(options: ReadingOptions): Readings {
  const summary = remember(REMEMBERED_SUMMARIES, async (mail) => {
    // The list does not say whether a signature holds, so none is checked for it.
    const inspection = await inspectMessage(mail.raw, { verify: async () => [], resolve: options.resolve });
    return summarise(mail, inspection);
  });
  const read = remember(REMEMBERED_READINGS, async (mail): Promise<Reading> => {
    const inspection = await inspectMessage(mail.raw, options);
    return { summary: summarise(mail, inspection), inspection };
  });
  return { summary, read };
}

function summarise(mail: Mail, inspection: Inspection): Summary {
  const field = (name: string): string => {
    const found = inspection.headers.find((header) => header.name.toLowerCase() === name);
    return found === undefined ? '' : visible(decodeWords(found.value));
  };
  const from = splitSender(field('from'));
  return {
    subject: field('subject') || '(no subject)',
    fromName: from.name || from.address || mail.sender || '(no sender)',
    fromAddress: from.address || mail.sender,
    snippet: snippetOf(inspection),
    messageId: field('message-id'),
  };
}

/** `"Brand, Inc." <hello@example.com>`: for show only, nothing is decided by it. */
function splitSender(from: string): { readonly name: string; readonly address: string } {
  const match = /^(.*)<([^<>]*)>\s*$/.exec(from);
  if (match === null) return { name: '', address: from };
  const name = (match[1] ?? '')
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .replace(/\\(.)/g, '$1');
  return { name, address: (match[2] ?? '').trim() };
}

/** What stands first in the HTML is the preheader, hidden or not; that is what providers show. */
function snippetOf({ html, text }: Inspection): string {
  const source = html === undefined ? (text ?? '') : textOf(html);
  const line = visible(source)
    .slice(0, SNIPPET_CHARACTERS * 2)
    .trim();
  return Array.from(line).slice(0, SNIPPET_CHARACTERS).join('');
}

/** A rough reading of the first part of an HTML document; its result is escaped like any other text. */
function textOf(markup: string): string {
  const text = markup
    .slice(0, 60_000)
    .replace(/<!--[\s\S]*?(?:-->|$)/g, ' ')
    .replace(/<(head|style|script|title)\b[\s\S]*?(?:<\/\1\s*>|$)/gi, ' ')
    .replace(/<[^>]*(?:>|$)/g, ' ');
  // What is left is a name that is not known here, and mostly invisible padding.
  return decodeHtml(text).replace(/&[a-z]{2,8};/gi, ' ');
}

/** Joiners and fillers that preheaders end with, and that only look like a gap. */
const PADDING = ['\u034f', '\u115f', '\u1160', '\u2800', '\u3164'];

/** Without controls, direction overrides and invisible padding; white space as single blanks. */
function visible(text: string): string {
  let shown = '';
  for (const character of text) {
    if (/[\p{Cc}\p{Z}]/u.test(character)) shown += ' ';
    else if (!/[\p{Cf}\p{Cs}\p{Co}]/u.test(character) && !PADDING.includes(character)) shown += character;
  }
  return shown.replace(/ {2,}/g, ' ').trim();
}

/** Keeps the newest answers per mail; a failed one is not kept. */
function remember<T>(size: number, make: (mail: Mail) => Promise<T>): (mail: Mail) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (mail) => {
    const found = known.get(mail.id);
    if (found !== undefined) return found;
    const made = make(mail);
    known.set(mail.id, made);
    made.catch(() => known.delete(mail.id));
    for (const id of known.keys()) {
      if (known.size <= size) break;
      known.delete(id);
    }
    return made;
  };
}
