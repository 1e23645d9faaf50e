/**
 * The embedded server with real processes: several users of one data directory, and kills at bad moments.
 *
 * @module
 */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENT } from '@adieu/core';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { checkDatabase, openDatabase } from './database.ts';
import { isAlive } from './embedded-cluster.ts';
import { startEmbedded } from './embedded-server.ts';
import { migrate } from './migration.ts';

let parent: string;
let dataDir: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'adieu-embedded-'));
  await chmod(parent, 0o755);
  dataDir = join(parent, '.adieu');
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const start = () => startEmbedded({ dataDir, log: SILENT });

async function postmaster(): Promise<number> {
  return Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function ask(url: string): Promise<number> {
  const { db, close } = openDatabase({ url, poolSize: 1 });
  const { rows } = await sql<{ one: number }>`SELECT 1 AS one`.execute(db);
  await close();
  return rows[0]?.one ?? 0;
}

describe('the embedded PostgreSQL', () => {
  test('keeps its data, its port and its password from one start to the next, and close waits for the end', async () => {
    const first = await start();
    const database = openDatabase({ url: first.url });
    await migrate(database.db);
    await database.db.insertInto('organisation').values({ name: 'kept' }).execute();
    await database.close();
    const pid = await postmaster();
    await first.close();
    expect(isAlive(pid)).toBe(false);
    const second = await start();
    expect(second.url).toBe(first.url);
    const again = openDatabase({ url: second.url });
    expect(await again.db.selectFrom('organisation').select('name').execute()).toEqual([{ name: 'kept' }]);
    await again.close();
    await second.close();
    await second.close();
  });

  test('listens on loopback only, with a password that only the owner can read', async () => {
    const server = await start();
    const { mode } = await stat(join(dataDir, 'postgres', 'adieu.json'));
    expect(mode & 0o777).toBe(0o600);
    expect(new URL(server.url).hostname).toBe('127.0.0.1');
    const { db, close } = openDatabase({ url: server.url, poolSize: 1 });
    const { rows } = await sql<Record<string, string>>`
      SELECT current_setting('listen_addresses') AS listen, current_setting('unix_socket_directories') AS sockets,
        current_setting('synchronous_commit') AS durable, current_setting('fsync') AS fsync,
        current_setting('max_connections') AS connections`.execute(db);
    expect(rows[0]).toEqual({
      listen: '127.0.0.1',
      sockets: '',
      durable: 'on',
      fsync: 'on',
      connections: '100',
    });
    await close();
    const stranger = new URL(server.url);
    stranger.password = 'guessed';
    await expect(ask(stranger.href)).rejects.toMatchObject({ code: '28P01' });
    await server.close();
  });

  test('several starts at once make one server; the last to close stops it', async () => {
    const servers = await Promise.all([start(), start(), start()]);
    expect(new Set(servers.map(({ url }) => url)).size).toBe(1);
    expect((await readdir(dataDir)).sort()).toEqual(['postgres']);
    const pid = await postmaster();
    const [first, second, third] = servers;
    await first?.close();
    expect(await ask(second?.url ?? '')).toBe(1);
    await Promise.all([second?.close(), third?.close()]);
    await until(() => !isAlive(pid));
  });

  test('one directory under two names is one server', async () => {
    await mkdir(dataDir);
    await symlink(dataDir, join(parent, 'other-name'));
    const first = await start();
    const second = await startEmbedded({ dataDir: join(parent, 'other-name'), log: SILENT });
    expect(second.url).toBe(first.url);
    await Promise.all([first.close(), second.close()]);
  });

  test('a server that lives on after its program was killed is attached to', async () => {
    const killed = await start();
    // As a kill would: the connection that held the shared lock goes, nothing else happens.
    const { db, close } = openDatabase({ url: killed.url, poolSize: 1 });
    const pid = await postmaster();
    const next = await start();
    expect(next.url).toBe(killed.url);
    expect(await postmaster()).toBe(pid);
    await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()`.execute(
      db,
    );
    await close();
    await killed.close();
    await next.close();
    await until(() => !isAlive(pid));
  });

  test('a server that was killed by force is started again, and a pool lives through it', async () => {
    const server = await start();
    const database = openDatabase({ url: server.url });
    await migrate(database.db);
    await database.db.insertInto('organisation').values({ name: 'survivor' }).execute();
    const pid = await postmaster();
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid));
    // Whatever fails meanwhile is temporary and says so.
    await until(() =>
      checkDatabase(database.db).then(
        () => true,
        (error: unknown) => {
          expect(error).toMatchObject({ code: 'database_unavailable', temporary: true });
          return false;
        },
      ),
    );
    expect(await database.db.selectFrom('organisation').select('name').execute()).toEqual([
      { name: 'survivor' },
    ]);
    expect(await postmaster()).not.toBe(pid);
    await database.close();
    await server.close();
  });

  test('a stale postmaster.pid, even one whose number is another program’s now, is no obstacle', async () => {
    const first = await start();
    await first.close();
    const lines = [process.pid, join(dataDir, 'postgres'), 1, 1, '', '127.0.0.1', '', 'ready', ''];
    await writeFile(join(dataDir, 'postgres', 'postmaster.pid'), lines.join('\n'), { mode: 0o600 });
    const second = await start();
    expect(await ask(second.url)).toBe(1);
    await second.close();
  });

  test('when another program took its port, it moves to a free one', async () => {
    const first = await start();
    await first.close();
    const { port } = new URL(first.url);
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(Number(port), '127.0.0.1', resolve));
    const second = await start();
    expect(second.url).not.toBe(first.url);
    expect(await ask(second.url)).toBe(1);
    await second.close();
    await new Promise((resolve) => squatter.close(resolve));
  });

  test('as root, a directory that only root may enter is no obstacle', async () => {
    if (process.getuid?.() !== 0) return;
    await chmod(parent, 0o700);
    const server = await start();
    expect(await ask(server.url)).toBe(1);
    await server.close();
  });
});
