/**
 * The embedded PostgreSQL: started by the first process of a data directory, stopped by the last.
 *
 * One rule: the server belongs to the data directory, not to a process. Each process that uses it holds a shared
 * advisory lock on a connection of its own; who closes and gets the exclusive one was the last. A process that
 * was killed leaves a live server, and the next one attaches; a server that was killed is started again.
 *
 * @module
 */
import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Log } from '@adieu/core';
import { Failure } from '@adieu/core';
import pg from 'pg';
import { sqlState } from './database-error.ts';
import type { Cluster } from './embedded-cluster.ts';
import {
  CLUSTER_USER,
  clusterMark,
  ensureCluster,
  findFreePort,
  isAlive,
  isFree,
  keepPort,
  keptPort,
} from './embedded-cluster.ts';

/** A running server. */
export interface EmbeddedServer {
  readonly url: string;
  /** What a copy of the files does not have; null where the file system cannot tell. */
  readonly mark: string | null;
  /** Resolves when the server is stopped, or at once while another process uses it. */
  close(): Promise<void>;
}

/** Where the data lies. `settings` are PostgreSQL's, beyond those set here. */
export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly log: Log;
  readonly settings?: Readonly<Record<string, string>>;
}

/** For a server that was there before: at the same port, and only while somebody waits for it. */
interface Return {
  readonly port?: number;
  readonly isUnwanted?: () => boolean;
}

const PATIENCE_MILLISECONDS = 60_000;
const RETRY_MILLISECONDS = 200;
const KEY = "hashtext('adieu'), hashtext('embedded server')";

/**
 * Loopback and password only. Nothing of a row may stand in the server's log: terse messages, no statements. Logs
 * rotate by weekday.
 */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  synchronous_commit: 'on',
  jit: 'off',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  logging_collector: 'on',
  log_filename: 'postgres-%a.log',
  log_truncate_on_rotation: 'on',
  log_rotation_size: '0',
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
};

/**
 * Starts the server of a data directory, or attaches to it when it runs already. Throws `embedded_not_available`,
 * `embedded_unreachable`, `embedded_version` or `embedded_did_not_start`.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const { log } = options;
  const cluster = await ensureCluster(resolve(options.dataDir));
  let keeper = await attachOrStart(cluster, options);
  await ensureDatabase(keeper);
  const port = portOf(keeper);
  let watching: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  const comeBack = async () => {
    while (closing === undefined) {
      try {
        keeper = await attachOrStart(cluster, { ...options, port, isUnwanted: () => closing !== undefined });
        watch(keeper);
        return;
      } catch (error) {
        log.error({ err: error }, 'the embedded PostgreSQL does not come back yet');
      }
    }
  };
  const watch = (client: pg.Client) => {
    client.on('end', () => {
      if (closing !== undefined || watching !== undefined) return;
      log.warn({}, 'the embedded PostgreSQL went away; starting it again');
      watching = comeBack().finally(() => {
        watching = undefined;
      });
    });
  };
  watch(keeper);

  const leave = async () => {
    await watching;
    for (let holder: pg.Client | null = keeper; holder !== null; ) {
      const last = await isLast(holder);
      if (last === true) {
        await stop(cluster);
        log.info({}, 'the embedded PostgreSQL is stopped');
      }
      await holder.end().catch(() => undefined);
      // The connection was lost just now: the question has to be asked again, if anybody is there to answer.
      holder = last === null ? await attach(cluster) : null;
    }
  };

  return {
    url: `postgres://${CLUSTER_USER}:${cluster.password}@127.0.0.1:${port}/${CLUSTER_USER}`,
    mark: await clusterMark(cluster.folder),
    close: () => {
      closing ??= leave();
      return closing;
    },
  };
}

/**
 * Lets go of the shared lock, then tries for the exclusive one: of several who leave at once, one gets it. Null when
 * the connection was lost.
 */
async function isLast(keeper: pg.Client): Promise<boolean | null> {
  try {
    await keeper.query(`SELECT pg_advisory_unlock_shared(${KEY})`);
    const { rows } = await keeper.query<{ last: boolean }>(`SELECT pg_try_advisory_lock(${KEY}) AS last`);
    return rows[0]?.last === true;
  } catch {
    return null;
  }
}

async function stop({ folder, run }: Cluster): Promise<void> {
  const pid = await postmaster(folder);
  await run('pg_ctl', ['stop', '-D', folder, '-m', 'fast', '-w', '-t', '60']);
  // pg_ctl waits for the file to go, which is a moment before the process.
  const until = Date.now() + PATIENCE_MILLISECONDS;
  while (pid !== null && isAlive(pid) && Date.now() < until) {
    await new Promise((done) => setTimeout(done, RETRY_MILLISECONDS / 10));
  }
}

