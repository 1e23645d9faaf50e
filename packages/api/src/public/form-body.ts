/**
 * The body of a POST to a public endpoint: a handful of form fields from a robot or a browser.
 *
 * Our own reader, because the standard ones refuse the example of RFC 8058 section 8.3, whose delimiter lacks
 * its two leading hyphens. Bounded in bytes, parts and time; it decides nothing.
 *
 * @module
 */
import type { Readable } from 'node:stream';

/** Octets of a body; the largest honest one has about 200 (OC-10). */
export const BODY_LIMIT = 8192;
/** Fields or parts of a form (OC-10). */
export const PART_LIMIT = 10;
/** Milliseconds for a whole body to arrive (OC-10). */
export const BODY_DEADLINE = 10_000;

/** Octets beyond the limit that are read and dropped, so that the sender gets to see the refusal. */
const DRAIN_LIMIT = 256 * 1024;

export type ReceivedBody =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'late' };

export type Form =
  | { readonly kind: 'empty' }
  | { readonly kind: 'fields'; readonly fields: ReadonlyMap<string, readonly string[]> }
  | { readonly kind: 'too_many' }
  | { readonly kind: 'other' };

/** Receives a body of at most `limit` octets within `deadline` milliseconds. Never rejects. */
export function receiveBody(
  stream: Readable,
  limit = BODY_LIMIT,
  deadline = BODY_DEADLINE,
): Promise<ReceivedBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const timer = setTimeout(() => finish({ kind: 'late' }), deadline);
    const finish = (body: ReceivedBody): void => {
      clearTimeout(timer);
      stream.off('data', onData).off('end', onEnd).off('error', onLost).off('close', onLost);
      // What may still come is not asked for, and its errors are nobody's any more.
      stream.pause().on('error', () => undefined);
      resolve(body);
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length <= limit) chunks.push(chunk);
      else chunks.length = 0;
      if (length > DRAIN_LIMIT) finish({ kind: 'too_large' });
    };
    const onEnd = (): void => {
      finish(
        length > limit ? { kind: 'too_large' } : { kind: 'bytes', bytes: Buffer.concat(chunks, length) },
      );
    };
    const onLost = (): void => finish({ kind: 'late' });
    stream.on('data', onData).on('end', onEnd).on('error', onLost).on('close', onLost);
  });
}

/** Reads the fields of a form. `contentType` is the raw header; without one a body is taken for urlencoded. */
export function readForm(bytes: Buffer, contentType: string | undefined, limit = PART_LIMIT): Form {
  const text = bytes.toString('utf8').trim();
  if (text === '') return { kind: 'empty' };
  const mediaType = (contentType ?? URLENCODED).split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType === URLENCODED) return readUrlencoded(text, limit);
  if (mediaType === MULTIPART) return readMultipart(text, BOUNDARY.exec(contentType ?? ''), limit);
  return { kind: 'other' };
}

/** Whether a form says one thing once. */
export function isOnly(values: readonly string[] | undefined, wanted: string): boolean {
  return values?.length === 1 && values[0] === wanted;
}

const URLENCODED = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data';
/** A quoted boundary keeps its spaces; a bare one ends at the next separator. */
const BOUNDARY = /;\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))/i;
const PART_NAME = /^content-disposition\s*:.*?;\s*name\s*=\s*(?:"([^"]*)"|([^\s;"]+))/i;

function readUrlencoded(text: string, limit: number): Form {
  if (text.split('&', limit + 1).length > limit) return { kind: 'too_many' };
  const fields = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) addField(fields, name, value);
  return { kind: 'fields', fields };
}

/**
 * Lines between delimiters. Hyphens before the boundary do not count, which admits the RFC's own example;
 * lines may end in a bare LF, and the closing delimiter may be missing.
 */
function readMultipart(text: string, parameter: RegExpExecArray | null, limit: number): Form {
  const boundary = (parameter?.[1] ?? parameter?.[2] ?? '').trim().replace(/^-+/, '');
  if (boundary === '') return { kind: 'other' };
  const fields = new Map<string, string[]>();
  let part: Part | null = null;
  let parts = 0;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim().replace(/^-+/, '');
    if (line === boundary || line === `${boundary}--`) {
      if (part !== null) addPart(fields, part);
      part = line === boundary ? { name: null, inHeader: true, lines: [] } : null;
      parts += part === null ? 0 : 1;
      if (parts > limit) return { kind: 'too_many' };
    } else if (part !== null) {
      readPartLine(part, raw);
    }
  }
  if (part !== null) addPart(fields, part);
  return parts === 0 ? { kind: 'other' } : { kind: 'fields', fields };
}

interface Part {
  name: string | null;
  inHeader: boolean;
  readonly lines: string[];
}

function readPartLine(part: Part, line: string): void {
  if (!part.inHeader) part.lines.push(line);
  else if (line.trim() === '') part.inHeader = false;
  else {
    const name = PART_NAME.exec(line);
    if (name !== null) part.name = name[1] ?? name[2] ?? null;
  }
}

function addPart(fields: Map<string, string[]>, part: Part): void {
  if (part.name !== null) addField(fields, part.name, part.lines.join('\n').trim());
}

function addField(fields: Map<string, string[]>, name: string, value: string): void {
  const values = fields.get(name);
  if (values === undefined) fields.set(name, [value]);
  else values.push(value);
}
