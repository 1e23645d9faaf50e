/**
 * Text in headers: as it is where it can be, else as encoded-words (RFC 2047).
 *
 * An encoded-word has at most 75 characters, its line at most 76 (section 2), and it holds whole characters. What
 * looks like an encoded-word already is encoded, so that nobody smuggles one in through a name. Give text that
 * went through `cleanLine` (OH-14, OH-15).
 *
 * @module
 */

/** Octets of a line that an encoded-word stands on. */
const LINE_LIMIT = 76;
const WORD_LIMIT = 75;
const PREFIX = '=?UTF-8?';
const OVERHEAD = `${PREFIX}Q??=`.length;
const FOLD = '\r\n ';

/**
 * Unstructured text, such as a subject, folded. `used` is the width of what stands before it on its first line
 * (`Subject: `).
 */
export function encodeUnstructured(text: string, used: number): string {
  if (isPlain(text)) {
    const folded = foldWords(text, used);
    if (folded !== null) return folded;
  }
  return encodeWords(text, used);
}

/** A phrase before an angle bracket: quoted where that is enough. Empty for an empty one. */
export function encodePhrase(text: string, used: number): string {
  if (!isPlain(text) || used + text.length > LINE_LIMIT) return encodeWords(text, used);
  if (/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*$/.test(text)) return text;
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Decodes the encoded-words of a header value (section 6.2); what is none is left as it is. */
export function decodeWords(value: string): string {
  const pattern = /=\?([\w.-]+)(?:\*[\w-]+)?\?([QqBb])\?([^?\s]*)\?=/g;
  // White space between two encoded-words belongs to neither.
  const joined = value.replace(/(=\?[^?\s]+\?[QqBb]\?[^?\s]*\?=)\s+(?==\?[^?\s]+\?[QqBb]\?)/g, '$1');
  return joined.replace(pattern, (word, charset: string, encoding: string, data: string) => {
    const bytes = encoding.toUpperCase() === 'B' ? Buffer.from(data, 'base64') : decodeQ(data);
    return decodeCharset(bytes, charset) ?? word;
  });
}

/** Text of a charset, or null when the charset is not known. */
export function decodeCharset(bytes: Buffer, charset: string): string | null {
  try {
    return new TextDecoder(charset.trim().toLowerCase()).decode(bytes);
  } catch {
    return null;
  }
}

function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text) && !text.includes('=?');
}

/** Folds between words; null when a word is too long for a line or white space would end one. */
function foldWords(text: string, used: number): string | null {
  if (used + text.length <= LINE_LIMIT) return text;
  if (/ {2}/.test(text)) return null;
  let line = used;
  const folded: string[] = [];
  for (const word of text.split(' ')) {
    if (word.length + 1 > LINE_LIMIT) return null;
    const isFirst = folded.length === 0;
    if (line + word.length + 1 > LINE_LIMIT && (!isFirst || used + word.length > LINE_LIMIT)) {
      // An empty first line would be the form that broke signatures downstream (OH-9): encode instead.
      if (isFirst) return null;
      folded.push(`${FOLD}${word}`);
      line = word.length + 1;
    } else {
      folded.push(isFirst ? word : ` ${word}`);
      line += word.length + (isFirst ? 0 : 1);
    }
  }
  return folded.join('');
}

function encodeWords(text: string, used: number): string {
  const encoding = beyondAscii(text) * 6 < text.length ? 'Q' : 'B';
  const words: string[] = [];
  let room = Math.min(WORD_LIMIT, LINE_LIMIT - used) - OVERHEAD;
  let held = '';
  let octets = 0;
  for (const character of text) {
    const width = encoding === 'Q' ? encodeQ(character).length : Buffer.byteLength(character);
    const next = encoding === 'Q' ? octets + width : Math.ceil((octets + width) / 3) * 4;
    if (next > room && held !== '') {
      words.push(encodeWord(held, encoding));
      held = '';
      octets = 0;
      room = WORD_LIMIT - OVERHEAD;
    }
    held += character;
    octets += width;
  }
  if (held !== '') words.push(encodeWord(held, encoding));
  return words.join(FOLD);
}

function beyondAscii(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 126) count += 1;
  return count;
}

function encodeWord(text: string, encoding: 'Q' | 'B'): string {
  const data = encoding === 'B' ? Buffer.from(text).toString('base64') : encodeQ(text);
  return `${PREFIX}${encoding}?${data}?=`;
}

/** The `Q` alphabet that is safe in a phrase too (section 5, rule 3). */
function encodeQ(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    if (/[A-Za-z0-9!*+/-]/.test(character)) encoded += character;
    else if (byte === 32) encoded += '_';
    else encoded += `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

function decodeQ(data: string): Buffer {
  const text = data.replace(/_/g, ' ');
  return Buffer.from(
    text.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}