/** Tries until it is attached: others may be starting, stopping or recovering the same server. */
async function attachOrStart(
  cluster: Cluster,
  { log, settings = {}, port, isUnwanted }: EmbeddedOptions & Return,
): Promise<pg.Client> {
  const until = Date.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    const keeper = await attach(cluster);
    if (keeper !== null) {
      await keepPort(cluster.folder, portOf(keeper));
      return keeper;
    }
    try {
      await start(cluster, settings, port);
      log.info({}, 'the embedded PostgreSQL is started');
    } catch (cause) {
      if (Date.now() < until && isUnwanted?.() !== true) {
        await new Promise((done) => setTimeout(done, RETRY_MILLISECONDS));
        continue;
      }
      const reason = (await readFile(join(cluster.folder, 'startup.log'), 'utf8').catch(() => '')).slice(
        -500,
      );
      throw new Failure('embedded_did_not_start', `The embedded PostgreSQL does not start: ${reason}`, {
        cause,
      });
    }
  }
}

/** A connection to the server of exactly this directory, holding the shared lock; null where none answers. */
async function attach({ folder, password }: Cluster): Promise<pg.Client | null> {
  const port = await livePort(folder);
  if (port === null) return null;
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: CLUSTER_USER,
    password,
    database: 'postgres',
    application_name: 'adieu embedded server',
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ folder: string }>(
      "SELECT current_setting('data_directory') AS folder",
    );
    if (rows[0]?.folder !== folder) throw new Error('a server of another directory');
    await client.query(`SELECT pg_advisory_lock_shared(${KEY})`);
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    // Starting up, shutting down or full: it lives, and is worth waiting for.
    if (sqlState(error)?.startsWith('57P') === true || sqlState(error)?.startsWith('53') === true) {
      await new Promise((done) => setTimeout(done, RETRY_MILLISECONDS));
    }
    return null;
  }
}

/** The fourth line of postmaster.pid, when its process lives. */
async function livePort(folder: string): Promise<number | null> {
  const port = Number((await postmasterFile(folder))[3]);
  const pid = await postmaster(folder);
  return port > 0 && pid !== null && isAlive(pid) ? port : null;
}

/** The first line: its process, dead or alive. */
async function postmaster(folder: string): Promise<number | null> {
  const pid = Number((await postmasterFile(folder))[0]);
  return pid > 0 ? pid : null;
}

async function postmasterFile(folder: string): Promise<string[]> {
  const text = await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '');
  return text.split('\n');
}

async function start(
  cluster: Cluster,
  settings: Readonly<Record<string, string>>,
  fixed?: number,
): Promise<void> {
  const { folder, run } = cluster;
  await removeForeignLock(folder);
  const kept = fixed ?? (await keptPort(folder));
  const port = fixed !== undefined || (await isFree(kept)) ? kept : await findFreePort();
  await rm(join(folder, 'startup.log'), { force: true });
  const options = Object.entries({ ...SETTINGS, ...settings, port: String(port) });
  const flags = options.map(([name, value]) => `-c ${name}='${value}'`).join(' ');
  await run('pg_ctl', [
    'start',
    '-D',
    folder,
    '-w',
    '-t',
    '60',
    '-l',
    join(folder, 'startup.log'),
    '-o',
    flags,
  ]);
}

/**
 * After a crash the process number in postmaster.pid may belong to anybody, which PostgreSQL takes for a live server
 * when it has the same owner (in a container the numbers start again with every start). Where the system tells that
 * it is no PostgreSQL, the file goes.
 */
async function removeForeignLock(folder: string): Promise<void> {
  const pid = await postmaster(folder);
  if (pid === null) return;
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => null);
  const foreign = name !== null && name.trim() !== 'postgres';
  if (foreign || !isAlive(pid)) await rm(join(folder, 'postmaster.pid'), { force: true });
}

async function ensureDatabase(keeper: pg.Client): Promise<void> {
  const { rowCount } = await keeper.query('SELECT FROM pg_database WHERE datname = $1', [CLUSTER_USER]);
  if (rowCount !== 0) return;
  try {
    await keeper.query(`CREATE DATABASE ${CLUSTER_USER}`);
  } catch (error) {
    // Another process was faster: 42P04, or 23505 when it was faster by very little.
    if (sqlState(error) !== '42P04' && sqlState(error) !== '23505') throw error;
  }
}

function portOf(client: pg.Client): number {
  return client.port;
}
