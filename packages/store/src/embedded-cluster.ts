/**
 * The directory of an embedded PostgreSQL: created once, whoever comes first.
 *
 * One rule: a cluster appears complete or not at all. It is made beside its place and renamed into it, with its port
 * and its random password inside, so that no process ever meets half of one.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { Failure } from '@adieu/core';
import { ensureServerUser, findBinaries, openPrograms, type RunProgram } from './embedded-binaries.ts';

/** A cluster on disk and how to run its programs. */
export interface Cluster {
  readonly folder: string;
  readonly password: string;
  readonly run: RunProgram;
}

/** Superuser of the cluster, and the name of its database. */
export const CLUSTER_USER = 'adieu';

const SETTINGS = 'adieu.json';

interface Settings {
  readonly password: string;
  readonly port: number;
}

/** Tells whether a data directory has a cluster, and makes nothing. */
export function hasCluster(dataDir: string): Promise<boolean> {
  return exists(join(dataDir, 'postgres', 'PG_VERSION'));
}

/** Finds the cluster of a data directory or creates it. */
export async function ensureCluster(place: string): Promise<Cluster> {
  const user = await ensureServerUser();
  const binaries = findBinaries();
  await ensureDataDir(place, user !== null);
  // One name for one directory, however it was reached.
  const dataDir = await realpath(place);
  const run = await openPrograms(binaries, user, [dataDir, binaries]);
  const folder = join(dataDir, 'postgres');
  if (!(await exists(join(folder, 'PG_VERSION')))) await create(dataDir, folder, { run, user });
  await checkVersion(folder, run);
  const { password } = await readSettings(folder);
  return { folder, password, run };
}

/**
 * When the files of a cluster were born: `PG_VERSION` is written once, and no copy takes the time of its birth along (a
 * renamed directory does). Null where the file system does not know it.
 */
export async function clusterMark(folder: string): Promise<string | null> {
  const { birthtimeNs } = await stat(join(folder, 'PG_VERSION'), { bigint: true });
  return birthtimeNs > 0n ? String(birthtimeNs) : null;
}

/** The port a cluster had last. */
export async function keptPort(folder: string): Promise<number> {
  return (await readSettings(folder)).port;
}

/** Remembers a port for the next start. */
export async function keepPort(folder: string, port: number): Promise<void> {
  const settings = await readSettings(folder);
  if (settings.port === port) return;
  const path = join(folder, `${SETTINGS}.${process.pid}`);
  await writeFile(path, JSON.stringify({ ...settings, port }), { mode: 0o600 });
  await rename(path, join(folder, SETTINGS));
}

/** A port of the loopback interface that nobody listens on now. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Tells whether a port of the loopback interface can be listened on. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
  });
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}

/** As root the server's user must be able to pass through, though not to read: what else lies there is ours alone. */
async function ensureDataDir(dataDir: string, asRoot: boolean): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: asRoot ? 0o711 : 0o700 });
  const { mode } = await stat(dataDir);
  if (asRoot && (mode & 0o001) === 0) await chmod(dataDir, mode | 0o011);
}

async function create(
  dataDir: string,
  folder: string,
  {
    run,
    user,
  }: { readonly run: RunProgram; readonly user: { readonly uid: number; readonly gid: number } | null },
): Promise<void> {
  await removeAbandoned(dataDir);
  const draft = join(dataDir, `postgres.new-${process.pid}-${randomBytes(4).toString('hex')}`);
  const password = randomBytes(24).toString('base64url');
  const passwordFile = `${draft}.password`;
  try {
    await mkdir(draft, { mode: 0o700 });
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (user !== null) {
      await chown(draft, user.uid, user.gid);
      await chown(passwordFile, user.uid, user.gid);
    }
    // The builtin locale sorts alike on every machine.
    const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--encoding=UTF8'];
    const access = [`--username=${CLUSTER_USER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
    await run('initdb', [`--pgdata=${draft}`, ...locale, ...access]);
    const settings: Settings = { password, port: await findFreePort() };
    await writeFile(join(draft, SETTINGS), JSON.stringify(settings), { mode: 0o600 });
    await rename(draft, folder);
  } catch (error) {
    // Another process put its own in place first: that one is as good.
    if (!(await exists(join(folder, 'PG_VERSION')))) throw error;
  } finally {
    await rm(passwordFile, { force: true });
    await rm(draft, { recursive: true, force: true });
  }
}

/** Drafts of processes that were killed. */
async function removeAbandoned(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const pid = /^postgres\.new-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(join(dataDir, name), { recursive: true, force: true });
  }
}

async function checkVersion(folder: string, run: RunProgram): Promise<void> {
  const found = (await readFile(join(folder, 'PG_VERSION'), 'utf8')).trim();
  const [, known] = /PostgreSQL\) (\d+)/.exec(await run('postgres', ['--version'])) ?? [];
  if (found === known) return;
  throw new Failure(
    'embedded_version',
    `The data directory belongs to PostgreSQL ${found}, this program brings ${known ?? 'none'}. Dump and restore it.`,
  );
}

async function readSettings(folder: string): Promise<Settings> {
  return JSON.parse(await readFile(join(folder, SETTINGS), 'utf8')) as Settings;
}

/**
 * Tells whether a process lives. One that ended but was never waited for does not: where the first process of a
 * container is no init, whoever is orphaned stays like that.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  try {
    // The state follows the name, which stands in parentheses and may hold any character.
    return !/\) Z [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
