/**
 * A PostgreSQL 15 of somebody else: the one that Debian packages, in a directory of its own and without a system service.
 *
 * The rule: it runs in the foreground as a child of the test, so that it can be stopped in every way a server can end.
 * It is not needed to use Adieu: where it is missing its tests are skipped and say why, except under `CI=true`.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort, until } from './running-adieu.ts';

/** A server that can be stopped and started again where it was. */
export interface OwnPostgres {
  /** Of its database `postgres`. */
  readonly url: string;
  /** Creates an empty database and answers its URL. */
  createDatabase(): Promise<string>;
  /** Ends the server; answers when its last process is gone. */
  end(how: Ending): Promise<void>;
  /** Starts it again; answers when it takes connections. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** kill -9 of the postmaster; `pg_ctl stop -m immediate`; `pg_ctl stop -m fast`, as a restart does. */
export type Ending = 'SIGKILL' | 'immediate' | 'fast';

const PROGRAMS = '/usr/lib/postgresql/15/bin';
const SIGNAL = { SIGKILL: 'SIGKILL', immediate: 'SIGQUIT', fast: 'SIGINT' } as const;

/** Why there is none on this machine; null where there is one. */
export const noPostgres: string | null = existsSync(`${PROGRAMS}/postgres`)
  ? null
  : 'postgresql-15 not installed';

/** Makes a cluster and starts its server on a free port of loopback. */
export async function startOwnPostgres(): Promise<OwnPostgres> {
  const user = serverUser();
  const folder = mkdtempSync(join(tmpdir(), 'adieu-postgres15-'));
  if (user !== null) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const as = { ...user, cwd: folder, env: { PATH: process.env.PATH } };
  const made = spawnSync(
    `${PROGRAMS}/initdb`,
    ['-D', data, '-U', 'adieu', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C.UTF-8'],
    { ...as, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const port = await freePort();
  const url = `postgres://adieu@127.0.0.1:${port}/postgres`;
  let server: ChildProcess;

  async function start(): Promise<void> {
    await until(async () => {
      // Processes of the one before may still hold its memory; then this one ends at once.
      server = spawn(
        `${PROGRAMS}/postgres`,
        ['-D', data, '-p', String(port), '-k', '', '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'],
        { ...as, stdio: 'ignore' },
      );
      return until(async () => server.exitCode !== null || (await answers(url))).then(
        () => server.exitCode === null,
      );
    });
  }

  async function end(how: Ending): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill(SIGNAL[how]);
    await gone;
  }

  process.once('exit', () => server?.kill('SIGQUIT'));
  await start();
  return {
    url,
    start,
    end,
    async createDatabase() {
      const name = `own_${randomBytes(6).toString('hex')}`;
      await ask(url, `CREATE DATABASE ${name}`);
      return url.replace(/[^/]*$/, name);
    },
    async close() {
      await end('immediate');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL does not run as root. */
function serverUser(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const number = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: number('-u'), gid: number('-g') };
}

async function answers(url: string): Promise<boolean> {
  return ask(url, 'SELECT 1').then(
    () => true,
    () => false,
  );
}

async function ask(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(text).finally(() => client.end());
}
