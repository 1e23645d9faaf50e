/**
 * PostgreSQL killed with -9 again and again while clients bring every kind of inbound mail, and come again like any mail server when
 * they were not answered 250: no 250 without its row, and in the end every mail has exactly one.
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
import { type RelayedMail, startScriptedRelay } from '../packages/worker/src/testing/scripted-relay.ts';
import type { Backend } from './backend.ts';
import { createBrand, DOMAIN, enqueue, finished, importPeople, waysOut } from './brand.ts';
import { noPostgres, startOwnPostgres } from './own-postgres.ts';
import { bring, complaint, deliveryReport } from './returned-mail.ts';
import { type RunningAdieu, runAdieu, until } from './running-adieu.ts';

/** Mails of each kind. */
const EACH = 60;
const CLIENTS = 40;
const KILLS = 4;
/** Times an outage is met by so many answers other than 250, before the database comes back. */
const REFUSED_IN_AN_OUTAGE = 15;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
}, 120_000);

/** A server that can be killed. */
interface Victim {
  readonly url: string;
  readonly backend: Pick<Backend, 'env' | 'dataDir'>;
  /** Does all that takes time; answers what kills it, which answers what brings it back: null where the processes that use it do. */
  aim(): Promise<() => Promise<(() => Promise<void>) | null>>;
}

if (noPostgres !== null && process.env.CI !== 'true')
  test.skip(`IN-9 an own PostgreSQL (skipped: ${noPostgres})`, () => undefined);
else
  test('IN-9 an own PostgreSQL 15, killed (kill -9) and started again: each 250 has its row, everybody ends with one', async () => {
    const server = await startOwnPostgres();
    closing.push(server.close);
    const url = await server.createDatabase();
    await overwhelm({
      url,
      backend: { env: { DATABASE_URL: url }, dataDir: null },
      aim: async () => async () => {
        await server.end('SIGKILL');
        return server.start;
      },
    });
  }, 900_000);

test('IN-9 the embedded PostgreSQL, killed (kill -9): each 250 has its row, everybody ends with one', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'adieu-inbound-outage-'));
  closing.push(() => rm(dataDir, { recursive: true, force: true }));
  const server = await startEmbedded({ dataDir, log: SILENT });
  closing.push(server.close);
  let left = false;
  await overwhelm({
    url: server.url,
    backend: { env: {}, dataDir },
    async aim() {
      // Whoever started it has no part in its return.
      if (!left) await server.close();
      left = true;
      const file = await until(() =>
        readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').catch(() => null),
      );
      return async () => {
        process.kill(Number(file.split('\n')[0]), 'SIGKILL');
        return null;
      };
    },
  });
}, 900_000);

/** One mail, and where its row is. */
interface Errand {
  readonly kind: 'unsubscribe' | 'bounce' | 'complaint' | 'review';
  /** What its row is found by. */
  readonly key: string;
  readonly recipient: string;
  readonly content: string;
  readonly sender: string;
}

