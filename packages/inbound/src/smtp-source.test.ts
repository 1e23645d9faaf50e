import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Office, openOffice } from './testing/office.ts';

/** Postfix's load generator as a sender from outside; Debian keeps it where not every PATH leads. */
const PROGRAM = ['/usr/sbin/smtp-source', '/usr/bin/smtp-source', '/usr/local/sbin/smtp-source'].find(
  existsSync,
);
if (PROGRAM === undefined) {
  if (process.env.CI === 'true') throw new Error('smtp-source is not installed (apt-get install postfix)');
  console.warn('skipped: smtp-source is not installed (apt-get install postfix)');
}
const withSmtpSource = PROGRAM === undefined ? test.skip : test;

function smtpSource(
  ...options: readonly string[]
): Promise<{ readonly code: number; readonly said: string }> {
  return new Promise((resolve) => {
    execFile(PROGRAM ?? '', [...options], { timeout: 240_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, said: stdout + stderr });
    });
  });
}

let office: Office;
beforeAll(async () => {
  office = await openOffice();
});
afterEach(() => office.closeListeners());
afterAll(() => office.close());

withSmtpSource(
  'MT-5 IN-21 an outside sender leaves many times at once, and one row tells of it',
  async () => {
    const listener = await office.listen();
    const person = await office.person();
    const counts = ['-s', '20', '-m', '200', '-l', '8192'];
    const outcome = await smtpSource(
      ...counts,
      '-f',
      person.email,
      '-t',
      person.mailto(),
      `127.0.0.1:${listener.port}`,
    );
    expect(outcome).toEqual({ code: 0, said: '' });
    expect(listener.stats()).toMatchObject({ recorded: 200, refusedMessages: 0, deferred: 0, turnedAway: 0 });
    expect(await person.sources()).toEqual(['header_mailto']);
  },
);

withSmtpSource(
  'IN-10 an outside sender that keeps its connections open sends many messages on each',
  async () => {
    const listener = await office.listen();
    const person = await office.person();
    const counts = ['-d', '-s', '5', '-m', '100'];
    const outcome = await smtpSource(
      ...counts,
      '-f',
      person.email,
      '-t',
      person.mailto(),
      `127.0.0.1:${listener.port}`,
    );
    expect(outcome).toEqual({ code: 0, said: '' });
    expect(listener.stats()).toMatchObject({ recorded: 100 });
  },
);

withSmtpSource(
  'IN-4 IN-6 an outside sender reads that its message is too big, and that it is not relayed for',
  async () => {
    const listener = await office.listen({ maxSize: 65_536 });
    const person = await office.person();
    const one = ['-m', '1', '-f', person.email];
    const server = `127.0.0.1:${listener.port}`;
    const big = await smtpSource(...one, '-l', '200000', '-t', person.mailto(), server);
    expect(big.said).toMatch(/552 5\.3\.4 /);
    const relayed = await smtpSource(...one, '-t', 'someone@elsewhere.example', server);
    expect(relayed.said).toMatch(/550 5\.7\.1 /);
    expect(await person.sources()).toEqual([]);
  },
);
