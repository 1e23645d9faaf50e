/**
 * The other way out: a mail to the header's mailto address, sent as Apple Mail sends it.
 *
 * Apple Mail honours only mailto and leaves the subject empty, whatever the URI says; so a token that stands
 * anywhere but in the address is lost (MT-1). This is the client half of RFC 5321 by hand: one connection, one
 * recipient, every reply shown.
 *
 * @module
 */
import { connect, type Socket } from 'node:net';
import { type Address, parseAddress } from '@adieu/core';
import type { Departure } from './shelf.ts';

export interface MailtoOptions {
  /** The `mailto:` URI of the header. */
  readonly uri: string;
  /** Who leaves: the recipient of the mail. */
  readonly from: string;
  /** Where mail to that domain is delivered; without it nothing is sent. */
  readonly inbound?: { readonly host: string; readonly port: number };
}

const DEADLINE_MS = 20_000;
const LONGEST_REPLY = 4_096;

export async function sendMailto(options: MailtoOptions): Promise<Departure> {
  const at = new Date().toISOString();
  const to = addressOf(options.uri);
  const from = parseAddress(options.from);
  if (to === null) return failed(at, 'The header holds no mailto address that can be written to.');
  if (!from.ok) return failed(at, 'This mail has no recipient who could write.');
  if (options.inbound === undefined)
    return failed(at, 'There is no inbound listener to deliver this mail to.');
  const dialogue: string[] = [];
  try {
    const code = await deliver(options.inbound, messageOf(from.address, to), dialogue);
    return { way: 'mailto', at, code, dialogue };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { way: 'mailto', at, code: null, dialogue: [...dialogue, `No answer: ${reason}`] };
  }
}

/** The one address of a `mailto:` URI (RFC 6068 §2); a list, or anything that is no plain address, is refused. */
function addressOf(uri: string): Address | null {
  const match = /^mailto:([^?#]*)/i.exec(uri);
  if (match?.[1] === undefined) return null;
  try {
    const parsed = parseAddress(decodeURIComponent(match[1]));
    return parsed.ok ? parsed.address : null;
  } catch {
    return null;
  }
}

interface Message {
  readonly from: Address;
  readonly to: Address;
  readonly lines: readonly string[];
}

function messageOf(from: Address, to: Address): Message {
  return {
    from,
    to,
    lines: [
      `From: ${from.spelling}`,
      `To: ${to.spelling}`,
      'Subject: ',
      `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
      `Message-ID: <${crypto.randomUUID()}@mailbox.localhost>`,
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=us-ascii',
      '',
      'This message was sent by Apple Mail to unsubscribe from the message list.',
    ],
  };
}

/** Holds the dialogue; resolves with the code of the reply that decided. */
async function deliver(
  inbound: { readonly host: string; readonly port: number },
  message: Message,
  dialogue: string[],
): Promise<number> {
  const replies = openReplies(connect(inbound.port, inbound.host));
  const say = async (line: string): Promise<number> => {
    dialogue.push(`> ${line}`);
    replies.socket.write(`${line}\r\n`);
    return hear();
  };
  const hear = async (): Promise<number> => {
    const lines = await replies.next();
    dialogue.push(...lines.map((line) => `< ${line}`));
    return Number((lines.at(-1) ?? '').slice(0, 3));
  };
  try {
    const utf8 = message.from.ascii && message.to.ascii ? '' : ' SMTPUTF8';
    const steps: readonly (() => Promise<number>)[] = [
      hear,
      () => say('EHLO mailbox.localhost'),
      () => say(`MAIL FROM:<${message.from.spelling}>${utf8}`),
      () => say(`RCPT TO:<${message.to.spelling}>`),
      () => say('DATA'),
    ];
    for (const step of steps) {
      const code = await step();
      if (code >= 400) return code;
    }
    dialogue.push(...message.lines.map((line) => `> ${line}`), '> .');
    replies.socket.write(`${message.lines.join('\r\n')}\r\n.\r\n`);
    const code = await hear();
    dialogue.push('> QUIT');
    replies.socket.write('QUIT\r\n');
    return code;
  } finally {
    replies.socket.end();
    setTimeout(() => replies.socket.destroy(), 1000).unref();
  }
}

/** Reads replies, also those of several lines; rejects when the other side hangs up or takes too long. */
function openReplies(socket: Socket): { socket: Socket; next(): Promise<string[]> } {
  let pending = '';
  const incoming = socket[Symbol.asyncIterator]();
  const deadline = setTimeout(() => socket.destroy(new Error('no answer in time')), DEADLINE_MS);
  socket.once('close', () => clearTimeout(deadline));
  socket.setEncoding('utf8');

  async function next(): Promise<string[]> {
    for (;;) {
      const reply = /^(?:\d{3}-.*\r?\n)*\d{3}(?: .*)?\r?\n/.exec(pending);
      if (reply !== null) {
        pending = pending.slice(reply[0].length);
        return reply[0].trimEnd().split(/\r?\n/);
      }
      if (pending.length > LONGEST_REPLY) throw new Error('the answer is no SMTP reply');
      const chunk = await incoming.next();
      if (chunk.done === true) throw new Error('the connection was closed');
      pending += String(chunk.value);
    }
  }

  return { socket, next };
}

function failed(at: string, reason: string): Departure {
  return { way: 'mailto', at, code: null, dialogue: [reason] };
}
