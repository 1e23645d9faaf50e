/**
 * A person is erased in the middle of a mailing: neither a dump of the database, nor the queue, nor a log holds a word of
 * them, and nothing brings them back (X13, shows 5 and 6).
 *
 * Words that stand nowhere else are planted through every way by which data comes in. They are looked for before the
 * erasure, too: a search that finds nothing then would find nothing afterwards, either.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { whereFound } from '@adieu/store/testing';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import { type ScriptedRelay, startScriptedRelay } from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, type BackendName, missing, openBackend } from './backend.ts';
import {
  createBrand,
  enqueue,
  finished,
  importPeople,
  mailTheAddress,
  postOneClick,
  waysOut,
} from './brand.ts';
import { type RunningAdieu, runAdieu, until } from './running-adieu.ts';

const LOCAL = 'vogellocal';
const HOST = 'vogelhost';
const ID = 'vogelid';
/** Where each word stands. */
const WORDS = [
  LOCAL,
  HOST,
  ID,
  'vogelfirst',
  'vogellast',
  'vogelattribute',
  'vogelcoupon',
  'vogelcomment',
  'vogelproof',
  'vogelmail',
];
const EMAIL = `${LOCAL}@${HOST}.example.org`;
const PERSON = {
  identities: { CRMID: ID, Email: EMAIL },
  attributes: {
    person: { name: { firstName: 'vogelfirst', lastName: 'vogellast' } },
    color: 'vogelattribute',
  },
  consents: { marketing: { email: { val: 'y' } } },
};
const PATH = `/v1/profiles/CRMID/${ID}`;
const MAIN = fileURLToPath(new URL('../packages/app/dist/main.js', import.meta.url));
const PG_DUMP = '/usr/lib/postgresql/15/bin/pg_dump';

let backend: Backend;
let relay: ScriptedRelay;
let adieu: RunningAdieu;
/** The relay refuses the person, and says whom it refuses. */
let refusing: boolean;

async function open(name?: BackendName): Promise<void> {
  refusing = false;
  backend = await openBackend(name);
  relay = await startScriptedRelay({
    answer: ({ stage, line }) =>
      stage === 'rcpt' && refusing && line.includes(LOCAL) ? `550 5.7.1 ${line} is refused` : undefined,
  });
  adieu = await runAdieu({ backend, relayUrl: relay.url });
  await createBrand(adieu);
  await importPeople(adieu, 2);
  await importPerson();
  await adieu.call('PUT', '/v1/channel-configurations/receipt', {
    subdomain: 'news.example.com',
    emailType: 'transactional',
    from: { name: 'Brand', email: 'hello@news.example.com' },
  });
}

afterEach(async () => {
  await adieu?.stop();
  await relay?.close();
  await backend?.close();
});

async function importPerson(): Promise<object> {
  const answer = await adieu.call('POST', '/v1/profiles', `${JSON.stringify(PERSON)}\n`);
  expect(answer).toMatchObject({ status: 200, body: { upserted: 1 } });
  return answer.body;
}

const mailsToPerson = () => relay.mails.filter(({ to }) => to.toLowerCase() === EMAIL);

/** Every word of the person, by every way in; answers the ways out of a mail they got. */
async function plant() {
  const recipients = [{ namespace: 'CRMID', id: ID, address: EMAIL, context: { coupon: 'vogelcoupon' } }];
  await finished(adieu, await enqueue(adieu, { recipients }));
  const [mail] = mailsToPerson();
  if (mail === undefined) throw new Error('the person got no mail');
  refusing = true;
  const refused = await finished(adieu, await enqueue(adieu));
  expect(refused.counts).toMatchObject({ sent: 2, failed: 1 });
  refusing = false;
  const suppression = [{ entity: { type: 'email', entityValue: EMAIL }, comment: 'vogelcomment' }];
  expect(await adieu.call('POST', '/ajo/config/suppression/addresses', suppression)).toMatchObject({
    status: 201,
  });
  const wish = `From: <${EMAIL}>\r\nMessage-ID: <wish@example.net>\r\nSubject: vogelmail\r\n\r\nno more mail`;
  expect(await mailTheAddress(adieu, 'postmaster@news.example.com', wish)).toMatch(/^250/);
  const proof = { kind: 'form', at: new Date().toISOString(), reference: 'vogelproof' };
  const consents = { marketing: { email: { val: 'p' } }, evidence: proof };
  expect(await adieu.call('PUT', `${PATH}/consents`, consents)).toMatchObject({ status: 200 });
  return waysOut(mail);
}

