/**
 * Mails that nobody sends by accident. A reader that is not linear takes minutes for one of them, ours far below a
 * second; the deadline is between the two, so that no slow machine fails.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readEntity } from './entity.ts';
import { readReport } from './reader.ts';
import type { Report } from './report.ts';

const DEADLINE_MILLISECONDS = 20_000;
const FIXTURES = new URL('../../fixtures/report/', import.meta.url);
const mails = readdirSync(FIXTURES)
  .filter((name) => name.endsWith('.eml'))
  .sort()
  .map((name) => readFileSync(new URL(name, FIXTURES)));
const KINDS = ['hard', 'soft', 'sender', 'complaint', 'auto-reply', 'delivered', 'none'];

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for (IN-19)
const STEERING = /[\u0000-\u001f\u007f\u2028\u2029\u202a-\u202e]/;

/** What is wrong with a report, whatever was read; plain conditions, since thousands are asked. */
function wrongs({ recipients, original, faults, envelopeId = '', feedbackType = '' }: Report): string[] {
  const found: string[] = [];
  const demand = (holds: boolean, what: string) => {
    if (!holds) found.push(what);
  };
  demand(recipients.length > 0 && recipients.length <= 1_000, `${recipients.length} recipients`);
  demand(original.length <= 1_000, `${original.length} fields of the original`);
  demand(faults.length < 20, `${faults.length} faults`);
  demand(envelopeId.length <= 100 && feedbackType.length <= 300, 'an id or a type without end');
  for (const { address = 'a@b', status = '5.0.0', kind, reason, action } of recipients) {
    demand(KINDS.includes(kind), `kind ${kind}`);
    demand(/^[^\s<>]+@[^\s<>]+$/.test(address) && address.length <= 320, `address ${address}`);
    demand(/^[245]\.\d{1,3}\.\d{1,3}$/.test(status), `status ${status}`);
    demand(reason !== '' && reason.length <= 300, `a reason of ${reason.length}`);
    demand(!STEERING.test(address + reason), `control characters: ${JSON.stringify(address + reason)}`);
    demand(kind !== 'hard' || action === 'failed', `hard, but ${action}`);
  }
  return found;
}

const REPORT_HEAD =
  'Return-Path: <>\r\nFrom: MAILER-DAEMON@example.com\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\n';

function multipart(count: number, part: (index: number) => string): string {
  let text = `${REPORT_HEAD}Content-Type: multipart/report; boundary=b0\r\n\r\n`;
  for (let index = 0; index < count; index += 1) text += part(index);
  return text;
}

