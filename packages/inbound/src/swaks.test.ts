import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeCertificate } from './testing/certificate.ts';
import { type Office, openOffice } from './testing/office.ts';

/** swaks (Swiss Army Knife for SMTP) as a sender from outside. */
function swaks(...options: readonly string[]): Promise<{ readonly code: number; readonly said: string }> {
  return new Promise((resolve) => {
    execFile('swaks', [...options], { timeout: 240_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, said: stdout + stderr });
    });
  });
}

const isHere = (await swaks('--version')).code === 0;
if (!isHere) {
  if (process.env.CI === 'true') throw new Error('swaks is not installed (apt-get install swaks)');
  console.warn('skipped: swaks is not installed (apt-get install swaks)');
}
const withSwaks = isHere ? test : test.skip;

let office: Office;
beforeAll(async () => {
  office = await openOffice();
});
afterAll(() => office.close());

withSwaks('MT-5 an outside sender leaves by mail', async () => {
  const listener = await office.listen();
  const person = await office.person();
  const outcome = await swaks(
    '--server',
    '127.0.0.1',
    '--port',
    String(listener.port),
    '--from',
    person.email,
    '--to',
    person.mailto(),
  );
  expect(outcome).toMatchObject({ code: 0 });
  expect(await person.sources()).toEqual(['header_mailto']);
});

withSwaks('IN-11 an outside sender leaves by mail over TLS, pipelining', async () => {
  const listener = await office.listen({ tls: makeCertificate() });
  const person = await office.person();
  const server = ['--server', '127.0.0.1', '--port', String(listener.port), '--pipeline'];
  const outcome = await swaks(...server, '--tls', '--from', person.email, '--to', person.mailto());
  if (/TLS not available|Net::SSLeay/.test(outcome.said)) {
    console.warn('skipped: this swaks has no TLS (apt-get install libnet-ssleay-perl)');
    return;
  }
  expect(outcome).toMatchObject({ code: 0 });
  expect(await person.sources()).toEqual(['header_mailto']);
});

withSwaks('IN-6 MT-7 an outside sender reads the refusals, and its null sender is no opt-out', async () => {
  const listener = await office.listen();
  const person = await office.person();
  const server = ['--server', '127.0.0.1', '--port', String(listener.port)];
  const relayed = await swaks(...server, '--from', person.email, '--to', 'someone@elsewhere.example');
  expect(relayed.said).toMatch(/<\*\* 550 5\.7\.1 /);
  const unknown = await swaks(
    ...server,
    '--from',
    person.email,
    '--to',
    'unsubscribe+nonsense@news.example.com',
  );
  expect(unknown.said).toMatch(/<\*\* 550 5\.1\.1 /);
  const notification = await swaks(...server, '--from', '<>', '--to', person.mailto());
  expect(notification).toMatchObject({ code: 0 });
  expect(await person.sources()).toEqual([]);
});
