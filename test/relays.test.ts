/**
 * Adieu before relays of every kind: a real Postfix, one that rewrites and throttles as Amazon SES does, and those that close, dawdle,
 * talk nonsense, know too little, or whose TLS or login is broken.
 *
 * Every scenario ends with the same count: each message once, by its Message-ID at the far end.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { readReport } from '../packages/mail/src/index.ts';
import {
  type Answer,
  fixture,
  type RelayScript,
  type ScriptedRelay,
  type Step,
  startScriptedRelay,
} from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, enqueue, finished, importPeople } from './brand.ts';
import {
  OPENDKIM,
  type PublishedKeys,
  PYTHON_DKIM,
  testWith,
  verifyWithOpendkim,
  verifyWithPythonDkim,
} from './outside-tools.ts';
import { POSTFIX, startPostfix } from './postfix.ts';
import { type RunningAdieu, runAdieu, until } from './running-adieu.ts';
import { rewritten, startSesRelay } from './ses-relay.ts';

const PEOPLE = 60;
const OUR_AUTHORITY = `tls.ca=${encodeURIComponent(fixture('ca.pem'))}`;
const EVERYTHING = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'SIZE 10485760'];

let backend: Backend;
let adieu: RunningAdieu;
let keys: PublishedKeys;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  backend = await openBackend();
  adieu = await runAdieu({ backend, relayUrl: 'smtp://127.0.0.1:1', roles: 'api' });
  keys = await createBrand(adieu);
  await importPeople(adieu, PEOPLE);
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(async () => {
  await adieu?.stop();
  await backend?.close();
});

async function listen(script: RelayScript = {}): Promise<ScriptedRelay> {
  const relay = await startScriptedRelay({ extensions: EVERYTHING, ...script });
  closing.push(relay.close);
  return relay;
}

/** A worker of the installation, with a relay of its own. */
async function work(relayUrl: string, env: Readonly<Record<string, string>> = {}): Promise<RunningAdieu> {
  const options = { backend, dataDir: adieu.dataDir, roles: 'worker' };
  const worker = await runAdieu({ ...options, relayUrl, env: { RETRY_FIRST_SECONDS: '1', ...env } });
  closing.push(worker.stop);
  return worker;
}

/** Sends to the first so many people, or to addresses. */
function send(to: number | readonly string[], differing: object = {}): Promise<number> {
  const recipients =
    typeof to === 'number'
      ? Array.from({ length: to }, (_, index) => ({ namespace: 'CRMID', id: `p${index}` }))
      : to.map((address, index) => ({ namespace: 'CRMID', id: `q${index}`, address }));
  return enqueue(adieu, { recipients, ...differing });
}

async function messages(execution: number) {
  const { body } = await adieu.call('GET', `/v1/executions/${execution}/messages?limit=1000`);
  return body.messages as { state: string; address: string; code?: string; attempts: number }[];
}

/** Every message arrived, none of them twice. */
function expectOnce(arrivals: ReadonlyMap<string, number>, count: number): void {
  expect([...arrivals.values()].filter((times) => times !== 1)).toEqual([]);
  expect(arrivals.size).toBe(count);
}

