/**
 * A note in the data directory that says where the server of this directory listens, so that `adieu send` finds it.
 *
 * The rule: the note is a hint. Who reads it finds out by asking whether anybody is there.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const Note = z.object({ url: z.url(), pid: z.int() });

/** What the note says. */
export type LocalServer = z.output<typeof Note>;

/** Leaves the note. Answers how to take it away again, unless another process has left its own by then. */
export async function noteServer(dataDir: string, url: string): Promise<() => Promise<void>> {
  const path = join(dataDir, 'server.json');
  const half = `${path}.${randomBytes(4).toString('hex')}.part`;
  await writeFile(half, `${JSON.stringify({ url, pid: process.pid })}\n`);
  await rename(half, path);
  return async () => {
    const now = await findServer(dataDir);
    if (now?.pid === process.pid) await rm(path, { force: true });
  };
}

/** What the note says, or null. */
export async function findServer(dataDir: string): Promise<LocalServer | null> {
  try {
    return Note.parse(JSON.parse(await readFile(join(dataDir, 'server.json'), 'utf8')));
  } catch {
    return null;
  }
}
