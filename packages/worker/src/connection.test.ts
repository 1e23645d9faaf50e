import { isFailure } from '@adieu/core';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Opened, openConnection } from './connection.ts';
import { readRelayUrl } from './relay-url.ts';
import {
  fixture,
  type RelayScript,
  type ScriptedRelay,
  type Step,
  startScriptedRelay,
} from './testing/scripted-relay.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const OUR_AUTHORITY = `tls.ca=${encodeURIComponent(fixture('ca.pem'))}`;

/** A relay, and every command line it was given. */
async function listen(script: RelayScript = {}): Promise<{ relay: ScriptedRelay; heard: string[] }> {
  const heard: string[] = [];
  const relay = await startScriptedRelay({
    ...script,
    answer: (step) => {
      if (step.line !== '') heard.push(step.line);
      return script.answer?.(step);
    },
  });
  closing.push(relay.close);
  return { relay, heard };
}

async function connect(url: string): Promise<Opened> {
  const opened = await openConnection(readRelayUrl(url));
  opened.socket.on('error', () => {});
  closing.push(() => opened.socket.destroy());
  return opened;
}

/** What an attempt to connect is refused with. */
async function refusal(url: string): Promise<string> {
  const failure = await connect(url).then(
    () => null,
    (error: unknown) => error,
  );
  if (!isFailure(failure)) throw new Error(`not refused: ${failure}`);
  expect(failure).toMatchObject({ code: 'relay_unavailable', temporary: true });
  return failure.detail;
}

const as = (url: string, user: string): string => url.replace('//', `//${user}@`);
/** Reaches loopback, and is not recognised as such. */
const elsewhere = (url: string): string => url.replace('127.0.0.1', '0.0.0.0');
const answering = (stage: Step['stage'], answer: ReturnType<NonNullable<RelayScript['answer']>>) => ({
  answer: (step: Step) => (step.stage === stage ? answer : undefined),
});
const encrypted = ({ socket }: Opened): boolean => 'encrypted' in socket && socket.encrypted === true;

