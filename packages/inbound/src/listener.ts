/**
 * The inbound SMTP listener: mail to `unsubscribe+<token>@` a subdomain is an opt-out, to `bounce+<token>@` a report, and to
 * role addresses a complaint or something for a person to read.
 *
 * Everything is decided within the session, so nothing is ever bounced or answered later (RFC 5321 §6.1).
 * The 250 after DATA is our promise to stop: it waits for the commit of what the mail means for every recipient, and
 * whatever prevents that is temporary (451), because a sender that comes back loses nothing.
 *
 * @module
 */

import { Resolver } from 'node:dns/promises';
import type { Socket } from 'node:net';
import {
  type KeyRing,
  type Log,
  type MailClaims,
  type Meter,
  type RecordOptOut,
  type RecordReport,
  UNMETERED,
} from '@adieu/core';
import { type Database, noteCanary } from '@adieu/store';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import { type Admission, openAdmission } from './admission.ts';
import { openAudiences } from './audience.ts';
import { fromHere, isFresh, startCanary } from './canary.ts';
import { tighten } from './connection.ts';
import { openDesk } from './desk.ts';
import { type Networks, openProxies, type Proxies } from './proxies.ts';
import { openReaders, type Readers } from './readers.ts';
import type { ResolveDns } from './sender.ts';
import { type InboundStats, openTally, type Tally } from './tally.ts';
import { openTransactions } from './transaction.ts';

export interface InboundOptions {
  readonly database: Database;
  readonly recorder: RecordOptOut;
  readonly reports: RecordReport;
  /** Goes the way of an opt-out, for nobody: what canaries are held to. */
  readonly rehearse: () => Promise<void>;
  readonly ring: KeyRing;
  /** Answers what DMARC asks; DNS unless told otherwise. */
  readonly resolver?: ResolveDns;
  /** What reads mail, and is closed by who opened it; threads of the listener's own unless told otherwise. */
  readonly readers?: Readers;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** PEM. Without it STARTTLS is not offered: the library's own certificate is public knowledge. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Seconds from connecting to hanging up, whatever the caller does meanwhile. */
  readonly deadlineSeconds: number;
  /** The same for who comes while more than half of {@link maxConnections} are taken; 30 unless told otherwise. */
  readonly crowdedDeadlineSeconds?: number;
  readonly maxPerIp: number;
  /** Open connections in total; 1,000 unless told otherwise. */
  readonly maxConnections?: number;
  /** Messages per caller and minute; more get 450. 1,200 unless told otherwise. */
  readonly messagesPerMinute?: number;
  /** Octets of one message, at least 65,536 (RFC 5321 §4.5.3.1.7). */
  readonly maxSize: number;
  /** Peers that begin with a PROXY header, which names the caller; nobody unless told otherwise. */
  readonly proxies?: Networks;
  /** What may stand between `unsubscribe` or `bounce` and its token; `+` unless told otherwise. */
  readonly separators?: readonly string[];
  /** How often the listener sends itself a canary; never unless told. */
  readonly canarySeconds?: number | null;
  readonly log: Log;
  readonly meter?: Meter;
  /** The name in the greeting. */
  readonly name: string;
}

export interface Inbound {
  readonly port: number;
  stats(): InboundStats;
  /** Null while mail comes in, as far as canaries tell; else why not. */
  ready(): string | null;
  /** When a canary and when a mail last came in; null before the first. */
  last(): { readonly canaryAt: Date | null; readonly mailAt: Date | null };
  /** Stops listening, lets messages in flight finish (at most 10 s), hangs up on everybody else at once. */
  close(): Promise<void>;
}

const SMALLEST_SIZE_LIMIT = 65_536;
/** RFC 5321 §4.5.3.1.8 asks for 100 at least. */
const MAX_RECIPIENTS = 100;
const CLOSE_GRACE_MS = 10_000;
/** An unsubscribe takes a second or two; an idle caller should not keep its place from one for minutes. */
const CROWDED_DEADLINE_SECONDS = 30;
/** Callers turned away who are still being told why; further ones just see the connection end. */
const MAX_TURNED_AWAY = 200;

/** Canaries that came and that nobody has asked for. */
const CANARIES_KEPT = 16;

