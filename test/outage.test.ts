/**
 * PostgreSQL ends in every way a server can, under a running API, listener and worker, and comes back: they go on by
 * themselves, every opt-out that was answered is on record, and nobody gets a message twice.
 *
 * @module
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyRing, SILENT } from '@adieu/core';
import { openDatabase, startEmbedded } from '@adieu/store';
import { afterEach, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { openBarrier } from '../packages/worker/src/testing/barrier.ts';
import { startScriptedRelay } from '../packages/worker/src/testing/scripted-relay.ts';
import type { Backend } from './backend.ts';
import {
  createBrand,
  enqueue,
  finished,
  importPeople,
  mailTheAddress,
  postOneClick,
  waysOut,
} from './brand.ts';
import { type Ending, noPostgres, startOwnPostgres } from './own-postgres.ts';
import { type RunningAdieu, runAdieu, until } from './running-adieu.ts';

const PEOPLE = 800;
/** Back at work after the database is: the retries of pool, queue and ledger are seconds apart, none is more than five. */
const BACK_SECONDS = 10;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server that can be made to end. */
interface Victim {
  readonly url: string;
  readonly backend: Pick<Backend, 'env' | 'dataDir'>;
  /** Ends it; answers what brings it back. */
  end(): Promise<() => Promise<void>>;
}

const OWN: readonly (readonly [string, Ending])[] = [
  ['killed with its postmaster (kill -9)', 'SIGKILL'],
  ['stopped at once (pg_ctl stop -m immediate)', 'immediate'],
  ['restarted (pg_ctl restart -m fast)', 'fast'],
];
for (const [how, ending] of OWN) {
  const title = `an own PostgreSQL 15, ${how}`;
  if (noPostgres !== null && process.env.CI !== 'true') {
    test.skip(`${title} (skipped: ${noPostgres})`, () => undefined);
    continue;
  }
  test(title, async () => {
    const server = await startOwnPostgres();
    closing.push(server.close);
    const url = await server.createDatabase();
    await outage({
      url,
      backend: { env: { DATABASE_URL: url }, dataDir: null },
      async end() {
        await server.end(ending);
        return server.start;
      },
    });
  }, 480_000);
}

test('the embedded PostgreSQL, killed with its postmaster, is started again by the processes that use it', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'adieu-outage-'));
  closing.push(() => rm(dataDir, { recursive: true, force: true }));
  const server = await startEmbedded({ dataDir, log: SILENT });
  closing.push(server.close);
  await outage({
    url: server.url,
    backend: { env: {}, dataDir },
    async end() {
      // Whoever started it has no part in its return.
      await server.close();
      const pid = Number(
        (await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0],
      );
      process.kill(pid, 'SIGKILL');
      return async () => undefined;
    },
  });
}, 480_000);

