/**
 * The demo mailbox: takes every mail by SMTP and shows it as a mailbox provider would, with its way out.
 *
 * It stands where the relay and all mailbox providers of the world would stand, so that a person can see on one
 * machine what a recipient sees, press the buttons a recipient presses and read the answers.
 *
 * @module
 */
import type { AddressInfo } from 'node:net';
import type { Log, ResolveTxt, VerifySignatures } from '@adieu/core';
import { openReadings } from './reading.ts';
import { type Mail, openShelf } from './shelf.ts';
import { startSink } from './sink.ts';
import { createSite } from './site.ts';

export interface MailboxOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly smtpPort: number;
  readonly httpPort: number;
  readonly verify: VerifySignatures;
  readonly resolve: ResolveTxt;
  /** Where a mail to a mailto address is delivered; without it that button answers so. */
  readonly relayInbound?: { readonly host: string; readonly port: number };
  /**
   * Where the link hosts of the mails really listen (`http://127.0.0.1:3000`), for domains without DNS: the
   * button posts there under the host's own name. Without it the button posts to the address as it stands.
   */
  readonly postBase?: string;
  /** Mails to keep; the oldest go first. */
  readonly keep?: number;
  /** Where mails survive a restart; without it they live in memory. */
  readonly directory?: string;
  /** Octets of one mail. */
  readonly maxSize?: number;
  readonly log: Log;
}

export interface Mailbox {
  /** `smtp://127.0.0.1:1025`: a relay URL. */
  readonly smtpUrl: string;
  readonly url: string;
  /** Newest first. */
  messages(): readonly Mail[];
  close(): Promise<void>;
}

export async function startMailbox(options: MailboxOptions): Promise<Mailbox> {
  const { host, log } = options;
  const shelf = await openShelf({
    keep: options.keep ?? 500,
    ...(options.directory === undefined ? {} : { directory: options.directory }),
    log,
  });
  const readings = openReadings({ verify: options.verify, resolve: options.resolve });
  const sink = await startSink({
    host,
    port: options.smtpPort,
    maxSize: options.maxSize ?? 25 * 1024 * 1024,
    take: shelf.add,
    log,
  });
  const site = createSite({
    shelf,
    readings,
    ...(options.relayInbound === undefined ? {} : { relayInbound: options.relayInbound }),
    ...(options.postBase === undefined ? {} : { postBase: options.postBase }),
    log,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      site.once('error', reject);
      site.listen(options.httpPort, host, () => {
        site.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    await sink.close();
    throw error;
  }
  const { port } = site.address() as AddressInfo;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    smtpUrl: `smtp://${shownHost}:${sink.port}`,
    url: `http://${shownHost}:${port}`,
    messages: shelf.list,
    close: async () => {
      const closed = new Promise<void>((resolve) => site.close(() => resolve()));
      site.closeAllConnections();
      await Promise.all([closed, sink.close()]);
    },
  };
}