describe('TLS that is broken is refused, and nothing is said in plain instead', () => {
  const cases = (['starttls', 'implicit'] as const).flatMap((mode) =>
    [
      ['expired', /certificate has expired/],
      ['elsewhere', /does not match certificate's altnames/],
      ['stranger', /self-signed certificate/],
    ].map(([certificate, why]) => [mode, certificate, why] as [string, string, RegExp]),
  );

  test.each(cases)('%s with the certificate %s', async (mode, certificate, why) => {
    const { relay, heard } = await listen({ tls: { mode, certificate } as Required<RelayScript>['tls'] });
    expect(await refusal(as(`${relay.url}?${OUR_AUTHORITY}`, 'us:geheim'))).toMatch(why);
    expect(heard.filter((line) => !/^(EHLO|STARTTLS)/.test(line))).toEqual([]);
  });

  test('an authority of its own has to be named', async () => {
    const { relay } = await listen({ tls: { mode: 'starttls', certificate: 'relay' } });
    expect(await refusal(relay.url)).toMatch(/unable to (get local issuer|verify the first) certificate/);
    expect(encrypted(await connect(`${relay.url}?${OUR_AUTHORITY}`))).toBe(true);
  });

  test.each([
    ['refused', answering('starttls', '454 4.7.0 TLS not available')],
    ['cut', answering('starttls', { say: '220 go ahead', act: 'close' })],
    ['reset', answering('starttls', { say: '220 go ahead', act: 'reset' })],
  ])('STARTTLS that is offered and %s', async (_, script) => {
    const { relay, heard } = await listen({
      ...script,
      tls: { mode: 'starttls', certificate: 'relay' },
    });
    await refusal(`${relay.url}?${OUR_AUTHORITY}`);
    expect(heard.at(-1)).toBe('STARTTLS');
  });

  test('a relay that speaks plain where TLS is implicit', async () => {
    const { relay, heard } = await listen();
    await refusal(relay.url.replace('smtp:', 'smtps:'));
    expect(heard).toEqual([]);
  });

  test('what was said in plain behind the reply to STARTTLS counts for nothing', async () => {
    const { relay } = await listen({
      ...answering('starttls', '220 go ahead\r\n250-relay.test\r\n250-SMTPUTF8\r\n250 SIZE 1'),
      tls: { mode: 'starttls', certificate: 'relay' },
    });
    const { extensions } = await connect(`${relay.url}?${OUR_AUTHORITY}`);
    expect(extensions).toEqual({
      ...{ pipelining: true, smtputf8: false, eightBitMime: true, dsn: false, size: 10_485_760 },
    });
  });
});

describe('where STARTTLS is not offered', () => {
  test('without credentials the session stays in plain', async () => {
    const { relay } = await listen();
    expect(encrypted(await connect(elsewhere(relay.url)))).toBe(false);
  });

  test('requireTLS asks for it all the same, and leaves', async () => {
    const { relay, heard } = await listen();
    await refusal(`${relay.url}?requireTLS=true`);
    expect(heard.map((line) => line.slice(0, 8))).toEqual(['EHLO [12', 'STARTTLS']);
  });

  test('requireTLS leaves a relay that knows no EHLO', async () => {
    const { relay, heard } = await listen(answering('ehlo', '502 5.5.1 what?'));
    await refusal(`${relay.url}?requireTLS=true`);
    expect(heard).toHaveLength(1);
  });

  test.each([
    ['that offers AUTH', { extensions: ['AUTH PLAIN LOGIN'] }],
    ['that knows no EHLO', answering('ehlo', { say: '502 5.5.1 what?', act: 'go on' })],
  ])('credentials are never said to another host %s', async (_, script) => {
    const { relay, heard } = await listen(script);
    await refusal(as(elsewhere(relay.url), 'us:geheim'));
    expect(heard.filter((line) => /^AUTH/.test(line))).toEqual([]);
  });

  test('credentials are said to this machine', async () => {
    const { relay, heard } = await listen({ extensions: ['AUTH PLAIN'] });
    await connect(as(relay.url, 'us:geheim'));
    expect(heard.at(-1)).toMatch(/^AUTH PLAIN /);
  });
});

describe('AUTH', () => {
  const starttls = { mode: 'starttls', certificate: 'relay' } as const;

  test.each([
    ['PLAIN', [`AUTH PLAIN ${Buffer.from('\0us@er\0pa:ss').toString('base64')}`]],
    [
      'LOGIN',
      ['AUTH LOGIN', Buffer.from('us@er').toString('base64'), Buffer.from('pa:ss').toString('base64')],
    ],
  ])('%s over TLS', async (mechanism, wanted) => {
    const lines = ['334 VXNlcm5hbWU6', '334 UGFzc3dvcmQ6'];
    const { relay, heard } = await listen({
      extensions: ['PIPELINING', `AUTH ${mechanism}`],
      tls: starttls,
      answer: ({ stage }) => (stage === 'auth' && mechanism === 'LOGIN' ? lines.shift() : undefined),
    });
    expect(encrypted(await connect(as(`${elsewhere(relay.url)}?${OUR_AUTHORITY}`, 'us%40er:pa%3Ass')))).toBe(
      true,
    );
    expect(heard.slice(-wanted.length)).toEqual(wanted);
    // Before TLS there was EHLO and STARTTLS, and nothing else.
    expect(heard.findIndex((line) => line.startsWith('AUTH'))).toBe(3);
  });

  test('a refusal is told in the relay’s words, without what it was told in AUTH', async () => {
    const { relay } = await listen({
      extensions: ['AUTH PLAIN'],
      answer: ({ stage, line }) =>
        stage === 'auth' ? `535 5.7.8 no ${line.slice(11)} for us@er/geheim` : undefined,
    });
    const said = await refusal(as(relay.url, 'us%40er:geheim'));
    expect(said).toContain('535 5.7.8 no … for …/…');
  });

  test('a relay that does not offer it is not used, since it was to know us', async () => {
    const { relay } = await listen();
    expect(await refusal(as(relay.url, 'us:geheim'))).toBe('The relay does not offer AUTH.');
  });
});

describe('RELAY_URL', () => {
  const complaint = (url: string): string => {
    try {
      readRelayUrl(url);
    } catch (error) {
      if (isFailure(error) && error.code === 'relay_url_invalid') return error.detail;
      throw error;
    }
    throw new Error(`${url} was taken`);
  };

  test.each([
    ['http://relay.example', 'RELAY_URL: It must begin with smtp:// or smtps:// and name a host.'],
    ['smtp://', 'RELAY_URL: It must begin with smtp:// or smtps:// and name a host.'],
    ['smtp://relay.example?maxConnections=0', 'RELAY_URL: maxConnections must be a whole number above 0.'],
    ['smtp://relay.example?tls.ca=/nowhere/ca.pem', 'RELAY_URL: The file of tls.ca cannot be read.'],
    ['smtp://relay.example?requireTls=true', 'RELAY_URL: requireTls is no option of a relay.'],
    ['smtp://relay.example?tls.CA=x', 'RELAY_URL: tls.CA is no option of a relay.'],
    ['smtp://relay.example?rateLimit=5', 'RELAY_URL: rateLimit is no option of a relay.'],
    ['smtp://relay.example?requireTLS=yes', 'RELAY_URL: requireTLS must be true or false.'],
    [
      'smtp://relay.example?tls.rejectUnauthorized=0',
      'RELAY_URL: tls.rejectUnauthorized must be true or false.',
    ],
    ['smtp://us@relay.example', 'RELAY_URL: Credentials need both a user and a password.'],
    [
      'smtp://us:pw@relay.example?ignoreTLS=true',
      'RELAY_URL: ignoreTLS would send the credentials in plain.',
    ],
    [
      'smtp://us:pw@relay.example?opportunisticTLS=true',
      'RELAY_URL: opportunisticTLS would send the credentials in plain.',
    ],
    [
      'smtp://us:pw@relay.example?requireTLS=false',
      'RELAY_URL: requireTLS=false would send the credentials in plain.',
    ],
  ])('%s is refused', (url, wanted) => {
    expect(complaint(url)).toBe(wanted);
  });

  test.each([
    ['smtp://us:pw@relay.example', true],
    ['smtp://us:pw@127.0.0.1.evil.example', true],
    ['smtp://us:pw@10.0.0.1', true],
    ['smtp://relay.example', undefined],
    ['smtps://us:pw@relay.example', undefined],
    ['smtp://us:pw@localhost', undefined],
    ['smtp://us:pw@127.1.2.3', undefined],
    ['smtp://us:pw@[::1]:2525', undefined],
  ])('%s requires TLS: %s', (url, wanted) => {
    expect(readRelayUrl(url).options.requireTLS).toBe(wanted);
  });

  test('options reach the connection, and a log sees none of them', () => {
    const { options, shown } = readRelayUrl(
      `smtps://us:pw@relay.example:466?name=me.example&pool=true&connectionTimeout=5000&${OUR_AUTHORITY}`,
    );
    expect(options).toMatchObject({
      host: 'relay.example',
      port: 466,
      name: 'me.example',
      connectionTimeout: 5000,
    });
    expect(String(options.tls?.ca)).toMatch(/^-----BEGIN CERTIFICATE/);
    expect(shown).toBe('smtps://relay.example:466');
  });
});
