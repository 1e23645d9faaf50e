/**
 * `witness.json` in the data directory: what this installation has seen of its database, outside of it.
 *
 * One rule: the file says when it was born itself, which no copy can say of itself. So a data directory that was put back
 * from a backup, database and witness together, is told from the one that was left.
 *
 * @module
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Seen } from '@adieu/store';
import { z } from 'zod';

const Content = z.object({
  witness: z.uuid(),
  beat: z.int().min(0),
  at: z.iso.datetime(),
  /** Nanoseconds; null where the file system does not know. */
  born: z.string().nullable(),
});

/** What the file says. */
export interface KeptWitness {
  readonly seen: Seen;
  /** It is not the file that was written, but a copy of it. */
  readonly copied: boolean;
}

/** Reads the file. Without one, or with one that cannot be read, a new witness begins. */
export async function readWitness(dataDir: string): Promise<KeptWitness> {
  const path = pathIn(dataDir);
  try {
    const { witness, beat, at, born } = Content.parse(JSON.parse(await readFile(path, 'utf8')));
    const copied = born !== null && born !== (await birthOf(path));
    return { seen: { id: witness, beat, at: new Date(at) }, copied };
  } catch {
    return { seen: { id: randomUUID(), beat: 0, at: null }, copied: false };
  }
}

/** Writes the file anew, whole or not at all. */
export async function writeWitness(dataDir: string, { id, beat, at }: Seen): Promise<void> {
  if (at === null) return;
  const path = pathIn(dataDir);
  const half = `${path}.${randomBytes(4).toString('hex')}.part`;
  const file = await open(half, 'wx', 0o600);
  try {
    const content = { witness: id, beat, at: at.toISOString(), born: await birthOf(half) };
    await file.writeFile(`${JSON.stringify(content)}\n`);
  } catch (error) {
    await rm(half, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(half, path);
}

async function birthOf(path: string): Promise<string | null> {
  const { birthtimeNs } = await stat(path, { bigint: true });
  return birthtimeNs > 0n ? String(birthtimeNs) : null;
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'witness.json');
}
