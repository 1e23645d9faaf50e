/**
 * Unsubscribe mails: Adieu, which commits before it says 250, beside Haraka, which says 250 and discards.
 *
 * One rule: every mail is another person's, to the address of a mail that was delivered, so that each has to write; a round counts when the
 * history has a row more for each 250. Both get the same octets, from the same senders.
 *
 * @module
 */
import { generateKeyRing } from '@adieu/core';
import pg from 'pg';
import { runAdieu } from '../running-adieu.ts';
import { startChild } from './child.ts';
import { cpuOf } from './cpu.ts';
import type { Ground } from './ground.ts';
import { startHaraka } from './haraka-server.ts';
import type { Lane, Round } from './lane.ts';
import { mailEverybody } from './mailed.ts';
import type { Delivery, Letter, Replies } from './mailers.ts';

/** How senders come: many at a time, as they do where mail goes to many mailbox providers. Who sends much keeps connections; who comes once waits for the greeting, so more of them are there at a time. */
const MANNERS = {
  kept: { connections: 128, perConnection: Number.POSITIVE_INFINITY, share: 1 },
  once: { connections: 200, perConnection: 1, share: 0.5 },
} as const;

type Manner = keyof typeof MANNERS;

/** Who is written to. */
interface Target {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** Processes that work for it; empty where it needs none. */
  readonly servers: readonly number[];
  /** Opt-outs by mail in the history so far; null where nothing is written. */
  readonly written: (() => Promise<number>) | null;
  close(): Promise<void>;
}

/** How much is mailed. */
export interface ByMailOptions {
  /** Mails of a round. */
  readonly size: number;
  readonly rounds: number;
  /** Whether Haraka is there to be measured. */
  readonly haraka: boolean;
  /** Arguments of Node for Adieu's process. */
  readonly nodeArguments?: readonly string[];
}

/** Opens the lanes `byMail` and `byMailOnce`, which are Adieu, and `haraka` and `harakaOnce`. A round before the first one warms up. */
export async function openByMailLanes(options: ByMailOptions, ground: Ground): Promise<Lane[]> {
  const env = { ADIEU_KEYRING: generateKeyRing() };
  const sizeOf = (manner: Manner): number => Math.ceil(options.size * MANNERS[manner].share);
  const needed = (manner: Manner): number => sizeOf(manner) * (options.rounds + 1);
  const people = needed('kept') + needed('once');
  const mailed = await mailEverybody({ name: 'letters', people, env }, ground);
  const letters = lettersOf(mailed.headers);
  if (letters.length !== people)
    throw new Error(`${people} mails have ${letters.length} addresses to leave by`);
  const mailers = await startChild('./mailers.ts');
  const targets = [await startAdieuTarget(mailed.env, options, ground)];
  if (options.haraka) targets.push(await startHarakaTarget());

  const lanes = (['kept', 'once'] as const).flatMap((manner) => {
    const from = manner === 'kept' ? 0 : needed('kept');
    const share = letters.slice(from, from + needed(manner));
    return targets.map((target) => laneOf(target, manner, [...share]));
  });

  function laneOf(target: Target, manner: Manner, unused: Letter[]): Lane {
    async function run(): Promise<Round> {
      const mails = unused.splice(0, sizeOf(manner));
      const { connections, perConnection } = MANNERS[manner];
      const delivery: Delivery = { port: target.port, mails, connections, perConnection };
      const writtenBefore = (await target.written?.()) ?? 0;
      const before = cpu(target);
      const replies = (await mailers.ask(delivery)) as Replies;
      const after = cpu(target);
      const written = (await target.written?.()) ?? null;
      const rows = written === null ? null : written - writtenBefore;
      checkReplies(target.name, replies, { mails: mails.length, rows });
      return {
        perSecond: mails.length / (replies.lastedMs / 1000),
        cpuMs: before === null || after === null ? null : (after.all - before.all) / mails.length,
        ...(before === null || after === null || target.servers.length === 0
          ? {}
          : { databaseCpuMs: (after.servers - before.servers) / mails.length }),
        octets: null,
        latencyMs: { p50: replies.p50Ms, p99: replies.p99Ms },
      };
    }
    return {
      name: manner === 'kept' ? target.name : `${target.name}Once`,
      warmUp: run,
      round: run,
      // Two lanes have one target, and all have the same senders.
      async close() {
        await target.close();
        await mailers.close();
      },
    };
  }
  return lanes;
}

/** Throws unless every mail was replied 250 and has its row. `rows`: null where nothing is written. */
export function checkReplies(
  name: string,
  { codes }: Pick<Replies, 'codes'>,
  { mails, rows }: { readonly mails: number; readonly rows: number | null },
): void {
  if (codes[250] !== mails || Object.keys(codes).length > 1)
    throw new Error(`${name}: ${mails} mails were replied ${JSON.stringify(codes)}`);
  if (rows !== null && rows !== mails)
    throw new Error(`${name}: the history has ${rows} rows more after ${mails} replies of 250`);
}

function cpu({ pid, servers }: Target): { readonly all: number; readonly servers: number } | null {
  const [all, ofServers] = [cpuOf([pid, ...servers]), cpuOf(servers)];
  return all === null || ofServers === null ? null : { all, servers: ofServers };
}

/** Who got each mail, and the address in its header to leave by. */
function lettersOf(headers: readonly Buffer[]): Letter[] {
  return headers.flatMap((header) => {
    const text = header.toString('latin1').replace(/\r\n[ \t]+/g, ' ');
    const from = /^To: .*?([^<>\s]+@[^<>\s]+)/m.exec(text)?.[1];
    const to = /^List-Unsubscribe: .*?<mailto:([^>?]*)/m.exec(text)?.[1];
    return from === undefined || to === undefined
      ? []
      : [{ from, to: decodeURIComponent(to.replaceAll(' ', '')) }];
  });
}

async function startAdieuTarget(
  env: Readonly<Record<string, string>>,
  { nodeArguments = [] }: ByMailOptions,
  ground: Ground,
): Promise<Target> {
  const adieu = await runAdieu({
    backend: { env, dataDir: null },
    relayUrl: ground.sink.url,
    roles: 'inbound',
    nodeArguments,
  });
  const client = new pg.Client({ connectionString: env.DATABASE_URL });
  await client.connect();
  return {
    name: 'byMail',
    port: adieu.smtpPort,
    pid: adieu.pid,
    servers: ground.servers,
    async written() {
      const { rows } = await client.query<{ count: string }>(
        `SELECT count(*) FROM consent_history WHERE source = 'header_mailto'`,
      );
      return Number(rows[0]?.count);
    },
    close: once(async () => {
      await client.end();
      await adieu.stop();
    }),
  };
}

async function startHarakaTarget(): Promise<Target> {
  const { port, pid, close } = await startHaraka();
  return { name: 'haraka', port, pid, servers: [], written: null, close: once(close) };
}

function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | null = null;
  return () => {
    closing ??= close();
    return closing;
  };
}
