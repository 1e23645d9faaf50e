/**
 * A PostgreSQL of the campaign's own that can be killed: all of it, or one of its backends, which makes it recover.
 *
 * One rule: nothing is synced to disk. A killed process leaves its writes with the kernel, so nothing is lost, and two
 * runs side by side do not wait for one disk.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { CLUSTER_USER, ensureCluster, findFreePort } from '../../packages/store/src/embedded-cluster.ts';

/** A server that can be killed. */
export interface KillableCluster {
  readonly port: number;
  /** By a direct connection, past every wire. */
  readonly url: string;
  /** kill -9 of every process of it; false when there was none. */
  kill(): Promise<boolean>;
  /** kill -9 of one backend that serves a client; PostgreSQL then ends all of them and recovers. False when there was none. */
  killBackend(pick: (count: number) => number): Promise<boolean>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  fsync: 'off',
  full_page_writes: 'off',
  jit: 'off',
  shared_buffers: '128MB',
};
const PATIENCE_MS = 60_000;

/** Creates a cluster in a folder and starts it. */
export async function startCluster(folder: string): Promise<KillableCluster> {
  const cluster = await ensureCluster(folder);
  const port = await findFreePort();
  const url = `postgres://${CLUSTER_USER}:${cluster.password}@127.0.0.1:${port}/postgres`;
  const flags = Object.entries({ ...SETTINGS, port: String(port) }).map(
    ([name, value]) => `-c ${name}='${value}'`,
  );
  const log = join(cluster.folder, 'server.log');

  async function postmaster(): Promise<number> {
    const text = await readFile(join(cluster.folder, 'postmaster.pid'), 'utf8').catch(() => '');
    return Number(text.split('\n')[0]);
  }

  async function start(): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        const options = ['-D', cluster.folder, '-w', '-t', '60', '-l', log, '-o', flags.join(' ')];
        await cluster.run('pg_ctl', ['start', ...options]);
        return;
      } catch (error) {
        // A process of the old one may not be gone yet.
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  async function kill(): Promise<boolean> {
    const pid = await postmaster();
    if (!(pid > 0)) return false;
    // The postmaster first, so that it can start nobody else.
    const family = [pid, ...(await childrenOf(pid))];
    for (const member of family) end(member);
    const deadline = Date.now() + PATIENCE_MS;
    while (family.some(isAlive) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await rm(join(cluster.folder, 'postmaster.pid'), { force: true });
    return true;
  }

  async function killBackend(pick: (count: number) => number): Promise<boolean> {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    try {
      const { rows } = await client.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid`,
      );
      const victim = rows[pick(rows.length)];
      if (victim !== undefined) end(victim.pid);
      return victim !== undefined;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  await start();
  // Whoever gives up the campaign must not leave a server behind.
  const leave = (): void => {
    const pid = Number(readFileSync(join(cluster.folder, 'postmaster.pid'), 'utf8').split('\n')[0]);
    if (pid > 0) process.kill(pid, 'SIGQUIT');
  };
  process.once('exit', leave);
  return {
    port,
    url,
    kill,
    killBackend,
    start,
    async stop() {
      process.removeListener('exit', leave);
      await cluster
        .run('pg_ctl', ['stop', '-D', cluster.folder, '-m', 'immediate', '-w'])
        .catch(() => undefined);
    },
  };
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** A dead one that nobody has buried yet does not count. */
function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
