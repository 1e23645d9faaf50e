/**
 * A slice of the fault campaign for every day: twenty kills over both backends of the queue, and a checker that can fail.
 *
 * The whole of it is `pnpm campaign`; its report lies in `campaign/`.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { testWith } from './outside-tools.ts';

const MAIN = fileURLToPath(new URL('campaign/main.ts', import.meta.url));
const REDIS = { name: 'redis-server', probe: ['redis-server', '--version'] } as const;
/** Far more than it takes; a slow machine is no reason to fail. */
jest.setTimeout(1_800_000);

interface Ended {
  readonly code: number | null;
  readonly said: string;
  /** What the checker said of a number in its last lines. */
  readonly violations: number;
}

function runSlice(...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, '--slice', '--only', 'faults', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  return new Promise((resolve) => {
    child.once('close', (code) => {
      resolve({ code, said, violations: Number(/^violations: (\d+)$/m.exec(said)?.[1]) });
    });
  });
}

/** Both at once: they wait for processes most of the time. */
let slices: { readonly postgres: Promise<Ended>; readonly redis: Promise<Ended> };

beforeAll(() => {
  const half = ['--faults', '10', '--backend'] as const;
  slices = { postgres: runSlice(...half, 'postgres'), redis: runSlice(...half, 'redis') };
});

const CLEAN = { code: 0, said: expect.stringContaining('**Clean.** 10 faults') };

test('OH-27: kills under load lose nothing, double nothing and overtake no opt-out', async () => {
  expect(await slices.postgres).toMatchObject(CLEAN);
});

testWith([REDIS], 'OH-27: the same with the queue on Redis, which is killed as well', async () => {
  expect(await slices.redis).toMatchObject(CLEAN);
});

test('OH-27: the checker sees mail after the answer when the standing version is ignored', async () => {
  const ended = await runSlice('--sabotage', 'standing');
  expect({ code: ended.code, violated: ended.violations > 0 }).toEqual({ code: 1, violated: true });
});