describe('a relay that changes mails on their way', () => {
  testWith(
    [POSTFIX, PYTHON_DKIM],
    'Postfix from Debian, over STARTTLS: each arrives once and its signatures verify behind it',
    async () => {
      const sink = await listen();
      const postfix = await startPostfix(sink.port);
      closing.push(postfix.close);
      await work(`${postfix.url}?requireTLS=true&${OUR_AUTHORITY}`);
      const execution = await send(40);
      const utf8 = await send(['jürgen@example.org']);
      expect((await finished(adieu, execution)).counts.sent).toBe(40);
      expect((await finished(adieu, utf8)).counts.sent).toBe(1);
      await until(
        async () => sink.counts().size === 41,
        () => `${sink.counts().size} of 41 arrived`,
      );
      expectOnce(sink.counts(), 41);
      expect(sink.mails.map((mail) => mail.to)).toContain('jürgen@example.org');
      for (const mail of sink.mails.slice(0, 8)) {
        expect(mail.raw.toString('latin1')).toMatch(/^Received: from /);
        expect(verifyWithPythonDkim(mail.raw, keys)).toMatchObject({ valid: true });
      }
      expect((await messages(execution)).every(({ attempts }) => attempts === 1)).toBe(true);
    },
  );

  testWith(
    [POSTFIX],
    'BC-8: Postfix passes on what a report has to say, and its report says it',
    async () => {
      const heard: string[] = [];
      const sink = await listen({
        extensions: [...EVERYTHING, 'DSN'],
        answer: ({ stage, line }) => {
          if (stage === 'mail' || stage === 'rcpt') heard.push(line);
          return stage === 'rcpt' && /gone/.test(line) ? '550 5.1.1 no such user' : undefined;
        },
      });
      const postfix = await startPostfix(sink.port);
      closing.push(postfix.close);
      await work(`${postfix.url}?requireTLS=true&${OUR_AUTHORITY}`);
      const addresses = ['here+now@example.org', 'gone+long@example.org', 'gone.jürgen@example.org'];
      const execution = await send(addresses);
      expect((await finished(adieu, execution)).counts.sent).toBe(3);
      await until(
        async () => sink.mails.length === 3,
        () => `${sink.mails.length} of a mail and two reports arrived`,
      );
      const mail = sink.mails.find(({ to }) => to === addresses[0]);
      const [, token] = /^bounce\+([a-z2-7]{45})@/.exec(mail?.from ?? '') ?? [];
      expect(mail?.command.split(' ')).toEqual(
        expect.arrayContaining(['RET=HDRS', `ENVID=bounce+2B${token}`]),
      );
      expect(heard.filter((line) => line.startsWith('RCPT TO:<here'))).toEqual([
        'RCPT TO:<here+now@example.org> ORCPT=rfc822;here+2Bnow@example.org NOTIFY=FAILURE',
      ]);
      const reports = sink.mails.filter(({ from }) => from === '');
      const read = reports.map(({ to, raw }) => ({ to, ...readReport(raw) }));
      expect(read.map(({ recipients }) => recipients[0]?.address).sort()).toEqual(addresses.slice(1).sort());
      for (const report of read) {
        expect(report.recipients).toMatchObject([{ kind: 'hard', action: 'failed', status: '5.1.1' }]);
        expect(report.envelopeId).toBe(report.to.slice(0, report.to.indexOf('@')));
        // RET=HDRS
        expect(report.original.map(({ name }) => name.toLowerCase())).toContain('x-message-profile-id');
      }
      for (const { raw } of reports) expect(raw.toString('latin1')).not.toMatch(/<html/i);
    },
  );

  testWith(
    [PYTHON_DKIM, OPENDKIM],
    'DK-4 S7: SES rewrites and throttles: with "relay":"ses" every signature verifies, and no message pays for the throttling',
    async () => {
      const domain = 'ses.example.com';
      const subdomain = { linkBaseUrl: `https://${domain}`, relay: 'ses' };
      const { body } = await adieu.call('PUT', `/v1/subdomains/${domain}`, subdomain);
      const dns: { type: string; name: string; value: string }[] = body.dns;
      const published = Object.fromEntries(
        dns.filter(({ type }) => type === 'TXT').map(({ name, value }) => [name, value]),
      );
      const rsa = Object.fromEntries(
        Object.entries(published).filter(([, value]) => !value.includes('k=ed25519')),
      );
      const configuration = {
        subdomain: domain,
        emailType: 'marketing',
        from: { name: 'Brand', email: `hello@${domain}` },
      };
      expect(await adieu.call('PUT', '/v1/channel-configurations/ses', configuration)).toMatchObject({
        status: 200,
      });
      const relay = await startSesRelay();
      closing.push(relay.close);
      await work(relay.url);
      const execution = await send(30, { channelConfiguration: 'ses' });
      expect((await finished(adieu, execution)).counts.sent).toBe(30);
      expectOnce(relay.counts(), 30);
      expect(relay.throttled()).toEqual({ mail: 4, content: 4 });
      expect(new Set((await messages(execution)).map(({ attempts }) => attempts))).toEqual(new Set([1]));
      // Paused, not closed.
      expect(relay.connections()).toBeLessThanOrEqual(10);
      for (const [index, mail] of relay.delivered().entries()) {
        expect(mail.toString('latin1')).toMatch(/^Message-ID: <0102.*@eu-west-1\.amazonses\.com>\r$/m);
        expect(verifyWithPythonDkim(mail, published)).toMatchObject({ valid: true });
        if (index < 5) expect(verifyWithOpendkim(mail, rsa)).toMatchObject({ valid: true });
      }
    },
  );

  testWith([PYTHON_DKIM], 'DK-4: with "relay":"plain" the same rewriting breaks the signature', async () => {
    const relay = await listen();
    await work(relay.url);
    await finished(adieu, await send(1));
    const raw = relay.mails[0]?.raw ?? Buffer.alloc(0);
    expect(verifyWithPythonDkim(raw, keys)).toMatchObject({ valid: true });
    expect(verifyWithPythonDkim(rewritten(raw, 1), keys)).toMatchObject({ valid: false });
  });
});

