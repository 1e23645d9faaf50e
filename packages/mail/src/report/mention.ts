/**
 * Every address that a mail mentions, also where an encoding hides it: so that whoever is erased is found in mail that is kept.
 *
 * The rule: too many rather than too few, and bounded; nothing is decided by them.
 *
 * @module
 */
import { decodeWords } from '../encodedword.ts';
import { readEntity, textOf } from './entity.ts';

const LIMIT = 200;
/** At signs of one text that are looked at. */
const SIGN_LIMIT = 10_000;
const BEFORE = /[^\s<>()[\]",:;|/\\]{1,64}$/;
const AFTER = /^[^\s<>()[\]",:;|/\\@]{1,255}/;

/** The addresses in header fields and texts, in lower case, each once and no more than 200. Never throws; linear. */
export function readMentions(raw: Uint8Array): string[] {
  const entity = readEntity(raw);
  const found = new Set<string>();
  for (const { value } of entity.fields) mentionedIn(decodeWords(value.slice(0, 10_000)), found);
  for (const part of entity.parts) if (found.size < LIMIT) mentionedIn(textOf(part), found);
  return [...found];
}

function mentionedIn(text: string, found: Set<string>): void {
  let at = text.indexOf('@');
  for (let signs = 0; at >= 0 && signs < SIGN_LIMIT && found.size < LIMIT; signs += 1) {
    const before = BEFORE.exec(text.slice(Math.max(at - 64, 0), at))?.[0];
    const after = AFTER.exec(text.slice(at + 1, at + 256))?.[0].replace(/[.'’]+$/, '');
    if (before && after) found.add(`${before}@${after}`.toLowerCase());
    at = text.indexOf('@', at + 1);
  }
}
