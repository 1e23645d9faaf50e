/**
 * What an operator sees of Adieu: `GET /metrics` of two processes that share the work, `/readyz`, and what they say when the
 * inbound listener falls silent (P3).
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { lockTable } from '@adieu/store/testing';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { greet, submit } from '../packages/inbound/src/testing/caller.ts';
import { type ScriptedRelay, startScriptedRelay } from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import {
  createBrand,
  DOMAIN,
  enqueue,
  finished,
  importPeople,
  LINK_BASE,
  postOneClick,
  waysOut,
} from './brand.ts';
import { type Exposition, readExposition } from './exposition.ts';
import { complaint, deliveryReport, headerOf } from './returned-mail.ts';
import { type Answer, type RunningAdieu, runAdieu, until } from './running-adieu.ts';

const MAIN = fileURLToPath(new URL('../packages/app/dist/main.js', import.meta.url));
/** Nothing is published, and nobody outside is asked. */
const NO_ZONE = fileURLToPath(new URL('./published-zone.js', import.meta.url));
const PEOPLE = 5;
const MAIL = 'From: someone@example.net\r\nSubject: unsubscribe\r\n\r\n';

let backend: Backend;
let relay: ScriptedRelay;
let front: RunningAdieu;
let listener: RunningAdieu;
const held: Socket[] = [];
beforeAll(async () => {
  backend = await openBackend();
  relay = await startScriptedRelay({
    answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('p4@') ? '550 5.1.1 Nobody' : undefined),
  });
  const env = { SMTP_CANARY_SECONDS: '1' };
  front = await runAdieu({ backend, relayUrl: relay.url, roles: 'api,worker', env });
  const { dataDir } = front;
  listener = await runAdieu({ backend, relayUrl: relay.url, roles: 'inbound', env, dataDir });
  await createBrand(front);
  await importPeople(front, PEOPLE);
});
afterAll(async () => {
  for (const socket of held) socket.destroy();
  await listener?.stop();
  await front?.stop();
  await relay?.close();
  await backend?.close();
});