/** Everything that is stored, as one text. */
async function stored(): Promise<string> {
  const parts: string[] = [];
  for (const word of WORDS)
    for (const table of await whereFound(backend.db, word)) parts.push(`${word} in ${table}`);
  if (backend.env.QUEUE_URL !== undefined) parts.push(await redisTexts(backend.env.QUEUE_URL));
  return parts.join('\n');
}

const READS: Readonly<Record<string, (redis: Redis, key: string) => Promise<unknown>>> = {
  hash: (redis, key) => redis.hgetall(key),
  string: (redis, key) => redis.get(key),
  list: (redis, key) => redis.lrange(key, 0, -1),
  zset: (redis, key) => redis.zrange(key, '0', '-1'),
  set: (redis, key) => redis.smembers(key),
  stream: (redis, key) => redis.xrange(key, '-', '+'),
};

async function redisTexts(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    const texts: string[] = [];
    for (const key of await redis.keys('*')) {
      const type = await redis.type(key);
      const read = READS[type];
      if (read === undefined) throw new Error(`a key of an unknown type: ${type}`);
      texts.push(`${key} ${JSON.stringify(await read(redis, key))}`);
    }
    // A queue that holds nothing at all would prove nothing.
    expect(texts.length).toBeGreaterThan(0);
    return texts.join('\n');
  } finally {
    redis.disconnect();
  }
}

