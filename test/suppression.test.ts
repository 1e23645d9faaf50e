/**
 * The suppression list and the allowed list: who is on them is not mailed, and lists of other systems are brought along.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ScriptedRelay, startScriptedRelay } from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, DOMAIN, enqueue, finished, importPeople } from './brand.ts';
import { type RunningAdieu, runAdieu } from './running-adieu.ts';

const MAIN = fileURLToPath(new URL('../packages/app/dist/main.js', import.meta.url));
const FILES = fileURLToPath(new URL('suppression-files', import.meta.url));
const SUPPRESSION = '/ajo/config/suppression';

let backend: Backend;
let relay: ScriptedRelay;
let adieu: RunningAdieu;

beforeAll(async () => {
  backend = await openBackend();
  relay = await startScriptedRelay();
  adieu = await runAdieu({ backend, relayUrl: relay.url });
  await createBrand(adieu);
  await importPeople(adieu, 4);
  const receipt = {
    subdomain: DOMAIN,
    emailType: 'transactional',
    from: { name: 'B', email: `b@${DOMAIN}` },
  };
  expect(await adieu.call('PUT', '/v1/channel-configurations/receipt', receipt)).toMatchObject({
    status: 200,
  });
});

afterAll(async () => {
  await adieu?.stop();
  await relay?.close();
  await backend?.close();
});

const entity = (entityValue: string, type = 'email') => ({ entity: { type, entityValue } });

async function allow(active: boolean): Promise<void> {
  const answer = await adieu.call('PUT', '/v1/sandboxes/prod/allowed-list', { active });
  expect(answer).toMatchObject({ status: 200, body: { active } });
}

/** Sends to everybody and answers who got it at the sink, and the exclusions. */
async function send(channelConfiguration = 'newsletter'): Promise<{ got: string[]; exclusions: object }> {
  const before = relay.mails.length;
  const { exclusions } = await finished(adieu, await enqueue(adieu, { channelConfiguration }));
  const got = relay.mails.slice(before).map(({ to }) => to.split('@')[0] ?? '');
  return { got: got.sort(), exclusions };
}

test('X10 X11 X12 who is suppressed or not allowed gets nothing, with the right code, owed mail included', async () => {
  await adieu.call('POST', `${SUPPRESSION}/addresses`, [entity('P0@EXAMPLE.ORG')]);
  for (const configuration of ['newsletter', 'receipt']) {
    expect(await send(configuration)).toEqual({ got: ['p1', 'p2', 'p3'], exclusions: { '050102': 1 } });
  }
  await adieu.call('POST', `${SUPPRESSION}/domains`, [entity('Example.ORG', 'domain')]);
  expect(await send('receipt')).toEqual({ got: [], exclusions: { '050102': 1, '050105': 3 } });
  expect(await adieu.call('DELETE', `${SUPPRESSION}/domains/example.org`)).toMatchObject({ status: 204 });

  await allow(true);
  expect(await send('receipt')).toEqual({ got: [], exclusions: { '050102': 1, '050103': 3 } });
  await adieu.call('POST', `${SUPPRESSION}/domains?type=allowed`, [entity('brand.example', 'domain')]);
  expect(await send()).toEqual({ got: [], exclusions: { '050102': 1, '050106': 3 } });
  await adieu.call('POST', `${SUPPRESSION}/addresses?type=allowed`, [
    entity('p0@example.org'),
    entity('p2@example.org'),
  ]);
  expect(await send()).toEqual({ got: ['p2'], exclusions: { '050102': 1, '050103': 2 } });
  await allow(false);
  expect(await adieu.call('DELETE', `${SUPPRESSION}/addresses/p0%40example.org`)).toMatchObject({
    status: 204,
  });
  expect(await send()).toEqual({ got: ['p0', 'p1', 'p2', 'p3'], exclusions: {} });
});