async function scrapeText(adieu: RunningAdieu): Promise<string> {
  const response = await fetch(`${adieu.url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return response.text();
}

const scrape = async (adieu: RunningAdieu): Promise<Exposition> => readExposition(await scrapeText(adieu));

type Wanted = readonly [string, Readonly<Record<string, string>>, number | undefined];

/** Waits for these values: a number is written a moment after what it counts was answered. */
async function counts(adieu: RunningAdieu, wanted: readonly Wanted[]): Promise<void> {
  let found: readonly Wanted[] = [];
  const reached = async () => {
    const at = await scrape(adieu);
    found = wanted.map(([name, labels]) => [name, labels, at.value(name, labels)]);
    return JSON.stringify(found) === JSON.stringify(wanted);
  };
  await until(reached, undefined, 20_000).catch(() => undefined);
  expect(found).toEqual(wanted);
}

async function deliver(recipient: string, content: string): Promise<string> {
  const caller = await greet(listener.smtpPort);
  try {
    return await submit(caller, { recipients: [recipient], content });
  } finally {
    caller.hangUp();
  }
}

async function readiness(adieu: RunningAdieu, query = ''): Promise<Answer> {
  const response = await fetch(`${adieu.url}/readyz${query}`);
  return { status: response.status, body: await response.json() };
}

/** What `adieu doctor` finds, by check. */
async function doctor(): Promise<Record<string, string>> {
  const env = {
    PATH: process.env.PATH ?? '',
    ...backend.env,
    ADIEU_DATA_DIR: front.dataDir,
    SMTP_PORT: String(listener.smtpPort),
  };
  const child = spawn(process.execPath, ['--import', NO_ZONE, MAIN, 'doctor', '--json'], { env });
  let printed = '';
  let complaint = '';
  child.stdout.on('data', (chunk) => (printed += chunk));
  child.stderr.on('data', (chunk) => (complaint += chunk));
  const [code] = await once(child, 'close');
  if (printed === '') throw new Error(complaint);
  const { findings } = JSON.parse(printed) as { findings: { check: string; verdict: string }[] };
  expect(code).toBe(findings.some(({ verdict }) => verdict === 'wrong') ? 1 : 0);
  return Object.fromEntries(findings.map(({ check, verdict }) => [check, verdict]));
}

describe('GET /metrics', () => {
  test('counts what happens once, in the process where it happens, and holds nobody', async () => {
    const execution = await enqueue(front);
    await finished(front, execution);
    const mailTo = (id: string) => {
      const mail = relay.mails.find(({ to }) => to === `${id}@example.org`);
      if (mail === undefined) throw new Error(`nothing went to ${id}`);
      return mail;
    };
    const gone = waysOut(mailTo('p0'));
    expect(await postOneClick(front, gone.https)).toBe(200);
    expect(await postOneClick(front, gone.https)).toBe(200);
    const left = waysOut(mailTo('p1'));
    const sender = `someone-${DOMAIN}@example.net`;
    expect(await deliver(left.mailto, MAIL)).toMatch(/^250 /);
    expect(await deliver(left.mailto, `Auto-Submitted: auto-replied\r\n${MAIL}`)).toMatch(/^250 /);
    expect(await deliver(mailTo('p2').from, deliveryReport(mailTo('p2')))).toMatch(/^250 /);
    expect(await deliver(mailTo('p3').from, complaint(mailTo('p3')))).toMatch(/^250 /);
    expect(await deliver(`postmaster@${DOMAIN}`, `From: ${sender}\r\n\r\nHello\r\n`)).toMatch(/^250 /);
    expect(await deliver(`nobody@${DOMAIN}`, MAIL)).toMatch(/^550 /);

    await counts(front, [
      ['adieu_messages_total', { outcome: 'sent' }, PEOPLE - 1],
      ['adieu_messages_total', { outcome: 'bounced' }, 1],
      ['adieu_messages_total', { outcome: 'excluded' }, 0],
      ['adieu_intents_total', { outcome: 'admitted' }, PEOPLE],
      ['adieu_worker_batches_total', { event: 'claimed' }, 1],
      ['adieu_optouts_total', { source: 'header_post', outcome: 'recorded' }, 1],
      ['adieu_optouts_total', { source: 'header_post', outcome: 'repeated' }, 1],
      ['adieu_optouts_total', { source: 'header_mailto', outcome: 'recorded' }, 0],
      ['adieu_optout_seconds_count', {}, 2],
      ['adieu_http_requests_total', { door: 'one_click', status: '2xx' }, 2],
      ['adieu_sending_paused', {}, 0],
      ['adieu_queue_batches', {}, 0],
      ['adieu_inbound_listener_up', {}, undefined],
      ['adieu_inbound_mails_total', { outcome: 'opted_out' }, undefined],
    ]);
    await counts(listener, [
      ...['opted_out', 'auto_reply', 'bounced', 'complained', 'review'].map(
        (outcome) => ['adieu_inbound_mails_total', { outcome }, 1] as const,
      ),
      ['adieu_inbound_mails_total', { outcome: 'noted' }, 0],
      ['adieu_inbound_refusals_total', { stage: 'recipient', reply: '5xx' }, 1],
      ['adieu_inbound_commit_seconds_count', {}, 5],
      ['adieu_optouts_total', { source: 'header_mailto', outcome: 'recorded' }, 1],
      ['adieu_reports_total', { kind: 'bounce', outcome: 'recorded' }, 1],
      ['adieu_reports_total', { kind: 'complaint', outcome: 'recorded' }, 1],
      ['adieu_reported_bounces_total', { kind: 'hard' }, 1],
      ['adieu_reported_suppressions_total', {}, 2],
      ['adieu_inbound_listener_up', {}, 1],
      ['adieu_messages_total', { outcome: 'sent' }, undefined],
    ]);
    expect((await scrape(listener)).value('adieu_inbound_last_mail_timestamp_seconds')).toBeGreaterThan(
      1.7e9,
    );

    for (const adieu of [front, listener]) {
      const text = await scrapeText(adieu);
      const found = /@|example\.(?:org|net|com)|\bp\d\b|[a-z2-7]{45}|[A-Za-z0-9_-]{40,}(?![^\n]*\bHELP)/;
      const samples = text.split('\n').filter((line) => !line.startsWith('#'));
      expect(samples.filter((line) => found.test(line.replace(/^[a-z_:]+/, '')))).toEqual([]);
      for (const secret of [gone.https.search, left.mailto, headerOf(mailTo('p0')), front.key, DOMAIN])
        expect(text).not.toContain(secret);
      const ours = [...readExposition(text).types.keys()].filter((name) => name.startsWith('adieu_'));
      expect(ours.length).toBeGreaterThan(15);
    }
  }, 300_000);

  test('is where a process says at its start, with the role api and without', () => {
    for (const adieu of [front, listener]) expect(adieu.log()).toContain(`"watchUrl":"${adieu.url}"`);
    expect(listener.log()).toContain(`${listener.url}/readyz and /metrics`);
  });

  test('is for those inside: whoever comes through a proxy finds nothing', async () => {
    for (const header of ['x-forwarded-for', 'forwarded', 'via']) {
      for (const adieu of [front, listener]) {
        const response = await fetch(`${adieu.url}/metrics`, { headers: { [header]: '203.0.113.7' } });
        expect(response.status).toBe(404);
      }
    }
  });

  test('is for those inside: under the host of links, where the world is, there is none', async () => {
    const asked = request(`${front.url}/metrics`, { headers: { host: new URL(LINK_BASE).host } });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(404);
  });

  test('has a name for every metric as Prometheus wants it', async () => {
    for (const adieu of [front, listener]) {
      const { types } = await scrape(adieu);
      for (const [name, type] of types) {
        if (!name.startsWith('adieu_')) continue;
        expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
        expect(name).not.toMatch(/_(?:ms|milliseconds|minutes|kb|mb)\b/);
      }
    }
  });
});

describe('the list of metrics', () => {
  test('has every metric with its labels and their values, and no other; alerts name none that is not there', async () => {
    const page = readFileSync(new URL('../packages/WATCHING.md', import.meta.url), 'utf8');
    const rows = new Map(
      [...page.matchAll(/^\| `(adieu_\w+)` \| (.*?) \|/gm)].map(([, name = '', labels = '']) => [
        name,
        labels,
      ]),
    );
    const scraped = [await scrape(front), await scrape(listener)];
    const names = new Set(
      scraped.flatMap(({ types }) => [...types.keys()].filter((name) => name.startsWith('adieu_'))),
    );
    expect([...rows.keys()].sort()).toEqual([...names].sort());
    for (const { name, labels } of scraped.flatMap(({ series }) => series)) {
      const said = rows.get(name) ?? rows.get(name.replace(/_(?:bucket|sum|count)$/, ''));
      for (const [label, value] of Object.entries(labels)) {
        if (said === undefined || label === 'le' || label === 'source') continue;
        expect([name, said]).toEqual([name, expect.stringContaining(`\`${label}\``)]);
        if (label !== 'status') expect(page).toMatch(new RegExp(`[\`(\\s]${value}[\`)\\s]`));
      }
    }
    const alerts = /```yaml\ngroups:([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const asked = [...alerts.matchAll(/\badieu_\w+/g)].map(([name]) => name.replace(/_bucket$/, ''));
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('a listener that falls silent', () => {
  const ready = async (wanted: number) =>
    until(
      async () => {
        const answer = await readiness(listener);
        return answer.status === wanted && answer;
      },
      () => `never ${wanted}\n${listener.log()}`,
    );

  test('turns its process unready in plain words, and ready again by itself', async () => {
    const before = await ready(200);
    expect(Object.keys(before.body.inbound)).toEqual(['canaryAt', 'mailAt']);
    // The way in is open, and no opt-out is ever stored.
    const release = await lockTable(backend.db, 'consent_history');
    try {
      const { body } = await ready(503);
      expect(body).toMatchObject({ code: 'not_ready' });
      expect(body.detail).toMatch(/^The inbound listener /);
      expect((await scrape(listener)).value('adieu_inbound_listener_up')).toBe(0);
      // Its neighbour has no listener to worry about.
      expect(await readiness(front)).toMatchObject({ status: 200, body: { status: 'ready' } });
    } finally {
      await release();
    }
    await ready(200);
    expect((await scrape(listener)).value('adieu_inbound_listener_up')).toBe(1);
    expect(listener.log()).toContain('the inbound listener takes mail again');
  }, 300_000);

  test('leaves one-clicks to the process that has both doors: the API of it is ready, and says whose silence it is', async () => {
    const both = await runAdieu({
      ...{ backend, relayUrl: relay.url, roles: 'api,inbound', dataDir: front.dataDir },
      env: { SMTP_CANARY_SECONDS: '1' },
    });
    const release = await lockTable(backend.db, 'inbound_watch');
    try {
      const whole = await until(
        async () => {
          const answer = await readiness(both);
          return answer.status === 503 && answer;
        },
        () => `never unready\n${both.log()}`,
      );
      expect(Object.keys(whole.body.notReady)).toEqual(['inbound']);
      expect(await readiness(both, '?role=inbound')).toMatchObject({ status: 503 });
      expect(await readiness(both, '?role=worker')).toMatchObject({ status: 503 });
      expect(await readiness(both, '?role=api')).toMatchObject({ status: 200 });
      const [mail] = relay.mails;
      if (mail === undefined) throw new Error('nobody was written to');
      expect(await postOneClick(both, waysOut(mail).https)).toBe(200);
    } finally {
      await release();
      await both.stop();
    }
  }, 300_000);

  test('is none of a process that has no port for it: that is ready, and no mail should be sent there', async () => {
    const deaf = await runAdieu({
      ...{ backend, relayUrl: relay.url, roles: 'api,inbound', dataDir: front.dataDir },
      env: { SMTP_PORT: 'off' },
    });
    try {
      expect(await readiness(deaf)).toMatchObject({ status: 200 });
      expect(await readiness(deaf, '?role=inbound')).toMatchObject({
        status: 503,
        body: { notReady: { inbound: 'This process does not have that role.' } },
      });
    } finally {
      await deaf.stop();
    }
  }, 300_000);

  test('stays ready while all its places for one caller are held: busy is not silent', async () => {
    const result = (at: Exposition, name: string) =>
      at.value('adieu_inbound_canaries_total', { result: name }) ?? 0;
    const before = result(await scrape(listener), 'busy');
    const hold = (): void => {
      const socket = connect(listener.smtpPort, '127.0.0.1');
      socket.on('error', () => undefined);
      held.push(socket);
    };
    for (let place = 0; place < 60; place += 1) hold();
    await until(async () => {
      // A canary that was under way had a place of its own, which is free again.
      hold();
      return result(await scrape(listener), 'busy') > before;
    });
    expect(await readiness(listener)).toMatchObject({ status: 200 });
    for (const socket of held.splice(0)) socket.destroy();
  }, 300_000);

  test('that is killed is seen by the others: the last canary of the installation grows old', async () => {
    const name = 'adieu_installation_canary_timestamp_seconds';
    const moving = (await scrape(front)).value(name) ?? 0;
    await until(async () => ((await scrape(front)).value(name) ?? 0) > moving);
    const examined = await doctor();
    expect(examined).toMatchObject({
      database: 'ok',
      'last canary': 'ok',
      'last mail': 'ok',
      'inbound listener': 'ok',
    });
    expect(Object.keys(examined)).toContain(`MX of ${DOMAIN}`);
    await listener.kill();
    expect(await doctor()).toMatchObject({ database: 'ok', 'inbound listener': 'wrong' });
    await until(async () => Date.now() / 1000 - ((await scrape(front)).value(name) ?? 0) > 8);
  }, 300_000);
});
