/**
 * A database that was restored: nothing is sent until a person says so, and everybody may leave meanwhile. What is no
 * restore does not look like one.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { type ScriptedRelay, startScriptedRelay } from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, enqueue, finished, importPeople, postOneClick, waysOut } from './brand.ts';
import { noPostgres, startOwnPostgres } from './own-postgres.ts';
import { type RunningAdieu, type RunOptions, runAdieu, until } from './running-adieu.ts';

const MAIN = fileURLToPath(new URL('../packages/app/dist/main.js', import.meta.url));

let relay: ScriptedRelay;
let running: RunningAdieu[];
let folder: string;

beforeEach(async () => {
  relay = await startScriptedRelay();
  running = [];
  folder = await mkdtemp(join(tmpdir(), 'adieu-restored-'));
  // The embedded server may run as another user, who has to enter.
  await chmod(folder, 0o755);
});

afterEach(async () => {
  for (const adieu of running) await adieu.stop();
  await relay.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(options: Omit<RunOptions, 'relayUrl'>) {
  const adieu = await runAdieu({ relayUrl: relay.url, ...options });
  running.push(adieu);
  return adieu;
}

const sending = async (adieu: RunningAdieu) => (await adieu.call('GET', '/v1/sending')).body;

describe('a data directory', () => {
  const dataDir = () => join(folder, 'data');
  const backup = () => join(folder, 'backup');
  const startEmbedded = () => start({ backend: { env: {}, dataDir: dataDir() } });
  const command = (...args: string[]) => {
    const { PATH = '' } = process.env;
    const env = { PATH, ADIEU_DATA_DIR: dataDir(), LOG_LEVEL: 'silent' };
    return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env });
  };

  test.each(['in the place of the one that was lost', 'over the one that is there'])(
    'that is put back %s pauses sending and says why; opt-outs are taken, and one word goes on',
    async (where) => {
      let adieu = await startEmbedded();
      await createBrand(adieu);
      await importPeople(adieu, 3);
      await finished(adieu, await enqueue(adieu));
      await adieu.stop();
      await mkdir(backup());
      copy(dataDir(), backup());

      // A stop and a start are no restore.
      adieu = await startEmbedded();
      expect(await sending(adieu)).toEqual({ state: 'running' });
      await finished(adieu, await enqueue(adieu));
      expect(relay.mails).toHaveLength(6);
      await adieu.stop();
      if (where.startsWith('in')) {
        await rm(dataDir(), { recursive: true });
        await mkdir(dataDir());
      }
      copy(backup(), dataDir());

      adieu = await startEmbedded();
      expect(await sending(adieu)).toEqual({
        state: 'paused',
        why: expect.stringMatching(/put back|restored from a backup/),
        since: expect.any(String),
      });
      expect(adieu.log()).toMatch(/"level":50.*sending is paused/);
      expect(adieu.log()).toContain('SENDING IS PAUSED');
      const third = await enqueue(adieu);
      await until(async () => (await adieu.call('GET', `/v1/executions/${third}`)).body.counts.queued === 3);
      const [mail] = relay.mails.filter(({ to }) => to === 'p1@example.org');
      if (mail === undefined) throw new Error('no mail to p1');
      expect(await postOneClick(adieu, waysOut(mail).https)).toBe(200);
      expect(command('sending').stdout).toMatch(/SENDING IS PAUSED[\s\S]*backup/);
      const { executions } = JSON.parse(command('sending', '--json').stdout);
      expect(executions).toMatchObject([{ executionId: third, queued: 3, deferred: 0, sandbox: 'prod' }]);
      expect(relay.mails).toHaveLength(6);

      expect(JSON.parse(command('sending', 'resume', '--json').stdout)).toEqual({ state: 'running' });
      expect((await finished(adieu, third)).counts).toMatchObject({ sent: 2, excluded: 1 });
      expect(relay.mails).toHaveLength(8);
      expect(command('sending', 'pause', '--why', 'night').stdout).toMatch(/PAUSED[\s\S]*night/);
      expect(await sending(adieu)).toMatchObject({ state: 'paused', why: 'night' });
      const other = command('sending', 'pause', '--why', 'day').stdout;
      expect(other).toMatch(/already paused; the earlier reason stands[\s\S]*night/);
      expect(command('sending', 'pause', '--why', 'a\nb').stderr).toContain('[reason_invalid]');
      const fourth = await enqueue(adieu);
      expect(await adieu.call('POST', `/v1/executions/${fourth}/pause`)).toMatchObject({ status: 200 });
      command('sending', 'resume');
      expect(command('sending').stdout).toMatch(
        new RegExp(`is running[\\s\\S]*Under way:[\\s\\S]* ${fourth} [\\s\\S]*paused itself`),
      );
    },
  );
});

describe('an own database', () => {
  let backend: Backend;
  beforeEach(async () => {
    backend = await openBackend('scratch');
  });
  afterEach(() => backend.close());

  const open = (name: string, roles: string) => start({ backend, dataDir: join(folder, name), roles });

  test('is not paused by processes that come, go and are killed, with one data directory or several', async () => {
    const [api, worker] = [await open('one', 'api'), await open('one', 'worker')];
    const other = await open('two', 'worker');
    await worker.kill();
    await other.stop();
    const [again, third] = [await open('one', 'worker'), await open('two', 'worker')];
    await beatsOn(backend, 3);
    expect(await sending(api)).toEqual({ state: 'running' });
    for (const adieu of [again, third]) expect(adieu.log()).not.toContain('sending is paused');
  });

  test('that goes back under a running worker pauses without a restart', async () => {
    const adieu = await open('one', 'api,worker');
    await beatsOn(backend, 3);
    await sql`UPDATE witness SET beat = 1`.execute(backend.db);
    await until(async () => (await sending(adieu)).state === 'paused');
    expect(await sending(adieu)).toMatchObject({ why: expect.stringContaining('older than what was seen') });
    await until(async () => adieu.log().includes('sending is paused'));
  });
});

/** With owners and times, as a backup program does; files that are there are written over. */
function copy(from: string, to: string): void {
  run('cp', '-a', `${from}/.`, to);
}

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** Waits until every witness there is has beaten so often. */
async function beatsOn({ db }: Backend, times: number): Promise<void> {
  const read = async () => {
    const rows = await db.selectFrom('witness').select('beat').execute();
    return rows.reduce((sum, { beat }) => sum + beat, 0);
  };
  const before = await read();
  await until(async () => (await read()) >= before + times);
}

const own = noPostgres === null || process.env.CI === 'true' ? test : test.skip;
own('a dump that is read into a fresh database pauses, whoever comes to see it', async () => {
  const server = await startOwnPostgres();
  try {
    const [old, fresh] = [await server.createDatabase(), await server.createDatabase()];
    const over = (url: string) => ({ env: { DATABASE_URL: url }, dataDir: null });
    const before = await start({ backend: over(old), dataDir: join(folder, 'before') });
    await createBrand(before);
    await importPeople(before, 3);
    await finished(before, await enqueue(before));
    await before.stop();
    const dump = join(folder, 'adieu.dump');
    run('pg_dump', '--format=custom', `--file=${dump}`, old);
    run('pg_restore', '--no-owner', '--single-transaction', `--dbname=${fresh}`, dump);

    // A new process in a new directory has seen nothing itself.
    const env = { ADIEU_KEYRING: join(folder, 'before', 'keyring.json') };
    const after = await start({ backend: over(fresh), dataDir: join(folder, 'after'), env });
    expect(await sending(after)).toMatchObject({
      state: 'paused',
      why: expect.stringContaining('another database'),
    });
  } finally {
    await server.close();
  }
});
