/**
 * The text and HTML parts of a mail, decoded.
 *
 * A reader of its own, small and bounded: so many octets, parts and levels, and every step linear, so that no
 * hostile mail can keep it busy (RFC 2045, RFC 2046). Attachments are counted, never decoded.
 *
 * @module
 */
import { decodeCharset } from '../encodedword.ts';
import { decodeQuotedPrintable } from '../quotedprintable.ts';
import { fieldsOf, type RawField, type RawMail, readFields } from './field-reader.ts';

/** What a reader of the mail would be shown. */
export interface MailParts {
  readonly text?: string;
  readonly html?: string;
  /** Octets of the HTML once decoded, before its charset is. */
  readonly htmlBytes: number;
  readonly others: number;
  /** Something was left out: too long, too many parts, too deep, an unknown charset. */
  readonly faults: readonly string[];
}

const BODY_LIMIT = 1_048_576;
const PART_LIMIT = 100;
const DEPTH_LIMIT = 10;

interface Draft {
  text?: string;
  html?: string;
  htmlBytes: number;
  others: number;
  parts: number;
  readonly faults: Set<string>;
}

/** Reads the parts of a mail. Never throws. */
export function readParts(mail: RawMail): MailParts {
  const draft: Draft = { htmlBytes: 0, others: 0, parts: 0, faults: new Set() };
  if (mail.body.length > BODY_LIMIT)
    draft.faults.add(`only the first ${BODY_LIMIT} octets of the body were read`);
  readPart({ fields: mail.fields, body: mail.body.slice(0, BODY_LIMIT) }, 0, draft);
  const { text, html, htmlBytes, others, faults } = draft;
  return {
    ...(text === undefined ? {} : { text }),
    ...(html === undefined ? {} : { html }),
    htmlBytes,
    others,
    faults: [...faults],
  };
}

interface Part {
  readonly fields: readonly RawField[];
  readonly body: string;
}

function readPart(part: Part, depth: number, draft: Draft): void {
  draft.parts += 1;
  const type = fieldsOf(part, 'Content-Type')[0]?.value ?? 'text/plain';
  const media = /^\s*([\w.+-]+\/[\w.+-]+)/.exec(type)?.[1]?.toLowerCase() ?? 'text/plain';
  const boundary = parameter(type, 'boundary');
  if (media.startsWith('multipart/') && boundary !== null) {
    if (depth >= DEPTH_LIMIT) draft.faults.add(`parts more than ${DEPTH_LIMIT} levels deep were not read`);
    else for (const inner of splitParts(part.body, boundary, draft)) readPart(inner, depth + 1, draft);
    return;
  }
  const isAttachment = /^\s*attachment/i.test(fieldsOf(part, 'Content-Disposition')[0]?.value ?? '');
  const kind = media === 'text/html' ? 'html' : media === 'text/plain' ? 'text' : null;
  if (isAttachment || kind === null || draft[kind] !== undefined) {
    draft.others += 1;
    return;
  }
  const bytes = decodeTransfer(part);
  const charset = parameter(type, 'charset') ?? 'utf-8';
  const decoded = decodeCharset(bytes, charset === 'us-ascii' ? 'utf-8' : charset);
  if (decoded === null)
    draft.faults.add(`the charset ${charset} is not known; the ${kind} part was read as Latin-1`);
  draft[kind] = (decoded ?? bytes.toString('latin1')).replace(/\r\n/g, '\n');
  if (kind === 'html') draft.htmlBytes = bytes.length;
}

function splitParts(body: string, boundary: string, draft: Draft): Part[] {
  const delimiter = `--${boundary}`;
  const parts: Part[] = [];
  let at = body.startsWith(delimiter) ? 0 : body.indexOf(`\r\n${delimiter}`);
  while (at >= 0) {
    const start = body.indexOf('\r\n', at + delimiter.length);
    if (start < 0 || body.startsWith('--', body.indexOf(delimiter, at) + delimiter.length)) break;
    if (draft.parts + parts.length >= PART_LIMIT) {
      draft.faults.add(`only the first ${PART_LIMIT} parts were read`);
      break;
    }
    const next = body.indexOf(`\r\n${delimiter}`, start);
    parts.push(readBlock(body.slice(start + 2, next < 0 ? undefined : next)));
    at = next;
  }
  return parts;
}

function readBlock(block: string): Part {
  if (block.startsWith('\r\n')) return { fields: [], body: block.slice(2) };
  const blank = block.indexOf('\r\n\r\n');
  const header = blank < 0 ? block : block.slice(0, blank);
  return { fields: readFields(header).fields, body: blank < 0 ? '' : block.slice(blank + 4) };
}

function decodeTransfer(part: Part): Buffer {
  const encoding = fieldsOf(part, 'Content-Transfer-Encoding')[0]?.value.toLowerCase() ?? '7bit';
  if (encoding === 'quoted-printable') return decodeQuotedPrintable(part.body);
  if (encoding === 'base64') return Buffer.from(part.body, 'base64');
  return Buffer.from(part.body, 'latin1');
}

function parameter(value: string, name: string): string | null {
  const pattern = new RegExp(`;\\s*${name}\\s*=\\s*(?:"([^"]*)"|([^\\s;"]+))`, 'i');
  const match = pattern.exec(value.slice(0, 2_000));
  return match?.[1] ?? match?.[2] ?? null;
}