describe('a relay that knows little', () => {
  test('without PIPELINING, with every octet of its replies in a packet of its own', async () => {
    const relay = await listen({ extensions: ['8BITMIME'], dribble: true });
    await work(relay.url);
    expect((await finished(adieu, await send(PEOPLE))).counts.sent).toBe(PEOPLE);
    expectOnce(relay.counts(), PEOPLE);
  });

  test('OH-19: without SMTPUTF8 a UTF-8 local part ends failed with 5.6.7, and the others are delivered', async () => {
    const relay = await listen({ extensions: ['PIPELINING'] });
    await work(relay.url);
    const execution = await send(['a@example.org', 'jürgen@example.org', 'b@example.org']);
    expect((await finished(adieu, execution)).counts).toMatchObject({ sent: 2, failed: 1 });
    const failed = (await messages(execution)).filter(({ state }) => state === 'failed');
    expect(failed).toMatchObject([{ address: 'jürgen@example.org', code: '5.6.7' }]);
    expectOnce(relay.counts(), 2);
  });

  test('with a SIZE that no message fits into: failed with 5.3.4, and nothing was offered', async () => {
    const relay = await listen({ extensions: ['PIPELINING', 'SIZE 700'] });
    await work(relay.url);
    const execution = await send(3);
    expect((await finished(adieu, execution)).counts.failed).toBe(3);
    expect((await messages(execution)).map(({ code }) => code)).toEqual(['5.3.4', '5.3.4', '5.3.4']);
    expect(relay.mails).toEqual([]);
  });
});

/** What a connection does wrong after its second message, one mood for each connection. */
const MOODS: readonly Partial<Record<Step['stage'], Answer>>[] = [
  { content: { say: '250 2.0.0 and no more', act: 'close' } },
  { content: { say: '250 2.0.0 ok\r\n421 4.3.2 enough for today', act: 'close' } },
  { content: { say: '421 4.3.2 not this one', act: 'close' } },
  { mail: { say: '421 4.7.0 later', act: 'close' } },
  { rcpt: { say: '421 4.7.0 later', act: 'close' } },
  { data: { say: '421 4.7.0 later', act: 'close' } },
  { rcpt: { act: 'reset' } },
  { rcpt: 'HTTP/1.1 400 Bad Request' },
  { mail: `250-${'x'.repeat(300_000)}` },
  { data: '250 thanks, I have seen enough' },
  { mail: '250-one\r\n250-two\r\n250 three', rcpt: '250-2.1.5 yes\r\n250 2.1.5 really' },
  { greeting: { say: '421 4.3.2 too many connections', act: 'close' } },
  { greeting: { act: 'close' } },
  { ehlo: { say: '421 4.3.2 not now', act: 'close' } },
  { greeting: 'SSH-2.0-OpenSSH_9.2' },
];

test('S7: a relay whose every connection goes wrong in another way gets each message once, and none pays for it', async () => {
  const relay = await listen({
    answer: ({ stage, connection, transaction }) => {
      const early = stage === 'greeting' || stage === 'ehlo';
      return early || transaction > 2 ? MOODS[connection - 1]?.[stage] : undefined;
    },
  });
  await work(relay.url);
  const execution = await send(PEOPLE);
  expect((await finished(adieu, execution)).counts).toMatchObject({ sent: PEOPLE, unknown: 0 });
  expectOnce(relay.counts(), PEOPLE);
  expect(relay.connections()).toBeGreaterThan(10);
  expect(new Set((await messages(execution)).map(({ attempts }) => attempts))).toEqual(new Set([1]));
});

test('S9: closing right behind the 354: every message is sent once or unknown, and unknown is not sent again', async () => {
  const relay = await listen({
    answer: ({ stage, connection, transaction }) =>
      stage === 'data' && transaction === 3 && connection <= 5
        ? { say: '354 go ahead', act: 'reset' }
        : undefined,
  });
  await work(relay.url);
  const { counts } = await finished(adieu, await send(PEOPLE));
  expect(counts.sent + counts.unknown).toBe(PEOPLE);
  expect(counts.unknown).toBeLessThanOrEqual(5);
  expectOnce(relay.counts(), counts.sent);
});

