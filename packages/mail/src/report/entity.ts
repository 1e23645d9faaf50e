/**
 * The parts of a mail that came in, read as they stand: one pass over its lines, and nothing that grows with a nest.
 *
 * Not mailparser: it hides which of two equal fields came first, takes the last, merges list fields, keeps a delivery
 * status only when told to, and hangs on inputs that reach us from anybody. What a report needs is small: header
 * fields, and where each part begins and ends. Limits are IN-17's; what lies beyond them is not read, and said.
 *
 * @module
 */
import { decodeCharset, decodeWords } from '../encodedword.ts';
import { fieldsOf, type RawField, readFields } from '../inspect/field-reader.ts';
import { decodeQuotedPrintable } from '../quotedprintable.ts';

/** A part that holds no parts. An embedded mail (`message/rfc822`) is one: nothing of it is looked into. */
export interface Part {
  readonly fields: readonly RawField[];
  /** Lower case, `text/plain` where nothing is said (RFC 2045 section 5.2). */
  readonly media: string;
  /** As it stands, one character an octet, lines ended by LF. */
  readonly body: string;
}

/** A mail. */
export interface Entity {
  readonly fields: readonly RawField[];
  readonly media: string;
  readonly parts: readonly Part[];
  /** What was left out for its size. */
  readonly faults: readonly string[];
}

const HEADER_LIMIT = 262_144;
const FIELD_LIMIT = 1_000;
const BODY_LIMIT = 1_048_576;
const PART_LIMIT = 100;
const DEPTH_LIMIT = 20;
/** Characters of a block of fields in a text. */
const BLOCK_LIMIT = 65_536;
/** Octets of a part's header that are searched for the boundary of a multipart. */
const PART_HEADER_LIMIT = 4_096;
/** A boundary has 70 characters at most (RFC 2046 section 5.1.1); some are longer, none is this long. */
const BOUNDARY_LIMIT = 250;

/** Reads a mail. Never throws; takes time in proportion to the limits, whatever it is given. */
export function readEntity(raw: Uint8Array): Entity {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const faults = new Set<string>();
  const text = bytes
    .subarray(0, HEADER_LIMIT + BODY_LIMIT + 4)
    .toString('latin1')
    .replace(/\r\n?/g, '\n');
  // A mailbox file begins with a line of its own.
  const start = text.startsWith('From ') ? text.indexOf('\n') + 1 : 0;
  const blank = text.startsWith('\n', start) ? start : text.indexOf('\n\n', start);
  const headerEnd = blank < 0 ? text.length : blank;
  if (headerEnd - start > HEADER_LIMIT) faults.add(`only ${HEADER_LIMIT} octets of the header were read`);
  const fields = fieldsWithin(text.slice(start, Math.min(headerEnd, start + HEADER_LIMIT)), faults);
  const body = blank < 0 ? '' : text.slice(blank).replace(/^\n{1,2}/, '');
  if (body.length > BODY_LIMIT || bytes.length > HEADER_LIMIT + BODY_LIMIT)
    faults.add(`only ${BODY_LIMIT} octets of the body were read`);
  const parts = splitParts(fields, body.slice(0, BODY_LIMIT), faults);
  return { fields, media: mediaOf(fields), parts, faults: [...faults] };
}

/** The header fields of an embedded mail, or of the header block of one, which may be encoded (RFC 6532 section 3.7). */
export function readEmbeddedFields(part: Part): readonly RawField[] {
  const body = octetsOf(part).toString('latin1').replace(/\r\n?/g, '\n').replace(/^\n+/, '');
  const blank = body.indexOf('\n\n');
  return fieldsWithin(body.slice(0, blank < 0 ? HEADER_LIMIT : Math.min(blank, HEADER_LIMIT)), new Set());
}

/** Octets of a part after its transfer encoding, as text; Latin-1 where the charset is not known. */
export function textOf(part: Part): string {
  const bytes = octetsOf(part);
  const named = parameterOf(fieldValue(part, 'Content-Type'), 'charset') ?? 'utf-8';
  // Escape sequences speak for themselves, whatever the header says or does not say (RFC 1468).
  const charset = bytes.includes('\u001b$') ? 'iso-2022-jp' : named === 'us-ascii' ? 'utf-8' : named;
  return (decodeCharset(bytes, charset) ?? bytes.toString('latin1')).replace(/\r\n?/g, '\n');
}

function octetsOf(part: Part): Buffer {
  const encoding = fieldValue(part, 'Content-Transfer-Encoding').toLowerCase();
  if (encoding === 'quoted-printable') return decodeQuotedPrintable(part.body);
  return Buffer.from(part.body, encoding === 'base64' ? 'base64' : 'latin1');
}

/** Fields that stand in a text, such as a delivery status; those of its first 65,536 characters. */
export function fieldsInText(text: string): readonly RawField[] {
  // The reader of headers takes an octet for a character.
  const block = text.slice(0, BLOCK_LIMIT).replace(/\n/g, '\r\n');
  return readFields(Buffer.from(block).toString('latin1')).fields.slice(0, FIELD_LIMIT);
}