async function overwhelm(victim: Victim): Promise<void> {
  const relay = await startScriptedRelay();
  closing.push(relay.close);
  const env = { ADIEU_KEYRING: generateKeyRing(), SMTP_MAX_PER_IP: '200' };
  const run = async (roles: string): Promise<RunningAdieu> => {
    const adieu = await runAdieu({ backend: victim.backend, relayUrl: relay.url, roles, env });
    closing.push(adieu.stop);
    return adieu;
  };
  const [api, inbound, worker] = [await run('api'), await run('inbound'), await run('worker')];
  await createBrand(api);
  await importPeople(api, 3 * EACH);
  await finished(api, await enqueue(api));
  expect(await worker.stop()).toBe(0);
  const errands = errandsOf(relay.mails);
  const database = openDatabase({ url: victim.url });
  closing.push(database.close);

  const waiting = [...errands];
  const answered: Errand[] = [];
  const others = new Map<string, number>();
  let refused = 0;
  let again = 0;
  /** Clients rest when so many are answered: there is something left to do when a server is killed, however fast it was. */
  let allowed = 0;
  const client = async (): Promise<void> => {
    for (;;) {
      const errand = answered.length < allowed ? waiting.shift() : undefined;
      if (errand === undefined) {
        if (answered.length === errands.length) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
        continue;
      }
      const reply = await bring(inbound, errand.recipient, errand).catch(() => '');
      if (reply.startsWith('250')) {
        answered.push(errand);
        continue;
      }
      const code = reply.slice(0, 3) || 'none';
      others.set(code, (others.get(code) ?? 0) + 1);
      refused += 1;
      again += 1;
      waiting.push(errand);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const clients = Promise.all(Array.from({ length: CLIENTS }, client));
  /** Answers that a crash came between: whoever was told 250 by then has a row when the database is back. */
  let unkept: readonly string[] = [];
  for (let kill = 1; kill <= KILLS; kill += 1) {
    allowed = (errands.length * kill) / (KILLS + 2);
    await until(async () => answered.length >= allowed);
    const strike = await victim.aim();
    const before = refused;
    allowed = errands.length;
    await until(async () => answered.length + waiting.length < errands.length);
    const bringBack = await strike();
    const promised = [...answered];
    if (bringBack !== null) {
      await until(async () => refused >= before + REFUSED_IN_AN_OUTAGE);
      await bringBack();
    }
    const rows = await until(() => rowsOf(database).catch(() => null));
    unkept = [...unkept, ...promised.filter(({ key }) => rows.get(key) === undefined).map(({ key }) => key)];
  }
  await clients;

  const rows = await rowsOf(database);
  const counted = errands.map(({ key, kind }) => ({ key, kind, rows: rows.get(key) ?? 0 }));
  const kinds = ['unsubscribe', 'bounce', 'complaint', 'review'] as const;
  const ofKind = kinds.map((kind) => [kind, answered.filter((one) => one.kind === kind).length] as const);
  process.stderr.write(
    `${KILLS} kills; 250: ${answered.length} (${ofKind.map((one) => one.join(' ')).join(', ')}), each with its row; ` +
      `not 250: ${[...others].map((one) => one.join(' x ')).join(', ')}; tried again ${again} times\n`,
  );
  expect(unkept).toEqual([]);
  expect(counted.filter((one) => one.rows !== 1)).toEqual([]);
  expect([...rows.keys()].filter((key) => !errands.some((errand) => errand.key === key))).toEqual([]);
  // 421 and no answer are of connections that met their end, 450 of more than 1,200 mails in a minute; nobody is told that a mail is
  // refused for good.
  for (const code of others.keys()) expect(['451', '450', '421', 'none']).toContain(code);
  if (victim.backend.dataDir === null) expect(others.get('451') ?? 0).toBeGreaterThan(0);
  // By itself: neither was started again.
  expect(await inbound.stop()).toBe(0);
  expect(await api.stop()).toBe(0);
}

/** Every kind by turns: a third leaves, a third bounces, a third complains; strangers write to the postmaster. */
function errandsOf(mails: readonly RelayedMail[]): Errand[] {
  return mails.flatMap((mail, index): Errand[] => {
    const [person = ''] = mail.to.split('@');
    const report = { recipient: mail.from, sender: '' };
    if (index % 3 === 0) {
      const { mailto: recipient } = waysOut(mail);
      const content = 'Subject: unsubscribe\r\n\r\n';
      const letter = `Subject: review-${index}\r\nMessage-ID: <${index}@letters.example>\r\n\r\nHello`;
      return [
        { kind: 'unsubscribe', key: `header_mailto ${person}`, recipient, content, sender: 'a@b.example' },
        {
          kind: 'review',
          key: `review-${index}`,
          recipient: `postmaster@${DOMAIN}`,
          content: letter,
          sender: 'a@b.example',
        },
      ];
    }
    return index % 3 === 1
      ? [{ kind: 'bounce', key: `hard ${person}`, content: deliveryReport(mail), ...report }]
      : [{ kind: 'complaint', key: `complaint ${person}`, content: complaint(mail), ...report }];
  });
}

/** How often each key is on record: history, the report's event, the review queue. */
async function rowsOf({ db }: ReturnType<typeof openDatabase>): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ key: string; count: number }>`
    SELECT key, count(*)::int AS count FROM (
      SELECT h.source || ' ' || i.value AS key FROM consent_history h
        JOIN identity i ON i.profile_id = h.profile_id AND i.namespace = 'CRMID'
      UNION ALL SELECT 'hard ' || i.value FROM event e
        JOIN identity i ON i.profile_id = e.profile_id AND i.namespace = 'CRMID' WHERE e.type = 'bounced'
      UNION ALL SELECT subject FROM review_mail
    ) AS every GROUP BY key`.execute(db);
  return new Map(rows.map(({ key, count }) => [key, count]));
}