describe('a relay that takes its time', () => {
  test('OH-27: content asked for only when its intent has grown old goes out under a new one', async () => {
    const attempts = new Map<string, string[]>();
    const waiting = new Map<number, string>();
    const note = async (address: string): Promise<void> => {
      const { rows } = await sql<{ attempt: string }>`SELECT m.attempt_id AS attempt FROM message m
        JOIN address a ON a.id = m.address_id WHERE a.spelling = ${address} AND m.state = 'sending'`.execute(
        backend.db,
      );
      attempts.set(address, [...(attempts.get(address) ?? []), ...rows.map((row) => row.attempt)]);
    };
    const relay = await listen({
      answer: async ({ stage, line, connection, mail }) => {
        if (stage === 'rcpt') waiting.set(connection, /<([^>]*)>/.exec(line)?.[1] ?? '');
        if (stage === 'data') {
          await note(waiting.get(connection) ?? '');
          // Longer than the two seconds of an intent, whatever the machine does.
          await new Promise((resolve) => setTimeout(resolve, 2200));
        }
        if (mail !== null) await note(mail.to);
        return undefined;
      },
    });
    await work(relay.url);
    const execution = await send(5);
    expect((await finished(adieu, execution)).counts.sent).toBe(5);
    expectOnce(relay.counts(), 5);
    for (const [before, ...after] of attempts.values()) expect(after).not.toContain(before);
    expect([...attempts.values()].every(({ length }) => length >= 2)).toBe(true);
    expect(new Set((await messages(execution)).map((message) => message.attempts))).toEqual(new Set([1]));
  });

  test('S9: no reply to the final dot within RELAY_REPLY_SECONDS is unknown, and the relay has each message once', async () => {
    const relay = await listen({
      answer: ({ stage, connection }) =>
        stage === 'content' && connection < 4 ? { act: 'stall' } : undefined,
    });
    await work(relay.url, { RELAY_REPLY_SECONDS: '1' });
    const { counts } = await finished(adieu, await send(20));
    expect(counts).toMatchObject({ sent: 17, unknown: 3 });
    expect(new Set(relay.mails.map((mail) => mail.messageId)).size).toBe(relay.mails.length);
    expect(relay.mails).toHaveLength(20);
  });
});

describe('TLS and login', () => {
  const auth = ['334 VXNlcm5hbWU6', '334 UGFzc3dvcmQ6', '235 2.7.0 welcome'];

  test.each([
    ['STARTTLS and AUTH PLAIN, with an authority from NODE_EXTRA_CA_CERTS', 'starttls', 'PLAIN', ''],
    ['implicit TLS and AUTH LOGIN, with an authority from tls.ca', 'implicit', 'LOGIN', `?${OUR_AUTHORITY}`],
  ] as const)('%s', async (_, mode, mechanism, query) => {
    let said = 0;
    const relay = await listen({
      extensions: ['PIPELINING', `AUTH ${mechanism}`],
      tls: { mode, certificate: 'relay' },
      answer: ({ stage }) => (stage === 'auth' && mechanism === 'LOGIN' ? auth[said++ % 3] : undefined),
    });
    const worker = await work(
      `${relay.url.replace('//127.0.0.1', '//us%40er:geheim@localhost')}${query}`,
      query === '' ? { NODE_EXTRA_CA_CERTS: fixture('ca.pem') } : {},
    );
    expect((await finished(adieu, await send(10))).counts.sent).toBe(10);
    expectOnce(relay.counts(), 10);
    expect(relay.mails.every((mail) => mail.secure)).toBe(true);
    expect(worker.log()).not.toMatch(/geheim|us@er/);
  });

  test('S7: an expired certificate, then a refused login: messages wait, the log says why and no secret, and then all arrive', async () => {
    const extensions = ['PIPELINING', 'AUTH PLAIN'];
    const tls = { mode: 'starttls', certificate: 'expired' } as const;
    const expired = await startScriptedRelay({ extensions, tls });
    closing.push(expired.close);
    const worker = await work(`${expired.url.replace('//', '//us%40er:geheim@')}?${OUR_AUTHORITY}`);
    const execution = await send(10);
    await until(async () => worker.log().includes('certificate has expired'));
    await expired.close();
    expect(expired.mails).toEqual([]);

    let welcome = false;
    const answer = ({ stage, line }: Step): string | undefined =>
      stage === 'auth' && !welcome ? `535 5.7.8 no: ${line}` : undefined;
    const relay = await listen({
      extensions,
      port: expired.port,
      tls: { ...tls, certificate: 'relay' },
      answer,
    });
    await until(async () => worker.log().includes('535 5.7.8'));
    // One-click POSTs of the same process must still be let through.
    expect((await fetch(`${worker.url}/readyz`)).status).toBe(200);
    const { counts } = (await adieu.call('GET', `/v1/executions/${execution}`)).body;
    expect(counts).toMatchObject({ queued: 10, failed: 0, bounced: 0 });
    welcome = true;
    expect((await finished(adieu, execution)).counts.sent).toBe(10);
    expectOnce(relay.counts(), 10);
    expect(new Set((await messages(execution)).map(({ attempts }) => attempts))).toEqual(new Set([1]));
    const base64 = Buffer.from('\0us@er\0geheim').toString('base64');
    for (const secret of ['geheim', 'us@er', base64]) expect(worker.log()).not.toContain(secret);
  });

  test('a misspelt option of RELAY_URL stops the start', async () => {
    await expect(work('smtp://127.0.0.1:25?requireTls=true')).rejects.toThrow('adieu serve ended with');
  });
});
