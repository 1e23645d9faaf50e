/**
 * `witness.json` in the data directory: what this installation has seen of its database, outside of it.
 *
 * One rule: the file says when it was born itself, which no copy can say of itself. So a data directory that was put back
 * from a backup, database and witness together, is told from the one that was left.
 *
 * @module
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
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

/** What the file system calls the birth of a file: nanoseconds, 0 where it does not know. */
type Birth = (stats: BigIntStats) => bigint;

const BIRTH: Birth = ({ birthtimeNs }) => birthtimeNs;

/** What the file says. */
export interface KeptWitness {
  readonly seen: Seen;
  /** It is not the file that was written, but a copy of it. */
  readonly copied: boolean;
  /** Why a file that is there could not be read. */
  readonly trouble?: unknown;
}

/** Reads the file. Without one, or with one that cannot be read, a new witness begins. */
export async function readWitness(dataDir: string, birth = BIRTH): Promise<KeptWitness> {
  const path = pathIn(dataDir);
  try {
    const { witness, beat, at, born } = Content.parse(JSON.parse(await readFile(path, 'utf8')));
    const copied = born !== null && born !== shown(birth(await stat(path, { bigint: true })));
    return { seen: { id: witness, beat, at: new Date(at) }, copied };
  } catch (error) {
    const fresh = { seen: { id: randomUUID(), beat: 0, at: null }, copied: false };
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? fresh : { ...fresh, trouble: error };
  }
}

/** Writes the file anew, whole or not at all, a power loss included. */
export async function writeWitness(dataDir: string, { id, beat, at }: Seen, birth = BIRTH): Promise<void> {
  if (at === null) return;
  const content = { witness: id, beat, at: at.toISOString() };
  const path = pathIn(dataDir);
  const { before, after } = await replace(path, (born) => ({ ...content, born }), birth);
  // Some file systems call the last change a birth: with it every start would find a copy.
  if (before !== after) await replace(path, () => ({ ...content, born: null }), birth);
}

/** Replaces a file by one that knows its birth, which is answered. */
async function replace(
  path: string,
  content: (born: string | null) => object,
  birth: Birth,
): Promise<{ readonly before: string | null; readonly after: string | null }> {
  const half = `${path}.${randomBytes(4).toString('hex')}.part`;
  const file = await open(half, 'wx', 0o600);
  const born = async () => shown(birth(await file.stat({ bigint: true })));
  try {
    const before = await born();
    await file.writeFile(`${JSON.stringify(content(before))}\n`);
    // A rename that outlives its content would leave an empty file, which has seen nothing.
    await file.sync();
    await rename(half, path);
    return { before, after: await born() };
  } catch (error) {
    await rm(half, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

function shown(nanoseconds: bigint): string | null {
  return nanoseconds > 0n ? String(nanoseconds) : null;
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'witness.json');
}