function dump(): string {
  const dumped = spawnSync(PG_DUMP, ['--dbname', backend.url, '--inserts'], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (dumped.status !== 0) throw new Error(dumped.stderr);
  return dumped.stdout;
}

const wordsIn = (text: string) => WORDS.filter((word) => text.toLowerCase().includes(word));

/** Sending stands still with a message to the person in it, and an execution that names them is not expanded. */
async function leaveWorkWaiting() {
  expect(await adieu.call('POST', '/v1/sending/pause', { why: 'a test' })).toMatchObject({ status: 200 });
  const queued = await enqueue(adieu, { channelConfiguration: 'receipt' });
  await until(async () => (await adieu.call('GET', `/v1/executions/${queued}`)).body.counts.queued === 3);
  return queued;
}

const BACKENDS = ['scratch', 'redis', 'postgres'] as const;

describe('an erasure in the middle of a mailing', () => {
  for (const name of BACKENDS) {
    const lacking = missing(name);
    const run = lacking === null || process.env.CI === 'true' ? test : test.skip;
    run(
      `LG-6: leaves no word of the person behind, over ${name}${lacking === null ? '' : ` (skipped: ${lacking})`}`,
      async () => {
        await open(name);
        const links = await plant();
        const queued = await leaveWorkWaiting();
        expect(wordsIn(await stored())).toEqual(WORDS);
        if (name === 'postgres' && existsSync(PG_DUMP)) expect(wordsIn(dump())).toEqual(WORDS);

        expect(await adieu.call('DELETE', PATH)).toMatchObject({
          status: 202,
          body: { counts: { stopped: 1 } },
        });
        const nothing = async () => {
          expect(wordsIn(await stored())).toEqual([]);
          if (name === 'postgres') expect(wordsIn(dump())).toEqual([]);
          expect(wordsIn(adieu.log())).toEqual([]);
        };
        await nothing();

        // Who keeps an old mail may still use its links: they say yes, and bring nobody back.
        expect(await postOneClick(adieu, links.https)).toBe(200);
        expect(await mailTheAddress(adieu, links.mailto, 'Subject: unsubscribe\r\n\r\n')).toMatch(/^250/);
        const before = mailsToPerson().length;
        expect(await adieu.call('POST', '/v1/sending/resume', {})).toMatchObject({ status: 200 });
        const { counts, exclusions } = await finished(adieu, queued);
        expect(counts).toMatchObject({ sent: 2, excluded: 1 });
        expect(exclusions).toEqual({ '050101': 1 });
        expect(mailsToPerson()).toHaveLength(before);
        await nothing();
      },
    );
  }
});

/** Runs a command as an operator does, with nobody at the terminal. */
function operate(...words: string[]) {
  const env = { PATH: process.env.PATH ?? '', ADIEU_DATA_DIR: adieu.dataDir, ADIEU_API_KEY: adieu.key };
  const args = [MAIN, ...words, '--server', adieu.url];
  return spawnSync(process.execPath, args, { env, encoding: 'utf8', input: '' });
}

test('X13: who is imported again after an erasure stays out, though the file says yes', async () => {
  await open();
  await plant();
  const before = mailsToPerson().length;
  const exported = operate('export', 'crmid', ID, '--json');
  expect(wordsIn(exported.stdout)).toEqual(WORDS);
  expect(operate('erase', 'crmid', ID)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('--yes'),
  });
  expect(await adieu.call('GET', PATH)).toMatchObject({ status: 200 });
  const erased = operate('erase', 'crmid', ID, '--yes');
  expect(erased).toMatchObject({ status: 0, stdout: expect.stringContaining('receipt') });
  expect(wordsIn(erased.stdout + erased.stderr)).toEqual([]);
  expect(operate('export', 'CRMID', ID)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('unknown_profile'),
  });
  expect(await adieu.call('GET', PATH)).toMatchObject({ status: 404 });
  expect(await importPerson()).toMatchObject({ kept: [{ line: 1, code: 'erased' }], keptCount: 1 });
  const recipients = [{ namespace: 'CRMID', id: ID }];
  for (const channelConfiguration of ['newsletter', 'receipt']) {
    const { exclusions } = await finished(adieu, await enqueue(adieu, { recipients, channelConfiguration }));
    expect(exclusions).toEqual({ '050102': 1 });
  }
  await adieu.call('DELETE', `/ajo/config/suppression/addresses/${encodeURIComponent(EMAIL)}`);
  const { exclusions } = await finished(adieu, await enqueue(adieu, { recipients }));
  expect(exclusions).toEqual({ '050101': 1 });
  expect(mailsToPerson()).toHaveLength(before);
});

test('X13: an erasure whose process is killed in the middle is finished by asking again', async () => {
  await open();
  await plant();
  // The last thing that is written waits for us, so the person is opted out and all else is still to be committed.
  let letGo: () => void = () => {};
  const gone = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const holding = backend.db.transaction().execute(async (transaction) => {
    await sql`LOCK TABLE tombstone IN SHARE ROW EXCLUSIVE MODE`.execute(transaction);
    await gone;
  });
  try {
    const asked = adieu.call('DELETE', PATH).catch(() => null);
    await until(async () => {
      const { rows } = await sql`SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE d.datname = current_database() AND NOT l.granted AND l.relation = 'tombstone'::regclass`.execute(
        backend.db,
      );
      return rows.length > 0;
    });
    await adieu.kill();
    await asked;
  } finally {
    letGo();
    await holding;
  }
  adieu = await runAdieu({ backend, relayUrl: relay.url, dataDir: adieu.dataDir });
  expect(await adieu.call('GET', PATH)).toMatchObject({
    status: 200,
    body: { consents: { marketing: { email: { val: 'n' } } } },
  });
  expect(wordsIn(await stored())).toEqual(WORDS);
  const receipt = await adieu.call('DELETE', PATH);
  expect(receipt).toMatchObject({ status: 202 });
  expect(wordsIn(await stored())).toEqual([]);
  expect(await adieu.call('DELETE', PATH)).toEqual(receipt);
});
