/**
 * Dry runs from the command line: told beforehand what a file of people would come to, and nobody is stored for it.
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
import { createBrand, enqueue, finished, importPeople } from './brand.ts';
import { type RunningAdieu, runAdieu } from './running-adieu.ts';

const MAIN = fileURLToPath(new URL('../packages/app/dist/main.js', import.meta.url));
const HTML =
  '<html><head><title>Spring</title></head><body><a data-link-type="one-click" href="#">Bye</a></body></html>';

let backend: Backend;
let relay: ScriptedRelay;
let adieu: RunningAdieu;
let files: string;

beforeAll(async () => {
  backend = await openBackend();
  relay = await startScriptedRelay();
  adieu = await runAdieu({ backend, relayUrl: relay.url });
  files = await mkdtemp(join(tmpdir(), 'adieu-dry-run-'));
  await createBrand(adieu);
  await importPeople(adieu, 5);
  await adieu.call('POST', '/ajo/config/suppression/addresses', [
    { entity: { type: 'email', entityValue: 'p1@example.org' } },
  ]);
  const left = { identities: { CRMID: 'p2' }, consents: { marketing: { email: { val: 'n' } } } };
  await adieu.call('POST', '/v1/profiles', `${JSON.stringify(left)}\n`);
  await writeFile(join(files, 'letter.html'), HTML);
  await writeFile(join(files, 'bare.html'), HTML.replace(/<a .*<\/a>/, ''));
});

afterAll(async () => {
  await adieu?.stop();
  await relay?.close();
  await backend?.close();
});

/** Runs `adieu send` as a person does. */
async function send(people: string, ...options: string[]) {
  const [template = 'letter.html', ...others] = options[0]?.endsWith('.html')
    ? options
    : ['letter.html', ...options];
  const args = ['send', join(files, template), '--to', join(files, people), '--server', adieu.url, ...others];
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH ?? '', ADIEU_DATA_DIR: adieu.dataDir, ADIEU_API_KEY: adieu.key },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const [status] = await once(child, 'close');
  return { status, stdout, stderr };
}

test('S6 a dry run over the API says what the execution then does', async () => {
  const dry = await finished(adieu, await enqueue(adieu, { dryRun: true }));
  expect(dry).toMatchObject({
    dryRun: true,
    counts: { queued: 3, excluded: 2, sent: 0 },
    exclusions: { '050101': 1, '050102': 1 },
  });
  expect(relay.mails).toEqual([]);
  const real = await finished(adieu, await enqueue(adieu));
  expect(real).toMatchObject({ counts: { sent: 3, excluded: 2 }, exclusions: dry.exclusions });
});

test('S6 adieu send --dry-run tells what sending the same file comes to, and stores nobody', async () => {
  await writeFile(
    join(files, 'people.csv'),
    'id,email,firstName\np1,p1@example.org,A\np2,p2@example.org,B\np3,,C\nnew,new@example.org,D\n,only@example.org,E\nnew,new@example.org,F\nnowhere,,G\n',
  );
  const mails = relay.mails.length;
  const page = await send('people.csv', '--dry-run');
  expect(page).toMatchObject({ status: 0 });
  expect(page.stdout).toContain('nothing was sent, and nobody was stored');
  expect(page.stdout).toMatch(/ 3 {2}would be sent/);
  expect(page.stdout).toMatch(/ 3 {2}would be skipped/);
  for (const line of [
    '050101  No consent to marketing mail.',
    '050102  The address is suppressed.',
    '050020  The profile has no address to send to.',
  ]) {
    expect(page.stdout).toContain(line);
  }
  expect(page.stdout).toContain('name somebody a second time: 1');

  const dry = JSON.parse((await send('people.csv', '--dry-run', '--json')).stdout);
  expect(dry).toMatchObject({ dryRun: true, finished: true, recipients: 6, uncounted: 0 });
  expect(relay.mails.length).toBe(mails);
  for (const who of ['CRMID/new', 'CRMID/nowhere', 'Email/only%40example.org']) {
    expect(await adieu.call('GET', `/v1/profiles/${who}`)).toMatchObject({ status: 404 });
  }

  const real = JSON.parse((await send('people.csv', '--json')).stdout);
  expect(real).toMatchObject({
    exclusions: dry.exclusions,
    counts: { sent: dry.counts.queued, excluded: dry.counts.excluded },
  });
  expect(relay.mails.length - mails).toBe(3);
});

test('S6 lines that no import would take, or that bring consent, are told apart', async () => {
  const lines = [
    { identities: { CRMID: 'fine', Email: 'fine@example.org' } },
    { identities: { CRMID: 7 } },
    {
      identities: { CRMID: 'no', Email: 'no@example.org' },
      consents: { marketing: { email: { val: 'n' } } },
    },
  ];
  await writeFile(join(files, 'people.ndjson'), lines.map((line) => JSON.stringify(line)).join('\n'));
  const page = await send('people.ndjson', '--dry-run');
  expect(page).toMatchObject({ status: 1 });
  expect(page.stdout).toMatch(/ 2 {2}would be sent/);
  expect(page.stdout).toContain('line 2: an identity is not a text');
  expect(page.stdout).toContain('counts only once they are imported: 1.');
});

test('U8 a dry run refuses a template without a way out, as sending does', async () => {
  expect(await send('people.csv', 'bare.html', '--dry-run')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('[template_without_opt_out]'),
  });
});
