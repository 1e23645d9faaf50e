/**
 * One-click POSTs: Adieu, which commits before it answers, beside a server that answers without work.
 *
 * One rule: every POST is another person's, with the link of a mail that was delivered, so that each has to write; a round counts when
 * the history has a row more for each 200.
 *
 * @module
 */
import { generateKeyRing } from '@adieu/core';
import pg from 'pg';
import { runAdieu } from '../running-adieu.ts';
import { startChild } from './child.ts';
import { cpuOf } from './cpu.ts';
import type { Ground } from './ground.ts';
import type { Lane, Round } from './lane.ts';
import { mailEverybody } from './mailed.ts';
import { linksOf } from './opt-outs.ts';
import type { Answers, Volley } from './posts.ts';

/** The same for both: connections of many mailbox providers, each with one POST under way. */
const CONNECTIONS = 128;
/** Part of a round; what runs cold costs four times as much. */
const WARM_UP = 1;

/** Who is posted to. */
interface Target {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** Processes that work for it; empty where it needs none. */
  readonly servers: readonly number[];
  /** One-clicks in the history so far; null where nothing is written. */
  readonly written: (() => Promise<number>) | null;
  close(): Promise<void>;
}

/** How much is posted. */
export interface OneClickOptions {
  /** POSTs of a round. */
  readonly size: number;
  readonly rounds: number;
  /** Arguments of Node for Adieu's process. */
  readonly nodeArguments?: readonly string[];
}

/** Opens both lanes: `oneClick`, which is Adieu, and `bare`. */
export async function openOneClickLanes(options: OneClickOptions, ground: Ground): Promise<Lane[]> {
  const warmUp = Math.ceil(options.size * WARM_UP);
  const env = { ADIEU_KEYRING: generateKeyRing() };
  const people = warmUp + options.size * options.rounds;
  const mailed = await mailEverybody({ name: 'clicks', people, env }, ground);
  const everyLink = [...linksOf(mailed.headers).values()];
  if (everyLink.length !== people) throw new Error(`${people} mails have ${everyLink.length} links`);
  const gun = await startChild('./posts.ts');
  const targets = [await startAdieuTarget(mailed.env, options, ground), await startBareTarget()];

  return targets.map((target): Lane => {
    const links = [...everyLink];
    function cpu(): { readonly all: number; readonly servers: number } | null {
      const [all, servers] = [cpuOf([target.pid, ...target.servers]), cpuOf(target.servers)];
      return all === null || servers === null ? null : { all, servers };
    }
    async function run(count: number): Promise<Round> {
      const posted = links.splice(0, count);
      const volley: Volley = {
        url: target.url,
        host: posted[0]?.host ?? '',
        paths: posted.map(({ pathname, search }) => pathname + search),
        connections: CONNECTIONS,
      };
      const writtenBefore = (await target.written?.()) ?? 0;
      const before = cpu();
      const answers = (await gun.ask(volley)) as Answers;
      const after = cpu();
      const written = (await target.written?.()) ?? null;
      checkAnswers(target.name, answers, {
        posts: count,
        rows: written === null ? null : written - writtenBefore,
      });
      return {
        perSecond: count / (answers.lastedMs / 1000),
        cpuMs: before === null || after === null ? null : (after.all - before.all) / count,
        ...(before === null || after === null || target.servers.length === 0
          ? {}
          : { databaseCpuMs: (after.servers - before.servers) / count }),
        octets: null,
        latencyMs: { p50: answers.p50Ms, p99: answers.p99Ms },
      };
    }
    return {
      name: target.name,
      warmUp: () => run(warmUp),
      round: () => run(options.size),
      async close() {
        await target.close();
        await gun.close();
      },
    };
  });
}

/** Throws unless every POST was answered 200 and has its row. `rows`: null where nothing is written. */
export function checkAnswers(
  name: string,
  { statuses }: Pick<Answers, 'statuses'>,
  { posts, rows }: { readonly posts: number; readonly rows: number | null },
): void {
  if (statuses[200] !== posts || Object.keys(statuses).length > 1)
    throw new Error(`${name}: ${posts} POSTs were answered ${JSON.stringify(statuses)}`);
  if (rows !== null && rows !== posts)
    throw new Error(`${name}: the history has ${rows} rows more after ${posts} answers of 200`);
}

async function startAdieuTarget(
  env: Readonly<Record<string, string>>,
  { nodeArguments = [] }: OneClickOptions,
  ground: Ground,
): Promise<Target> {
  const adieu = await runAdieu({
    backend: { env, dataDir: null },
    relayUrl: ground.sink.url,
    roles: 'api',
    nodeArguments,
  });
  const client = new pg.Client({ connectionString: env.DATABASE_URL });
  await client.connect();
  return {
    name: 'oneClick',
    url: adieu.url,
    pid: adieu.pid,
    servers: ground.servers,
    async written() {
      const { rows } = await client.query<{ count: string }>(
        `SELECT count(*) FROM consent_history WHERE source = 'header_post'`,
      );
      return Number(rows[0]?.count);
    },
    async close() {
      await client.end();
      await adieu.stop();
    },
  };
}

async function startBareTarget(): Promise<Target> {
  const child = await startChild('./bare-server.ts');
  return {
    name: 'bare',
    url: String(child.hello.url),
    pid: child.pid,
    servers: [],
    written: null,
    close: child.close,
  };
}