describe('IN-17 hostile mails', () => {
  const bombs: readonly (readonly [string, () => string])[] = [
    [
      '100,000 nested multiparts',
      () => multipart(100_000, (n) => `--b${n}\r\nContent-Type: multipart/mixed; boundary=b${n + 1}\r\n\r\n`),
    ],
    [
      '100,000 multiparts within multiparts of one boundary',
      () => multipart(100_000, () => '--b0\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n'),
    ],
    ['100,000 parts side by side', () => multipart(100_000, () => '--b0\r\n\r\nx\r\n')],
    ['100,000 delimiters and no empty line', () => multipart(100_000, () => '--b0\r\nA: b\r\n')],
    [
      '100,000 embedded mails, each in the other',
      () => multipart(100_000, () => '--b0\r\nContent-Type: message/rfc822\r\n\r\n'),
    ],
    ['200,000 header fields', () => `${REPORT_HEAD}${'X-Filler: y\r\n'.repeat(200_000)}\r\nbody`],
    [
      '200,000 recipients in a header',
      () => `${REPORT_HEAD}X-Failed-Recipients: ${'a@b.example,'.repeat(200_000)}\r\n\r\nx`,
    ],
    [
      'a field of 200,000 folded lines',
      () => `${REPORT_HEAD}Subject: a\r\n${' b\r\n'.repeat(200_000)}\r\nbody`,
    ],
    ['a line of 10 MB', () => `${REPORT_HEAD}\r\n${'x'.repeat(10_000_000)}`],
    ['a header line of 10 MB', () => `Subject: ${'x'.repeat(10_000_000)}\r\n\r\nbody`],
    [
      'a boundary of 1 MB',
      () => `Content-Type: multipart/mixed; boundary="${'x'.repeat(1_000_000)}"\r\n\r\n--x`,
    ],
    ['a million <div>', () => `${REPORT_HEAD}Content-Type: text/html\r\n\r\n${'<div>'.repeat(1_000_000)}`],
    ['lines full of addresses', () => `${REPORT_HEAD}\r\n${`${'user a@b '.repeat(50)}\r\n`.repeat(3_000)}`],
    ['lines of at signs', () => `${REPORT_HEAD}\r\n${`failed ${'@'.repeat(900)}\r\n`.repeat(1_200)}`],
    ['lines of brackets', () => `${REPORT_HEAD}\r\n${`to ${'<"'.repeat(450)}@\r\n`.repeat(1_200)}`],
    [
      'words of replies',
      () => `${REPORT_HEAD}\r\n<a@b.example>:\r\n${'user mailbox account address name '.repeat(40_000)}`,
    ],
    ['white space', () => `${REPORT_HEAD}\r\n${' '.repeat(1_000_000)}\r\n${'\r\n'.repeat(100_000)}`],
    [
      'quoted-printable white space',
      () =>
        `${REPORT_HEAD}Content-Transfer-Encoding: quoted-printable\r\n\r\n${`${' '.repeat(70)}=\r\n`.repeat(15_000)}`,
    ],
    ['encoded words', () => `${REPORT_HEAD}Subject: ${'=?utf-8?Q?a?= '.repeat(20_000)}\r\n\r\nx`],
    ['JSON that nests', () => `From: a@b.example\r\n\r\n{"notificationType":${'['.repeat(500_000)}`],
    [
      'a status part of 100,000 recipients',
      () =>
        `${REPORT_HEAD}Content-Type: message/delivery-status\r\n\r\n${'Final-Recipient: rfc822;a@b.example\r\nAction: failed\r\n\r\n'.repeat(20_000)}`,
    ],
    [
      'status fields in a text, over and over',
      () => `${REPORT_HEAD}\r\n${'Final-Recipient: rfc822;a@b.example\r\n\r\n'.repeat(25_000)}`,
    ],
  ];

  test.each(bombs)('%s', (_name, build) => {
    const bytes = Buffer.from(build());
    const begun = process.hrtime.bigint();
    expect(wrongs(readReport(bytes))).toEqual([]);
    expect(Number(process.hrtime.bigint() - begun) / 1e6).toBeLessThan(DEADLINE_MILLISECONDS);
  });

  test('what lies beyond the limit is not read', () => {
    const address = '\r\n<john@example.net>: 550 5.1.1 User unknown\r\n';
    const mail = (before: number) => Buffer.from(`${REPORT_HEAD}\r\n${'x\r\n'.repeat(before)}${address}`);
    expect(readReport(mail(100)).recipients).toMatchObject([{ kind: 'hard' }]);
    const long = Buffer.from(`${REPORT_HEAD}\r\n${'x'.repeat(1_048_576)}${address}`);
    expect(readReport(long).recipients).toMatchObject([{ kind: 'soft' }]);
  });

  test('what is left out is said', () => {
    const faults = (text: string) => readEntity(Buffer.from(text)).faults.join();
    expect(faults(`A: b\r\n\r\n${'x'.repeat(2_000_000)}`)).toContain('octets of the body');
    expect(faults(`${'A: b\r\n'.repeat(2_000)}\r\nx`)).toContain('1000 header fields');
    expect(faults(`A: ${'b'.repeat(300_000)}\r\n\r\nx`)).toContain('octets of the header');
    expect(faults(multipart(200, () => '--b0\r\n\r\nx\r\n'))).toContain('100 parts');
    const nested = multipart(
      50,
      (n) => `--b${n}\r\nContent-Type: multipart/mixed; boundary=b${n + 1}\r\n\r\n`,
    );
    expect(faults(nested)).toContain('20 levels');
  });
});

describe('mutated reports', () => {
  /** Cuts, doubles, swaps and overwrites pieces of real reports: what a broken relay or a bored attacker sends. */
  const mutation = fc.record({
    at: fc.nat({ max: 4_000 }),
    length: fc.nat({ max: 200 }),
    how: fc.constantFrom('cut', 'double', 'noise', 'other', 'truncate', 'case'),
    noise: fc.uint8Array({ maxLength: 40 }),
    other: fc.nat({ max: mails.length - 1 }),
  });

  test('give a sane report, whatever is done to them', () => {
    fc.assert(
      fc.property(fc.nat({ max: mails.length - 1 }), fc.array(mutation, { maxLength: 8 }), (which, steps) => {
        let bytes = mails[which] ?? Buffer.alloc(0);
        for (const { at, length, how, noise, other } of steps) {
          const from = Math.min(at, bytes.length);
          const piece = bytes.subarray(from, from + length);
          const rest = bytes.subarray(from + length);
          const middle = {
            cut: Buffer.alloc(0),
            double: Buffer.concat([piece, piece]),
            noise: Buffer.from(noise),
            other: (mails[other] ?? bytes).subarray(at, at + length * 4),
            truncate: Buffer.alloc(0),
            case: Buffer.from(piece.toString('latin1').toUpperCase(), 'latin1'),
          }[how];
          bytes = Buffer.concat([
            bytes.subarray(0, from),
            middle,
            how === 'truncate' ? Buffer.alloc(0) : rest,
          ]);
        }
        expect(wrongs(readReport(bytes))).toEqual([]);
      }),
      { numRuns: 2_000, seed: 20261122 },
    );
  });

  test('noise is no report, and harms nobody', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        const report = readReport(bytes);
        expect(wrongs(report)).toEqual([]);
        for (const { kind } of report.recipients) expect(['none', 'auto-reply']).toContain(kind);
      }),
      { numRuns: 1_000, seed: 20261123 },
    );
  });
});
