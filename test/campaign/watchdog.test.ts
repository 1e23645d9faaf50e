/**
 * What a process of the fuzz campaign leaves behind when an input hangs it or ends it.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const WATCHDOG = new URL('../../packages/inbound/dist/testing/watchdog.js', import.meta.url);

/** Runs a program with a dog over three inputs; how it ended, and its last words. */
async function run(program: string, patienceMs: number): Promise<{ how: unknown; words: string | null }> {
  const lastWords = join(await mkdtemp(join(tmpdir(), 'adieu-watchdog-')), 'words');
  const open = `
    import { watch } from ${JSON.stringify(fileURLToPath(WATCHDOG))};
    const dog = watch({ places: 3, patienceMs: ${patienceMs}, lastWords: ${JSON.stringify(lastWords)} });`;
  // A dog that does not bite must not leave the program running for ever.
  const options = { stdio: 'ignore', timeout: 50_000 } as const;
  const child = spawn(process.execPath, ['--input-type=module', '-e', open + program], options);
  const [code, signal] = await once(child, 'exit');
  return { how: signal ?? code, words: await readFile(lastWords, 'utf8').catch(() => null) };
}

test('I5 a turn that never ends is ended, and the inputs in hand are named', async () => {
  const hang = `
    dog.hold(0, 41);
    dog.hold(1, 42);
    dog.hold(0, -1);
    dog.hold(2, 43);
    for (;;);`;
  expect(await run(hang, 1_000)).toEqual({
    how: 'SIGKILL',
    words: 'hang: nothing has turned for 1000 ms; in hand were the seeds 42 43',
  });
}, 60_000);

test('I5 one long turn over many inputs is no hang', async () => {
  const busy = `
    const until = Date.now() + 8_000;
    for (let seed = 0; Date.now() < until; seed += 1) dog.hold(0, seed);
    await dog.close();`;
  expect(await run(busy, 5_000)).toEqual({ how: 0, words: null });
}, 60_000);
