/**
 * Packs short texts into few bytes, so that a link with an address, two ids and a journey stays short.
 *
 * Every text has a lead byte: its length when it is plain UTF-8, or a tag for what packs better: a UUID (16
 * bytes), decimal or lower-case hexadecimal digits (half a byte each), a word everybody uses, nothing at all.
 * Unpacking checks every bound and answers null, never throws; it runs on opened, hence authentic, bytes only.
 *
 * @module
 */

/** Lead bytes. Below `INLINE_LIMIT` the byte is the length of the UTF-8 that follows. */
const INLINE_LIMIT = 0x80;
const ABSENT = 0x80;
const UUID = 0x81;
const NIBBLES = 0x82;
const LONG_TEXT = 0x83;
const WORD = 0x90;

/** Order is part of the format: words are added at the end, never removed. At most 0x70. */
const WORDS = ['Email', 'CRMID', 'ECID', 'Phone', 'prod', 'dev', 'stage', 'default'];

const LOWER_UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const LOWER_HEX = /^[0-9a-f]{6,255}$/;
const LONGEST_TEXT = 0xffff;
const UUID_BYTES = 16;

/** Packs texts in order; undefined packs as absent. Throws RangeError for a text over 65,535 octets. */
export function packTexts(texts: readonly (string | undefined)[]): Buffer {
  // Three octets of UTF-8 a UTF-16 unit at most, and three of lead and length.
  const room = texts.reduce((sum, text) => sum + 3 + 3 * (text?.length ?? 0), 0);
  const bytes = Buffer.allocUnsafe(room);
  let end = 0;
  for (const text of texts) end = packText(bytes, end, text);
  return bytes.subarray(0, end);
}

/** Unpacks exactly `count` texts that fill the bytes exactly; null when they do not. */
export function unpackTexts(bytes: Buffer, count: number): (string | undefined)[] | null {
  const texts: (string | undefined)[] = [];
  let offset = 0;
  for (let index = 0; index < count; index += 1) {
    const unpacked = unpackText(bytes, offset);
    if (unpacked === null) return null;
    texts.push(unpacked.text);
    offset = unpacked.next;
  }
  return offset === bytes.length ? texts : null;
}

/**
 * Joins texts so that no two lists of texts give the same bytes: each is preceded by its length. For what is
 * authenticated and never unpacked.
 */
export function bindTexts(texts: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  for (const text of texts) {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}

/** Writes one text at an offset and answers the offset behind it. */
function packText(bytes: Buffer, at: number, text: string | undefined): number {
  if (text === undefined) return bytes.writeUInt8(ABSENT, at);
  const word = WORDS.indexOf(text);
  if (word >= 0) return bytes.writeUInt8(WORD + word, at);
  if (LOWER_UUID.test(text)) {
    const body = bytes.writeUInt8(UUID, at);
    return body + bytes.write(text.replaceAll('-', ''), body, 'hex');
  }
  if (LOWER_HEX.test(text)) {
    // The count stands before the digits, since an odd one leaves half a byte over.
    const body = bytes.writeUInt8(text.length, bytes.writeUInt8(NIBBLES, at));
    return body + bytes.write(text.length % 2 === 0 ? text : `${text}0`, body, 'hex');
  }
  const length = Buffer.byteLength(text);
  if (length > LONGEST_TEXT) throw new RangeError('A text over 65,535 octets cannot be packed.');
  const body =
    length < INLINE_LIMIT
      ? bytes.writeUInt8(length, at)
      : bytes.writeUInt16BE(length, bytes.writeUInt8(LONG_TEXT, at));
  return body + bytes.write(text, body);
}

interface Unpacked {
  readonly text: string | undefined;
  readonly next: number;
}

function unpackText(bytes: Buffer, offset: number): Unpacked | null {
  const lead = bytes[offset];
  if (lead === undefined) return null;
  const start = offset + 1;
  if (lead < INLINE_LIMIT) return slice(bytes, start, lead, 'utf8');
  if (lead === ABSENT) return { text: undefined, next: start };
  if (lead === UUID) return unpackUuid(bytes, start);
  if (lead === NIBBLES) return unpackNibbles(bytes, start);
  if (lead === LONG_TEXT) {
    return start + 2 > bytes.length ? null : slice(bytes, start + 2, bytes.readUInt16BE(start), 'utf8');
  }
  const word = WORDS[lead - WORD];
  return word === undefined ? null : { text: word, next: start };
}

function unpackUuid(bytes: Buffer, start: number): Unpacked | null {
  const hex = slice(bytes, start, UUID_BYTES, 'hex');
  if (hex === null) return null;
  const text = hex.text.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  return { text, next: hex.next };
}

function unpackNibbles(bytes: Buffer, start: number): Unpacked | null {
  const count = bytes[start];
  if (count === undefined) return null;
  const hex = slice(bytes, start + 1, Math.ceil(count / 2), 'hex');
  return hex === null ? null : { text: hex.text.slice(0, count), next: hex.next };
}

function slice(
  bytes: Buffer,
  start: number,
  length: number,
  as: 'utf8' | 'hex',
): { text: string; next: number } | null {
  const next = start + length;
  return next > bytes.length ? null : { text: bytes.toString(as, start, next), next };
}
