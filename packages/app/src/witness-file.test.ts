import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { chmod, cp, link, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readWitness, writeWitness } from './witness-file.ts';

describe('the witness in the data directory', () => {
  const seen = { id: randomUUID(), beat: 41, at: new Date('2026-11-22T01:02:03.456Z') };
  let parent: string;
  let dataDir: string;
  let path: string;
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'adieu-witness-'));
    dataDir = parent;
    path = join(dataDir, 'witness.json');
    await writeWitness(dataDir, seen);
  });
  afterEach(() => rm(parent, { recursive: true, force: true }));

  test('is read as it was written, and leaves nothing half behind', async () => {
    expect(await readWitness(dataDir)).toEqual({ seen, copied: false });
    await Promise.all(Array.from({ length: 20 }, (_, beat) => writeWitness(dataDir, { ...seen, beat })));
    expect(await readWitness(dataDir)).toMatchObject({ seen: { id: seen.id }, copied: false });
    expect(await readdir(dataDir)).toEqual(['witness.json']);
  });

  test('is still itself after other rights, a hard link and another name of its directory', async () => {
    await chmod(path, 0o644);
    await link(path, join(dataDir, 'linked'));
    const moved = `${parent}-moved`;
    await rename(parent, moved);
    parent = moved;
    expect(await readWitness(moved)).toEqual({ seen, copied: false });
  });

  test('is a copy when it was put back, beside the old file or into it, times preserved', async () => {
    const backup = join(parent, 'backup.json');
    await cp(path, backup, { preserveTimestamps: true });
    await rm(path);
    await cp(backup, path, { preserveTimestamps: true });
    expect(await readWitness(dataDir)).toEqual({ seen, copied: true });

    await writeWitness(dataDir, { ...seen, beat: 99 });
    await writeFile(path, await readFile(backup));
    expect(await readWitness(dataDir)).toEqual({ seen, copied: true });
  });

  test('is no copy where the file system calls the last change a birth', async () => {
    const lastChange = ({ ctimeNs }: BigIntStats) => ctimeNs;
    await writeWitness(dataDir, seen, lastChange);
    expect(await readWitness(dataDir, lastChange)).toEqual({ seen, copied: false });
    expect(await readdir(dataDir)).toEqual(['witness.json']);
  });

  test.each(['', '{', '{}', '{"witness":"x","beat":-1}', 'null'])(
    'begins anew where it cannot be read, and says so: %j',
    async (content) => {
      await writeFile(path, content);
      const { seen: fresh, copied, trouble } = await readWitness(dataDir);
      expect(fresh).toMatchObject({ beat: 0, at: null });
      expect([fresh.id === seen.id, copied]).toEqual([false, false]);
      expect(trouble).toBeInstanceOf(Error);
      await rm(path);
      expect(await readWitness(dataDir)).not.toHaveProperty('trouble');
    },
  );

  test('is not written before anything was seen', async () => {
    await rm(path);
    await writeWitness(dataDir, { ...seen, at: null });
    expect(await readdir(dataDir)).toEqual([]);
  });
});
