import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Inbound } from './listener.ts';
import { greet, submit } from './testing/caller.ts';
import { DOMAIN, type Office, openOffice, type Person } from './testing/office.ts';

/** Where connections that this process began have led, in order; null for one that led nowhere. */
const begun: { port: number | null }[] = [];
const note = (message: unknown): void => {
  const { socket } = message as { readonly socket: Socket };
  const one = { port: null as number | null };
  begun.push(one);
  socket.once('connect', () => {
    one.port = socket.remotePort ?? null;
  });
};

let office: Office;
/** Whoever was spoken to before any mail came: the database and the listener. */
let familiar: Set<number | null>;
let listener: Inbound;
beforeAll(async () => {
  subscribe('net.client.socket', note);
  office = await openOffice();
  listener = await office.listen({
    resolver: async () => {
      throw Object.assign(new Error('no such record'), { code: 'ENOTFOUND' });
    },
  });
  const caller = await greet(listener.port);
  await caller.ask('MAIL FROM:<john@example.net>');
  expect(await caller.ask(`RCPT TO:<nobody@${DOMAIN}>`)).toMatch(/^550 5\.1\.1 /);
  caller.hangUp();
  familiar = new Set(begun.splice(0).map(({ port }) => port));
});
afterAll(async () => {
  unsubscribe('net.client.socket', note);
  await office.close();
});

const ROLES = ['unsubscribe', 'abuse', 'fbl', 'postmaster'];

/** A report of the kind that would loop, were it ever answered. */
function reportOf(type: string, block: string): string {
  return [
    'From: MAILER-DAEMON@mx.example.net',
    'Reply-To: <answer-me@mx.example.net>',
    'Disposition-Notification-To: <answer-me@mx.example.net>',
    'Return-Receipt-To: <answer-me@mx.example.net>',
    `Content-Type: multipart/report; report-type=${type}; boundary=b`,
    ...['', '--b', `Content-Type: message/${type}`, '', block, '', '--b--', ''],
  ].join('\r\n');
}

const CONTENTS = [
  'From: john@example.net\r\nReply-To: answer-me@mx.example.net\r\nSubject: unsubscribe\r\n\r\nunsubscribe',
  'From: john@example.net\r\nDisposition-Notification-To: john@example.net\r\n\r\nWhere is my order?',
  'From: john@example.net\r\nAuto-Submitted: auto-replied\r\n\r\nI am away',
  reportOf(
    'delivery-status',
    'Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; a@example.com\r\nAction: failed\r\nStatus: 5.1.1',
  ),
  reportOf('feedback-report', 'Feedback-Type: abuse\r\nUser-Agent: x\r\nVersion: 1'),
  'no header at all',
];

test('MT-11 BC-15 whatever comes in, nothing goes out: no connection is begun but those of the callers', async () => {
  const people: Person[] = [];
  for (let at = 0; at < CONTENTS.length; at += 1) people.push(await office.person());
  const caller = await greet(listener.port);
  for (const [at, content] of CONTENTS.entries()) {
    const person = people[at] as Person;
    const addresses = [person.mailto(), person.bounce(), ...ROLES.map((role) => `${role}@${DOMAIN}`)];
    for (const address of addresses)
      for (const sender of ['john@example.net', ''])
        expect([content, address, await submit(caller, { recipients: [address], content, sender })]).toEqual([
          ...[content, address, expect.stringMatching(/^250 /)],
        ]);
  }
  caller.hangUp();
  await listener.close();
  const counts = listener.stats();
  expect(counts).toMatchObject({ recorded: expect.any(Number), deferred: 0, refusedMessages: 0 });
  for (const kind of ['recorded', 'autoReplies', 'bounces', 'complaints', 'reviewed'] as const)
    expect([kind, counts[kind] > 0]).toEqual([kind, true]);
  // The callers of this test are seen, so somebody else would be.
  expect([...familiar]).toEqual(expect.arrayContaining([listener.port]));
  expect(familiar.has(null)).toBe(false);
  expect(begun.length).toBeGreaterThan(0);
  expect(begun.map(({ port }) => port).filter((port) => !familiar.has(port))).toEqual([]);
});