/** Runs `adieu import suppressions` as an operator does. */
async function importFile(file: string, ...options: string[]) {
  const path = file.includes('/') ? file : join(FILES, file);
  const child = spawn(
    process.execPath,
    [MAIN, 'import', 'suppressions', path, '--server', adieu.url, ...options],
    {
      env: { PATH: process.env.PATH ?? '', ADIEU_DATA_DIR: adieu.dataDir, ADIEU_API_KEY: adieu.key },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const [status] = await once(child, 'close');
  return { status, stdout, stderr };
}

async function reasonOf(path: string): Promise<string | null> {
  const { status, body } = await adieu.call('GET', `${SUPPRESSION}/${path}`);
  return status === 404 ? null : body.suppressed.type;
}

test.each([
  ['amazon-ses.csv', 2, { 'ses-bounce@example.com': 'HARD', 'ses-complaint@example.com': 'COMPLAINT' }],
  [
    'amazon-ses-bulk.csv',
    2,
    { 'bulk-bounce@example.com': 'HARD', 'bulk-complaint@example.com': 'COMPLAINT' },
  ],
  ['sendgrid.csv', 2, { 'sendgrid@example.com': 'HARD', 'soft@example.com': 'SOFT' }],
  ['mailgun.csv', 1, { 'mailgun@example.com': 'HARD' }],
  ['postmark.csv', 2, { 'postmark@example.com': 'HARD', 'spam@example.com': 'COMPLAINT' }],
  ['mailchimp-cleaned.csv', 1, { 'cleaned@example.com': 'MANUAL' }],
] as const)('X10 %s is imported whole, and again without effect', async (file, count, reasons) => {
  const first = await importFile(file, '--json');
  expect(first).toMatchObject({ status: 0, stderr: '' });
  expect(JSON.parse(first.stdout)).toMatchObject({ added: count, alreadyThere: 0, rejectedCount: 0 });
  for (const [address, reason] of Object.entries(reasons)) {
    expect([address, await reasonOf(`addresses/${address}`)]).toEqual([address, reason]);
  }
  const again = await importFile(file);
  expect(again.status).toBe(0);
  expect(again.stdout).toContain(`added 0, already there ${count}, rejected 0`);
});

test('X10 a dry run and the report name every line that is not taken, and the exit code says so', async () => {
  const dry = await importFile('journey-optimizer.csv', '--dry-run');
  expect(dry).toMatchObject({ status: 1 });
  expect(dry.stdout).toContain('nothing was stored');
  expect(dry.stdout).toContain('added 2, already there 0, rejected 1');
  expect(await reasonOf('domains/bad.example')).toBeNull();
  const real = await importFile('journey-optimizer.csv');
  expect(real).toMatchObject({ status: 1 });
  expect(real.stdout).toMatch(/line 4: .*neither EMAIL nor DOMAIN.*\[type_unknown\]/);
  expect(await reasonOf('domains/bad.example')).toBe('MANUAL');
  expect(await send()).toEqual({ got: ['p0', 'p2', 'p3'], exclusions: { '050102': 1 } });

  const plain = await importFile('plain.txt', '--allowed', '--json');
  expect(plain.status).toBe(1);
  expect(JSON.parse(plain.stdout)).toMatchObject({
    added: 2,
    rejected: [{ line: 4, code: 'domain_invalid' }],
  });
  expect(await reasonOf('domains/plain.example?type=allowed')).toBe('MANUAL');
});

test('X10 people who unsubscribed are no suppressions, unless somebody says so', async () => {
  const refused = await importFile('mailchimp-unsubscribed.csv');
  expect(refused).toMatchObject({ status: 1 });
  expect(refused.stderr).toContain('[file_of_unsubscribes]');
  expect(refused.stderr).toContain('--reason');
  expect(await reasonOf('addresses/left@example.com')).toBeNull();
  expect(await importFile('mailchimp-unsubscribed.csv', '--reason', 'manual')).toMatchObject({ status: 0 });
  expect(await reasonOf('addresses/left@example.com')).toBe('MANUAL');
});

test('a wrong file is refused before a line of it is stored', async () => {
  const people = await importFile('people.csv');
  expect(people).toMatchObject({ status: 1, stdout: '' });
  expect(people.stderr).toContain('[column_missing]');
  expect((await importFile('no-such-file.csv')).stderr).toContain('[file_unreadable]');
  expect((await importFile('people.csv', '--reason', 'because')).status).toBe(2);
  // A good beginning does not help: the whole file is looked through first.
  const folder = await mkdtemp(join(tmpdir(), 'adieu-suppressions-'));
  const late = join(folder, 'late.csv');
  const lines = Array.from({ length: 120_000 }, (_, index) =>
    index < 1_500 ? `p${index}@late.example` : `name ${index}`,
  );
  await writeFile(late, `email\n${lines.join('\n')}`);
  const answer = await importFile(late);
  expect(answer).toMatchObject({ status: 1, stdout: '' });
  expect(answer.stderr).toContain('[file_doubtful]');
  expect(await reasonOf('addresses/p0@late.example')).toBeNull();
  // Refused at its first line while megabytes are still to come: the refusal arrives.
  await writeFile(late, `name,city\n${'Ann,Rome\n'.repeat(1_000_000)}`);
  expect((await importFile(late)).stderr).toContain('[column_missing]');
});
