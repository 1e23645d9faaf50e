/**
 * Twenty thousand recipients in one execution: all settled, counted at the sink, the worker's memory flat.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, enqueue, finished, importPeople } from './brand.ts';
import { type CountingSink, startCountingSink } from './counting-sink.ts';
import { type RunningAdieu, runAdieu } from './running-adieu.ts';

const MANY = 20_000;
const FEW = 2_000;
/**
 * V8 takes its time to settle: measured 1.3 to 1.5 from 2,000 to 20,000, and 1.0 from there to the next 20,000. What kept
 * a few kilobytes of each message would be far beyond this.
 */
const FLAT = 1.8;

let backend: Backend;
let sink: CountingSink;
let api: RunningAdieu;
let worker: RunningAdieu;

beforeAll(async () => {
  backend = await openBackend();
  sink = await startCountingSink();
  api = await runAdieu({ backend, relayUrl: sink.url, roles: 'api' });
  worker = await runAdieu({
    backend,
    relayUrl: sink.url,
    roles: 'worker',
    dataDir: api.dataDir,
  });
  await createBrand(api);
});

afterAll(async () => {
  await worker?.stop();
  await api?.stop();
  await sink?.close();
  await backend?.close();
});

/** Peak resident memory of a process since it was last asked, in MiB. */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}

test('S8: 20,000 recipients settle, each delivered once, with the memory of 2,000', async () => {
  await importPeople(api, FEW);
  const few = await finished(api, await enqueue(api));
  expect(few.counts).toMatchObject({ sent: FEW });
  const before = await peakMemory(worker.pid);

  await importPeople(api, MANY);
  const started = performance.now();
  const many = await finished(api, await enqueue(api));
  const seconds = (performance.now() - started) / 1000;
  const after = await peakMemory(worker.pid);

  const { sent, ...rest } = many.counts;
  expect(sent).toBe(MANY);
  expect(Object.values(rest)).toEqual(Object.values(rest).map(() => 0));
  expect(sink.counts.size).toBe(FEW + MANY);
  expect(new Set(sink.counts.values())).toEqual(new Set([1]));
  process.stderr.write(
    `worker peak RSS: ${before.toFixed(0)} MiB at ${FEW}, ${after.toFixed(0)} MiB at ${MANY} (${(after / before).toFixed(2)} x); ` +
      `${(MANY / seconds).toFixed(0)} messages/s\n`,
  );
  expect(after / before).toBeLessThan(FLAT);
}, 900_000);
