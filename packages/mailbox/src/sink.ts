/**
 * An SMTP server that takes every mail and keeps it: the relay of the demo.
 *
 * It answers as a large mailbox provider's would (pipelining, 8BITMIME, SMTPUTF8, SIZE), asks for no login and
 * sends nothing on. For use on one's own machine; it is no mail server. RFC 5321.
 *
 * @module
 */
import type { Log } from '@adieu/core';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { Arrival } from './shelf.ts';

export interface SinkOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Octets of one mail. */
  readonly maxSize: number;
  /** The 250 waits for it. */
  readonly take: (arrival: Arrival) => Promise<unknown>;
  readonly log: Log;
}

export interface Sink {
  readonly port: number;
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 2_000;

export async function startSink(options: SinkOptions): Promise<Sink> {
  const { log } = options;
  const server = new SMTPServer({
    name: 'mailbox.localhost',
    banner: 'Adieu demo mailbox',
    size: options.maxSize,
    rejectOversized: true,
    hideENHANCEDSTATUSCODES: false,
    disabledCommands: ['AUTH', 'STARTTLS', 'WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD'],
    disableReverseLookup: true,
    // Real addresses are odd: a demo shows them instead of refusing them.
    lenientAddressParsing: true,
    closeTimeout: CLOSE_GRACE_MS,
    logger: false,
    onData: (stream, session, done) => {
      take(stream, session).then(
        () => done(null, 'Delivered'),
        (error) => {
          log.error({ error: String(error) }, 'a mail could not be kept');
          done(Object.assign(new Error('The mailbox cannot keep this now'), { responseCode: 451 }));
        },
      );
    },
  });
  server.on('error', (error) => log.debug({ error: String(error) }, 'a connection to the mailbox failed'));

  async function take(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) {
      // Past the limit the answer is 552 whatever happens here, so nothing more is kept.
      if (stream.byteLength <= options.maxSize) chunks.push(chunk);
      else chunks.length = 0;
    }
    if (stream.sizeExceeded) return;
    const { mailFrom, rcptTo } = session.envelope;
    await options.take({
      sender: mailFrom === false ? '' : mailFrom.address,
      recipients: rcptTo.map((recipient) => recipient.address),
      raw: Buffer.concat(chunks),
    });
  }

  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.server.off('error', reject);
      resolve();
    });
  });
  const address = server.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