/** The value of the first field of a name, or an empty text. */
export function fieldValue(holder: { readonly fields: readonly RawField[] }, name: string): string {
  return fieldsOf(holder, name)[0]?.value ?? '';
}

/** The null reverse-path, as the last server wrote it down (RFC 5321 section 4.4). */
export function hasNullSender(entity: Entity): boolean {
  return fieldsOf(entity, 'Return-Path').some(({ value }) => /^<\s*(?:mailer-daemon)?\s*>$/i.test(value));
}

/** Decoded. */
export function subjectOf(entity: Entity): string {
  return decodeWords(fieldValue(entity, 'Subject').slice(0, 2_000));
}

/** A parameter of a structured field (RFC 2045 section 5.1), or null. */
function parameterOf(value: string, name: string): string | null {
  const pattern = new RegExp(`;\\s*${name}\\s*=\\s*(?:"([^"]*)"|([^\\s;"]+))`, 'i');
  const match = pattern.exec(value.slice(0, 2_000));
  return match?.[1] ?? match?.[2] ?? null;
}

function fieldsWithin(header: string, faults: Set<string>): readonly RawField[] {
  const { fields } = readFields(header.replace(/\n/g, '\r\n'));
  if (fields.length > FIELD_LIMIT) faults.add(`only ${FIELD_LIMIT} header fields were read`);
  return fields.slice(0, FIELD_LIMIT);
}

function mediaOf(fields: readonly RawField[]): string {
  const type = fieldValue({ fields }, 'Content-Type').slice(0, 500);
  return /^\s*([\w.+-]+\/[\w.+-]+)/.exec(type)?.[1]?.toLowerCase() ?? 'text/plain';
}

/** The delimiter of a multipart, or null for what is none, or none that could be read. */
function delimiterOf(fields: readonly RawField[]): string | null {
  if (!mediaOf(fields).startsWith('multipart/')) return null;
  const boundary = parameterOf(fieldValue({ fields }, 'Content-Type'), 'boundary')?.trimEnd() ?? '';
  return boundary === '' || boundary.length > BOUNDARY_LIMIT ? null : `--${boundary}`;
}

/**
 * Cuts a body at the delimiters of the multiparts that are open. A line that is the delimiter of an outer one ends all
 * within (RFC 2046 section 5.1.2). A multipart without any part is taken as text: relays lose header fields.
 */
function splitParts(fields: readonly RawField[], body: string, faults: Set<string>): readonly Part[] {
  const whole: Part = { fields, media: mediaOf(fields), body };
  const outer = delimiterOf(fields);
  if (outer === null) return [whole];
  const parts: Part[] = [];
  const open = [outer];
  let begun: number | null = null;
  let count = 0;
  const finish = (end: number) => {
    if (begun === null) return;
    const part = readBlock(body.slice(begun, end), faults);
    begun = null;
    if (delimiterOf(part.fields) !== null) return;
    // A multipart without a boundary that could be read: its text stands in it all the same.
    parts.push(part.media.startsWith('multipart/') ? { ...part, media: 'text/plain' } : part);
  };
  for (let at = 0; at <= body.length; ) {
    const next = body.indexOf('\n', at);
    const end = next < 0 ? body.length : next;
    const after = next < 0 ? body.length + 1 : next + 1;
    const dashed = body.startsWith('--', at) && end - at <= BOUNDARY_LIMIT + 10;
    if (dashed) {
      const line = body.slice(at, end).trimEnd();
      const level = open.findLastIndex((delimiter) => line === delimiter || line === `${delimiter}--`);
      if (level >= 0) {
        finish(Math.max(at - 1, 0));
        const closes = line !== open[level];
        open.length = closes ? level : level + 1;
        if (open.length === 0) break;
        if (!closes) {
          count += 1;
          if (count > PART_LIMIT) {
            faults.add(`only ${PART_LIMIT} parts were read`);
            break;
          }
          begun = after;
          enter(body, after, open, faults);
        }
      }
    }
    at = after;
  }
  finish(body.length);
  return parts.length === 0 ? [{ ...whole, media: 'text/plain' }] : parts;
}

/** Opens the multipart that a part may be, so that its delimiters are seen. */
function enter(body: string, at: number, open: string[], faults: Set<string>): void {
  const start = body.slice(at, at + PART_HEADER_LIMIT);
  const blank = start.startsWith('\n') ? 0 : start.indexOf('\n\n');
  const header = blank < 0 ? start : start.slice(0, blank);
  const delimiter = delimiterOf(readFields(header.replace(/\n/g, '\r\n')).fields);
  if (delimiter === null) return;
  if (open.length >= DEPTH_LIMIT) faults.add(`parts more than ${DEPTH_LIMIT} levels deep were not read`);
  else open.push(delimiter);
}

function readBlock(block: string, faults: Set<string>): Part {
  if (block.startsWith('\n')) return { fields: [], media: 'text/plain', body: block.slice(1) };
  const blank = block.indexOf('\n\n');
  const header = block.slice(0, Math.min(blank < 0 ? block.length : blank, HEADER_LIMIT));
  const fields = fieldsWithin(header, faults);
  return { fields, media: mediaOf(fields), body: blank < 0 ? '' : block.slice(blank + 2) };
}
