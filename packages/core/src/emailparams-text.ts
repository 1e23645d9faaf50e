/**
 * Finds `emailParams` tokens in a subject or a body, as mail programs leave them.
 *
 * Forgiven is what sending does: `Re:` and `unsubscribe` before the token, a signature or other words behind it, brackets around
 * it, line breaks and soft ones inside it, a subject that was cut and goes on in the body. Lines that quote another mail are not
 * read: nobody says them now (MT-13). What is found is tried whole; a token is canonical or wrong.
 *
 * @module
 */
import { EMAIL_PARAMS_PREFIX } from './emailparams.ts';
import { TOKEN_LIMIT } from './sealedtext.ts';

/** Characters of each text that are read: a subject, or the beginning of a body. */
const TEXT_LIMIT = 2_048;
/** Parts that a token may have been broken into: a long one in lines of 40 characters. */
const PARTS_LIMIT = 14;
/** Texts that are tried at most; an honest mail has a few. */
const CANDIDATE_LIMIT = 64;

const QUOTED_LINE = /^[ \t]*>.*$/gm;
/** What stands between words, is invisible, or ends a line softly in quoted-printable. */
const BETWEEN = /(?:[\s\u00ad\u200b-\u200d\u2060]|=\r?\n)+/;
const TOKEN = /^v1\.[A-Za-z0-9_-]*/;

/** What may be a token, in the order of the texts; a text that goes on in the next one is read so last. */
export function findEmailParams(texts: readonly string[]): string[] {
  const read = texts.map((text) => text.slice(0, TEXT_LIMIT).replace(QUOTED_LINE, ''));
  const candidates = new Set<string>();
  for (const text of [...read, read.join('\n')]) {
    for (const candidate of candidatesIn(text.split(BETWEEN))) {
      candidates.add(candidate);
      if (candidates.size === CANDIDATE_LIMIT) return [...candidates];
    }
  }
  return [...candidates];
}

/** Where a token ends nobody can tell from words: it is the first alone, or with the next, or with the next two. */
function* candidatesIn(words: readonly string[]): Generator<string> {
  for (const [at, word] of words.entries()) {
    const behind = words.slice(at, at + PARTS_LIMIT).join('');
    for (let from = behind.indexOf(EMAIL_PARAMS_PREFIX); from >= 0 && from < word.length; ) {
      const [whole = ''] = TOKEN.exec(behind.slice(from, from + TOKEN_LIMIT + 1)) ?? [];
      let end = word.length - from;
      for (const next of words.slice(at + 1, at + PARTS_LIMIT)) {
        if (end >= whole.length) break;
        if (end > EMAIL_PARAMS_PREFIX.length) yield whole.slice(0, end);
        end += next.length;
      }
      yield whole.slice(0, end);
      from = behind.indexOf(EMAIL_PARAMS_PREFIX, from + 1);
    }
  }
}
