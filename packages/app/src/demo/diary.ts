/**
 * What the demo did in this data directory: its first start loads and sends, a later one only remembers.
 *
 * @module
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const Entry = z.object({
  /** The execution that was sent last from here. */
  execution: z.string(),
});

export type DiaryEntry = z.output<typeof Entry>;

/** What was written last, or null on the first start. */
export async function readDiary(dataDir: string): Promise<DiaryEntry | null> {
  try {
    return Entry.parse(JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8')));
  } catch {
    return null;
  }
}

export async function writeDiary(dataDir: string, entry: DiaryEntry): Promise<void> {
  const path = join(dataDir, 'demo.json');
  await writeFile(`${path}.part`, `${JSON.stringify(entry)}\n`);
  await rename(`${path}.part`, path);
}
