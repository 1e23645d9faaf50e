/**
 * One mail that somebody has to make something of, read no more than once.
 *
 * Its beginning is all there is: a report says what it has to say there, and what lies beyond is only counted. Reading is linear
 * and bounded, whatever comes (1.3 MB of the worst kind takes a fraction of a second), so it needs no thread of its own; one that
 * fails all the same is a mail for a person to read.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { type Report, readReport } from '@adieu/mail';
import type { Content } from './content.ts';

/** Octets of a mail that are kept: a full header and a full body of what the reader looks at. */
export const KEPT_OCTETS = 1_310_720;

/** A mail, and who brought it. */
export interface Correspondence {
  readonly content: Content;
  /** The envelope's, as it was given; empty for the null reverse-path. */
  readonly sender: string;
  readonly remoteAddress: string;
  readonly helo: string;
  /** Null when it could not be read. */
  report(): Report | null;
  /** 32 bytes that are the same when the same mail comes again, for what else is bound to it (IN-21). */
  digest(...bound: readonly string[]): Buffer;
}

/** Opens a mail. */
export function openCorrespondence(
  mail: Pick<Correspondence, 'content' | 'sender' | 'remoteAddress' | 'helo'>,
): Correspondence {
  let reading: Report | null | undefined;
  return {
    ...mail,
    report: () => {
      if (reading === undefined) reading = read(mail);
      return reading;
    },
    digest: (...bound) => digestOf(mail.content, bound),
  };
}

/** The values of a field, in order; the name in lower case. */
export function valuesOf({ fields }: Content, name: string): string[] {
  return fields.filter((field) => field.name === name).map((field) => field.value.trim());
}

/**
 * The null sender stands in the envelope only; a mail store would write it down (RFC 5321 section 4.4). What says nothing but
 * that is not known to be an answer: it may be a bounce of a kind that nobody has met.
 */
function read({ content, sender }: Pick<Correspondence, 'content' | 'sender'>): Report | null {
  try {
    const plain = readReport(content.raw);
    const [first] = plain.recipients;
    if (sender !== '' || first?.kind !== 'none' || plain.feedbackType !== undefined) return plain;
    const told = readReport(Buffer.concat([Buffer.from('Return-Path: <>\r\n'), content.raw]));
    return told.recipients[0]?.kind === 'auto-reply' ? plain : told;
  } catch {
    return null;
  }
}

/** By its Message-ID where it has one, else by its words: relays add to the header, not to the body. */
function digestOf(content: Content, bound: readonly string[]): Buffer {
  const ids = valuesOf(content, 'message-id');
  const hash = createHash('sha256').update(JSON.stringify(bound));
  if (ids.length === 1 && ids[0] !== '') return hash.update(`id ${ids[0]}`).digest();
  const body = content.raw.indexOf('\r\n\r\n');
  return hash
    .update('body ')
    .update(content.raw.subarray(Math.max(body, 0)))
    .digest();
}
