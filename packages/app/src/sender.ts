/**
 * Who a mailing is from: the channel configuration it goes through.
 *
 * Without a sender the configuration has to be there. With one, a configuration for its domain is made or renewed;
 * the domain must be a sending subdomain of the server, since only that has keys to sign with.
 *
 * @module
 */
import { Failure, parseAddress } from '@adieu/core';
import type { Management, SubdomainAnswer } from './management.ts';

/** What the command line says. */
export interface SenderOptions {
  /** `Name <address>` or an address. */
  readonly from?: string | undefined;
  /** The name of a channel configuration. */
  readonly configuration?: string | undefined;
  /** Make the sending subdomain where it is missing. */
  readonly createSubdomain?: boolean | undefined;
}

/** What was found or made. */
export interface Sender {
  readonly configuration: string;
  /** A subdomain that was made just now, with the records to publish. */
  readonly created: SubdomainAnswer | null;
}

/** What is used where nothing is said. */
const DEFAULT_CONFIGURATION = 'newsletter';

/** Throws `from_invalid`, `unknown_subdomain`, `unknown_channel_configuration`. */
export async function chooseSender(management: Management, options: SenderOptions): Promise<Sender> {
  if (options.from === undefined) {
    const configuration = options.configuration ?? DEFAULT_CONFIGURATION;
    if (await management.hasConfiguration(configuration)) return { configuration, created: null };
    const detail = `The server has no channel configuration "${configuration}". Say who sends: --from "Name <hello@news.example.com>".`;
    throw new Failure('unknown_channel_configuration', detail);
  }
  const from = readSender(options.from);
  const known = await management.findSubdomain(from.domain);
  if (known === null && options.createSubdomain !== true) {
    const detail =
      `${from.domain} is not a sending subdomain of this server. --create-subdomain makes it one ` +
      'and prints the DNS records to publish before mail to real people leaves.';
    throw new Failure('unknown_subdomain', detail, { field: 'from' });
  }
  const created = known === null ? await management.putSubdomain(from.domain, {}) : null;
  const configuration = options.configuration ?? `from-${from.domain}`.slice(0, 100);
  await management.putConfiguration(configuration, {
    subdomain: from.domain,
    emailType: 'marketing',
    from: { name: from.name, email: from.email },
  });
  return { configuration, created };
}

/** Reads `Name <address>`; an address alone is its own name. */
export function readSender(text: string): {
  readonly name: string;
  readonly email: string;
  readonly domain: string;
} {
  const [, name, inBrackets] = /^\s*"?([^"<>]*?)"?\s*<([^<>]+)>\s*$/.exec(text) ?? [];
  const parsed = parseAddress((inBrackets ?? text).trim());
  if (!parsed.ok) {
    throw new Failure('from_invalid', `--from ${JSON.stringify(text)} is no sender: ${parsed.reason}.`, {
      field: 'from',
    });
  }
  const { spelling, domain } = parsed.address;
  return { name: name === undefined || name === '' ? spelling : name, email: spelling, domain };
}