async function outage(victim: Victim): Promise<void> {
  const barrier = openBarrier();
  const relay = await startScriptedRelay({ answer: barrier.answer });
  closing.push(relay.close);
  const env = { ADIEU_KEYRING: generateKeyRing() };
  const relayUrl = relay.url;
  const run = async (roles: string) => {
    const adieu = await runAdieu({ backend: victim.backend, relayUrl, roles, env });
    closing.push(adieu.stop);
    return adieu;
  };
  const [api, inbound, worker] = [await run('api'), await run('inbound'), await run('worker')];
  await createBrand(api);
  await importPeople(api, PEOPLE);
  await finished(api, await enqueue(api));
  const links = new Map(relay.mails.map((mail) => [mail.to.split('@')[0] ?? '', waysOut(mail)]));
  const people = [...links.keys()];
  const before = relay.mails.length;

  // In the middle of a second execution, with replies on their way.
  barrier.shutAfter(200);
  const second = await enqueue(api);
  await until(async () => relay.mails.length > before + 200);
  const clicks = answersOf(people.slice(0, 60), (person) => postOneClick(api, wayOut(links, person).https));
  const mails = answersOf(people.slice(60, 120), (person) =>
    mailTheAddress(inbound, wayOut(links, person).mailto, 'Subject: unsubscribe\r\n\r\n').then((reply) =>
      Number(reply.slice(0, 3)),
    ),
  );
  await until(async () => clicks.size > 3 && mails.size > 3);
  const bringBack = await victim.end();
  barrier.open();
  if (victim.backend.dataDir === null) {
    await until(async () => [...clicks.values()].includes(503) && [...mails.values()].includes(451));
    await until(async () => !(await isReady(api)) && !(await isReady(worker)) && !(await isReady(inbound)));
    expect(await retryAfter(api, wayOut(links, people.at(-1) ?? '').https)).toMatch(/^\d+$/);
  }
  const sunk = relay.mails.length;
  await bringBack();
  const database = openDatabase({ url: victim.url });
  closing.push(database.close);
  await until(async () => (await sql`SELECT 1`.execute(database.db).catch(() => null)) !== null);
  const back = performance.now();
  await until(async () => (await isReady(api)) && (await isReady(worker)) && (await isReady(inbound)));
  await until(async () => relay.mails.length > sunk + 10);
  const seconds = (performance.now() - back) / 1000;

  const { counts } = await finished(api, second);
  await until(async () => clicks.size === 60 && mails.size === 60);
  const answered = [...clicks, ...mails].filter(([, code]) => code === 200 || code === 250);
  const others = new Set(
    [...clicks, ...mails].map(([, code]) => code).filter((code) => ![200, 250].includes(code)),
  );
  process.stderr.write(
    `back at work after ${seconds.toFixed(1)} s; ${answered.length} of 120 opt-outs taken, others got ${[...others]}; ` +
      `${JSON.stringify(counts)}\n`,
  );
  expect(seconds).toBeLessThan(BACK_SECONDS);
  for (const code of others) expect([503, 451, 421]).toContain(code);
  const { rows } = await sql<{ person: string }>`SELECT DISTINCT i.value AS person FROM consent_history h
    JOIN identity i ON i.profile_id = h.profile_id AND i.namespace = 'CRMID'`.execute(database.db);
  const recorded = new Set(rows.map(({ person }) => person));
  for (const [person] of answered) expect(recorded).toContain(person);
  expect(answered.length).toBeGreaterThan(6);

  const { sent = 0, excluded = 0, unknown = 0 } = counts as Record<string, number>;
  expect(sent + excluded).toBe(PEOPLE);
  expect(unknown).toBe(0);
  expect(relay.counts().size).toBe(before + sent);
  expect(new Set(relay.counts().values())).toEqual(new Set([1]));
  for (const adieu of [worker, inbound, api]) expect(await adieu.stop()).toBe(0);
}

function wayOut(links: ReadonlyMap<string, ReturnType<typeof waysOut>>, person: string) {
  const found = links.get(person);
  if (found === undefined) throw new Error(`no mail to ${person}`);
  return found;
}

/** Lets people leave one after the other; what each was answered, 0 where there was no answer. */
function answersOf(
  people: readonly string[],
  leave: (person: string) => Promise<number>,
): Map<string, number> {
  const answers = new Map<string, number>();
  void (async () => {
    for (const person of people) {
      answers.set(person, await leave(person).catch(() => 0));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  return answers;
}

async function isReady(adieu: RunningAdieu): Promise<boolean> {
  return (await fetch(`${adieu.url}/readyz`)).ok;
}

/** What a provider's robot is told when it cannot be served; null when it was. */
async function retryAfter(adieu: RunningAdieu, link: URL): Promise<string | null> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const headers = { host: link.host, 'content-type': 'application/x-www-form-urlencoded' };
    const post = request(
      `${adieu.url}${link.pathname}${link.search}`,
      { method: 'POST', headers },
      (response) => {
        response.resume();
        resolve(response.statusCode === 503 ? (response.headers['retry-after'] ?? '') : null);
      },
    );
    post.on('error', reject);
    post.end('List-Unsubscribe=One-Click');
  });
}
