/**
 * One mail that somebody has to make something of, read no more than once.
 *
 * Its beginning is all there is: a report says what it has to say there, and what lies beyond is only counted. It is read in a
 * thread that can be ended; what could not be read there is a mail for a person to read.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { Report } from '@adieu/mail/report';
import { callerOf } from './admission.ts';
import type { Content } from './content.ts';
import type { DmarcOpinion, DnsAnswer } from './dmarc.ts';
import type { Readers, Reading, Unreadable } from './readers.ts';

/** Octets of a mail that are kept: a full header and a full body of what the reader looks at. */
export const KEPT_OCTETS = 1_310_720;

/** A mail, and who brought it. */
export interface Correspondence {
  readonly content: Content;
  /** The envelope's, as it was given; empty for the null reverse-path. */
  readonly sender: string;
  readonly remoteAddress: string;
  readonly helo: string;
  /** What we saw of its delivery, to be put on top of it. */
  readonly trace: string;
  /** What it reports. This and the next three reject when too many mails are being read: the sender comes again. */
  report(): Promise<Reading<Report>>;
  /** The addresses in it; none when it could not be read. */
  mentions(): Promise<readonly string[]>;
  /** Whether its author says nothing but that they want to leave; false when it could not be read. */
  leaving(): Promise<boolean>;
  /** What DMARC says of its author, given what DNS has said. */
  dmarc(known: readonly DnsAnswer[]): Promise<Reading<DmarcOpinion>>;
  /** 32 bytes that are the same when the same mail comes again, for what else is bound to it (IN-21). */
  digest(...bound: readonly string[]): Buffer;
}

/** Why a mail could not be read, for a person. */
export const UNREADABLE: Readonly<Record<Unreadable, string>> = {
  time: 'reading it took too long',
  memory: 'reading it needed too much memory',
  fault: 'could not be read',
};

/** Opens a mail. */
export function openCorrespondence(
  mail: Pick<Correspondence, 'content' | 'sender' | 'remoteAddress' | 'helo' | 'trace'>,
  readers: Readers,
): Correspondence {
  const { raw } = mail.content;
  const caller = callerOf(mail.remoteAddress);
  let report: Promise<Reading<Report>> | undefined;
  let mentions: Promise<readonly string[]> | undefined;
  return {
    ...mail,
    report: () => {
      report ??= readers.ask({ kind: 'report', raw, nullSender: mail.sender === '' }, caller);
      return report;
    },
    mentions: () => {
      mentions ??= readers
        .ask({ kind: 'mentions', raw }, caller)
        .then((reading) => (reading.ok ? reading.answer : []));
      return mentions;
    },
    leaving: async () => {
      const reading = await readers.ask({ kind: 'leaving', raw }, caller);
      return reading.ok && reading.answer;
    },
    dmarc: (known) => {
      const { sender, helo, remoteAddress } = mail;
      const ip = remoteAddress.replace(/^::ffff:/, '');
      return readers.ask({ kind: 'dmarc', raw, sender, helo, ip, known }, caller);
    },
    digest: (...bound) => digestOf(mail.content, bound),
  };
}

/** The values of a field, in order; the name in lower case. */
export function valuesOf({ fields }: Content, name: string): string[] {
  return fields.filter((field) => field.name === name).map((field) => field.value.trim());
}

/**
 * By its Message-ID where it has one, else by its words: relays add to the header, not to the body. The author goes with it, since
 * there are programs that write one id into every mail.
 */
function digestOf(content: Content, bound: readonly string[]): Buffer {
  const [id = '', ...more] = valuesOf(content, 'message-id');
  const hash = createHash('sha256').update(JSON.stringify([...bound, ...valuesOf(content, 'from')]));
  if (more.length === 0 && !/^<?>?$/.test(id)) return hash.update(`id ${id}`).digest();
  const body = content.raw.indexOf('\r\n\r\n');
  return hash
    .update('body ')
    .update(content.raw.subarray(Math.max(body, 0)))
    .digest();
}
