/**
 * Several workers over one database: each message once, whoever comes, goes, or is killed meanwhile.
 *
 * @module
 */
import { generateKeyRing } from '@adieu/core';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { type Barrier, openBarrier } from '../packages/worker/src/testing/barrier.ts';
import { type ScriptedRelay, startScriptedRelay } from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, enqueue, finished, importPeople } from './brand.ts';
import { type RunningAdieu, runAdieu, until } from './running-adieu.ts';

/** Enough batches of 200 that each of four workers gets some. */
const PEOPLE = 4000;
/** As shipped: connections to the relay, and messages on each. */
const [CONNECTIONS, PER_CONNECTION] = [10, 2];
/** What a killed worker leaves is found out soon. */
const SHORT = { LEASE_SECONDS: '5', RELAY_REPLY_SECONDS: '30' };

let backend: Backend;
let relay: ScriptedRelay;
let api: RunningAdieu;
let barrier: Barrier;
const ring = generateKeyRing();
const processes: RunningAdieu[] = [];

beforeEach(async () => {
  backend = await openBackend();
  barrier = openBarrier();
  relay = await startScriptedRelay({ answer: barrier.answer });
  api = await run('api');
  await createBrand(api);
  await importPeople(api, PEOPLE);
});

afterEach(async () => {
  barrier?.open();
  for (const process of processes.splice(0)) await process.stop();
  await relay?.close();
  await backend?.close();
});

async function run(roles: string, env: object = {}): Promise<RunningAdieu> {
  const all = { ADIEU_KEYRING: ring, ...env };
  const adieu = await runAdieu({ backend, relayUrl: relay.url, roles, env: all });
  processes.push(adieu);
  return adieu;
}

/**
 * Leases that run and messages on the wire, by process: the owner of a lease names it. A batch in which somebody killed left
 * messages on the wire is given back with its lease run out and the owner still there, for the sweep to find.
 */
async function heldBy({ pid }: RunningAdieu): Promise<{ leases: number; sending: number }> {
  const { rows } = await sql<{ leases: number; sending: number }>`
    SELECT count(DISTINCT (b.execution_id, b.no)) FILTER (WHERE b.lease_until > clock_timestamp())::int AS leases, count(m.id)::int AS sending
    FROM batch b LEFT JOIN message m ON m.execution_id = b.execution_id AND m.batch_no = b.no AND m.state = 'sending'
    WHERE b.owner LIKE ${`%-${pid}-%`}`.execute(backend.db);
  return rows[0] ?? { leases: -1, sending: -1 };
}

function expectOnce(): void {
  expect(new Set(relay.counts().values())).toEqual(new Set([1]));
}

test.each([2, 4])(
  '%i workers share an execution, and each message is delivered once',
  async (many) => {
    barrier.shutAfter(0);
    const workers = await Promise.all(Array.from({ length: many }, () => run('worker')));
    const execution = await enqueue(api);
    await until(async () => (await Promise.all(workers.map(heldBy))).every(({ sending }) => sending > 0));
    barrier.open();
    const { counts } = await finished(api, execution);
    expect(counts).toMatchObject({ sent: PEOPLE, unknown: 0 });
    expect(relay.counts().size).toBe(PEOPLE);
    expectOnce();
    for (const worker of workers) expect(await worker.stop()).toBe(0);
  },
  480_000,
);

test('workers that come, are asked to go, and are killed under load change nothing else', async () => {
  const [leaving, killed] = [await run('worker', SHORT), await run('worker', SHORT)];
  const executions = [await enqueue(api)];
  await until(async () => relay.mails.length > 300);
  const coming = await run('worker', SHORT);

  // Both have mails on the wire, however fast the first execution went: the relay holds the second one's first mails.
  barrier.shutAfter(0);
  executions.push(await enqueue(api));
  await until(async () =>
    (await Promise.all([leaving, killed].map(heldBy))).every(({ sending }) => sending > 0),
  );
  await killed.kill();
  const { leases, sending } = await heldBy(killed);
  barrier.open();
  const asked = performance.now();
  expect(await leaving.stop()).toBe(0);
  const seconds = (performance.now() - asked) / 1000;
  expect(seconds).toBeLessThan(30);
  expect(await heldBy(leaving)).toEqual({ leases: 0, sending: 0 });
  await run('worker', SHORT);

  let [sent, unknown] = [0, 0];
  for (const execution of executions) {
    const { counts } = await finished(api, execution);
    const { sent: arrived = 0, unknown: unheard = 0, ...rest } = counts as Record<string, number>;
    expect(arrived + unheard).toBe(PEOPLE);
    expect(Object.values(rest).every((number) => number === 0)).toBe(true);
    sent += arrived;
    unknown += unheard;
  }
  process.stderr.write(
    `asked to go: gone after ${seconds.toFixed(1)} s; killed with ${leases} leases, ${sending} on the wire: ${unknown} unknown\n`,
  );
  expect(sending).toBeGreaterThan(0);
  expect(unknown).toBeLessThanOrEqual(CONNECTIONS * PER_CONNECTION);
  // What is unknown may have arrived, and nobody else was forgotten.
  expect(relay.counts().size).toBeGreaterThanOrEqual(sent);
  expect(relay.counts().size).toBeLessThanOrEqual(PEOPLE * executions.length);
  expectOnce();
  expect(await coming.stop()).toBe(0);
  expect(await heldBy(coming)).toEqual({ leases: 0, sending: 0 });
}, 480_000);