/** Opens the listener; resolves once it listens. */
export async function startInbound(options: InboundOptions): Promise<Inbound> {
  const { log, database } = options;
  const admission = openAdmission({
    maxPerIp: options.maxPerIp,
    maxConnections: options.maxConnections ?? 1000,
    messagesPerMinute: options.messagesPerMinute ?? 1200,
  });
  const { recorder, reports, ring, resolver = systemResolver() } = options;
  const { domains, hosts } = openAudiences(database);
  const now = () => new Date();
  const readers = options.readers ?? (await openReaders({ log }));
  const closeReaders = async (): Promise<void> => {
    if (options.readers === undefined) await readers.close();
  };
  const { meter = UNMETERED } = options;
  const tally = openTally(meter);
  const canaries = openCanaries(options, tally, now);
  measureConnections(meter, admission);
  const transactions = openTransactions({
    tally,
    canary: canaries.store,
    domains,
    recorder,
    desk: openDesk({ database, recorder, reports, ring, domains, hosts, resolver, now }),
    readers,
    ring,
    separators: options.separators ?? ['+'],
    name: options.name,
    maxSize: Math.max(options.maxSize, SMALLEST_SIZE_LIMIT),
    admitMessage: admission.message,
    log,
  });
  const turnAway = openTurnAway(`421 ${options.name} Too many connections, try again later\r\n`);
  const server = new SMTPServer(serverOptions(options));
  server.onMailFrom = transactions.onMailFrom;
  server.onRcptTo = transactions.onRcptTo;
  server.onData = transactions.onData;
  const proxies = openProxies(options.proxies ?? []);
  server.connect = (socket, socketOptions) => {
    proxies.introduce(socket, (source) => {
      const from = source === null ? {} : { remoteAddress: source.address, remotePort: source.port };
      receive(socket, { ...socketOptions, ...from });
    });
  };
  const receive = (socket: Socket, caller: NonNullable<Parameters<typeof server.connect>[1]>): void => {
    const admitted = admission.enter(caller.remoteAddress ?? socket.remoteAddress ?? '');
    if (!admitted.ok) {
      tally.count('turnedAway');
      log.debug({ full: admitted.full }, 'connection turned away');
      turnAway(socket);
      return;
    }
    const connection = new SMTPConnection(server, socket, caller);
    tighten(connection, {
      deadlineSeconds: admitted.crowded
        ? Math.min(options.deadlineSeconds, options.crowdedDeadlineSeconds ?? CROWDED_DEADLINE_SECONDS)
        : options.deadlineSeconds,
      onGone: () => {
        admitted.leave();
        transactions.forget(connection);
      },
    });
    transactions.follow(connection);
    server.connections.add(connection);
    connection.on('error', (error) => log.debug({ error: String(error) }, 'connection failed'));
    connection.init();
  };
  server.on('error', (error) => log.error({ error: String(error) }, 'inbound listener failed'));

  const { host, port } = await listen(server, options).catch(async (cause) => {
    await closeReaders();
    throw cause;
  });
  log.info({ port, startTls: options.tls !== undefined }, 'inbound SMTP listens');
  const { canarySeconds: everySeconds = null } = options;
  const canary =
    everySeconds === null
      ? null
      : startCanary({
          ...{ ring, host, port, everySeconds, log, meter },
          arrived: canaries.arrived,
          introduce: proxies.lists(host),
        });
  return {
    port,
    stats: tally.stats,
    ready: () => canary?.ready() ?? null,
    last: () => ({ canaryAt: canary?.lastAt() ?? null, mailAt: tally.lastMailAt() }),
    async close() {
      await canary?.close();
      await close(server, transactions, proxies);
      await closeReaders();
    },
  };
}

/** Canaries that came, each until its sender asks. One that is too old to be ours is stored by nobody. */
function openCanaries(
  { database, rehearse }: Pick<InboundOptions, 'database' | 'rehearse'>,
  tally: Tally,
  now: () => Date,
) {
  const stored = new Set<number>();
  return {
    async store(claims: MailClaims): Promise<void> {
      if (!isFresh(claims, now())) throw new Error('a canary of another day');
      // First: one that is noted tells everybody that opt-outs are being written.
      await rehearse();
      await noteCanary(database.db, tally.lastMailAt());
      stored.add(claims.profile);
      // Others may send some, too.
      if (stored.size > CANARIES_KEPT) stored.delete([...stored][0] ?? 0);
    },
    arrived: (nonce: number) => stored.delete(nonce),
  };
}

function measureConnections(meter: Meter, admission: Admission): void {
  meter.gauge(
    {
      name: 'adieu_inbound_open_connections',
      meaning: 'Connections to the inbound listener that are open now.',
      labels: {},
    },
    (mark) => mark({}, admission.open()),
  );
}

/** A caller waits for the answer, and may ask again. */
function systemResolver(): ResolveDns {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  return resolver.resolve.bind(resolver) as ResolveDns;
}

function serverOptions(options: InboundOptions): SMTPServerOptions {
  const commands = ['AUTH', 'WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD'];
  return {
    name: options.name,
    banner: 'Adieu',
    heloResponse: '%s at your service',
    size: Math.max(options.maxSize, SMALLEST_SIZE_LIMIT),
    rejectOversized: true,
    maxRecipients: MAX_RECIPIENTS,
    hideENHANCEDSTATUSCODES: false,
    disableReverseLookup: true,
    useProxy: false,
    useXClient: false,
    useXForward: false,
    socketTimeout: Math.min(options.deadlineSeconds, 300) * 1000,
    closeTimeout: CLOSE_GRACE_MS,
    logger: false,
    ...(options.tls === undefined
      ? { disabledCommands: [...commands, 'STARTTLS'] }
      : { disabledCommands: commands, ...options.tls, minVersion: 'TLSv1.2' as const }),
  };
}

function listen(server: SMTPServer, { host, port }: InboundOptions): Promise<Bound> {
  return new Promise((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(port, host, () => {
      server.server.off('error', reject);
      const address = server.server.address();
      resolve(
        typeof address === 'object' && address !== null
          ? { host: fromHere(address.address), port: address.port }
          : { host, port },
      );
    });
  });
}

/** Where a listener is reached from this machine. */
interface Bound {
  readonly host: string;
  readonly port: number;
}

/** A caller who is turned away gets to read why, and no more than a second for it. */
function openTurnAway(reply: string): (socket: Socket) => void {
  let parting = 0;
  return (socket) => {
    socket.on('error', () => undefined);
    if (parting >= MAX_TURNED_AWAY) {
      socket.destroy();
      return;
    }
    parting += 1;
    const hurry = setTimeout(() => socket.destroy(), 1000).unref();
    socket.once('close', () => {
      clearTimeout(hurry);
      parting -= 1;
    });
    socket.end(reply);
    socket.resume();
  };
}

async function close(
  server: SMTPServer,
  transactions: ReturnType<typeof openTransactions>,
  proxies: Proxies,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  proxies.close();
  transactions.drain();
  await closed;
  for (const connection of transactions.followed()) connection._socket.destroy();
}
