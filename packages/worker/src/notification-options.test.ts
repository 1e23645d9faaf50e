import { readReport } from '@adieu/mail';
import { afterEach, describe, expect, test } from '@jest/globals';
import { mailOptions, recipientOptions } from './notification-options.ts';
import type { Step } from './testing/scripted-relay.ts';
import {
  closeSessions,
  first,
  message,
  on,
  replied,
  startSession as start,
} from './testing/session-stage.ts';

afterEach(closeSessions);

const TOKEN = 'a'.repeat(45);
const FROM = `bounce+${TOKEN}@news.example.com`;
const OFFERS = ['PIPELINING', 'DSN', 'SMTPUTF8', '8BITMIME'];

/** A session that notes MAIL and RCPT as they come. */
async function listening(extensions: readonly string[], script = {}) {
  const lines: string[] = [];
  const given = on({}, (step) => step.stage !== 'quit');
  const answer = { ...given, ...script }.answer as (step: Step) => undefined;
  const [session, relay] = await start({
    extensions,
    answer: (step) => {
      if (step.stage === 'mail' || step.stage === 'rcpt') lines.push(step.line);
      return answer(step);
    },
  });
  return { session, relay, lines };
}

describe('where the relay offers DSN', () => {
  test.each([
    ['with PIPELINING', OFFERS],
    ['without', OFFERS.slice(1)],
  ])(
    'BC-8 every envelope asks for reports of failure, by the token and with the recipient (%s)',
    async (_, extensions) => {
      const { session, lines } = await listening(extensions);
      const both = [session.send(message('a+1', { from: FROM })), session.send(message('b', { from: FROM }))];
      expect(await Promise.all(both)).toEqual([replied('content', 250), replied('content', 250)]);
      const mail = `MAIL FROM:<${FROM}> RET=HDRS ENVID=bounce+2B${TOKEN}`;
      expect(lines).toEqual([
        mail,
        'RCPT TO:<a+1@example.com> NOTIFY=FAILURE ORCPT=rfc822;a+2B1@example.com',
        mail,
        'RCPT TO:<b@example.com> NOTIFY=FAILURE ORCPT=rfc822;b@example.com',
      ]);
    },
  );

  test('BC-8 an address in UTF-8 is the utf-8 address type, in ASCII', async () => {
    const { session, lines } = await listening(OFFERS);
    await session.send(message('a', { from: FROM, to: 'jür+gén=\\@example.com', smtputf8: true }));
    expect(lines[0]).toMatch(/> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=/);
    expect(lines[1]).toMatch(
      / NOTIFY=FAILURE ORCPT=utf-8;j\\x\{FC\}r\\x\{2B\}g\\x\{E9\}n\\x\{3D\}\\x\{5C\}@example\.com$/,
    );
  });
});

test('BC-8 a relay that offers no DSN hears nothing of it', async () => {
  const { session, lines } = await listening(OFFERS.filter((one) => one !== 'DSN'));
  await session.send(message('a', { from: FROM }));
  expect(lines).toEqual([`MAIL FROM:<${FROM}>`, 'RCPT TO:<a@example.com>']);
});

describe('a relay that offers DSN and cannot read it', () => {
  const refusals = [
    ['mail', '555 5.5.4 Unsupported option: RET'],
    ['mail', '501 Syntax error in parameters'],
    ['mail', '455 4.5.4 not these parameters now'],
    ['mail', '550 5.5.4 Invalid command arguments'],
    ['rcpt', '504 Parameter not implemented'],
    ['rcpt', '501 5.5.2 NOTIFY?'],
  ] as const;
  const cases = refusals.flatMap(([stage, reply]) =>
    [OFFERS, OFFERS.slice(1)].map((extensions) => [stage, reply, extensions] as const),
  );

  test.each(cases)(
    'BC-8 at %s with "%s" gets the messages without it (%s)',
    async (stage, reply, extensions) => {
      const { session, relay, lines } = await listening(
        extensions,
        on({ [stage]: reply }, (step) => / (?:RET|NOTIFY)=/.test(step.line)),
      );
      const both = [session.send(message('a', { from: FROM })), session.send(message('b', { from: FROM }))];
      expect(await Promise.all(both)).toEqual([replied('content', 250), replied('content', 250)]);
      expect([...relay.counts()]).toEqual([
        ['<a>', 1],
        ['<b>', 1],
      ]);
      expect(relay.connections()).toBe(1);
      // Asked once on this connection.
      expect(lines.filter((line) => line.includes('RET='))).toHaveLength(1);
    },
  );

  test('BC-8 and asks for the content all the same: no message arrives empty or twice', async () => {
    const { session, relay } = await listening(
      OFFERS,
      on({ rcpt: '501 5.5.4 NOTIFY?', data: '354 go', content: '554 5.5.1 nobody' }, first),
    );
    expect(await session.send(message('a', { from: FROM }))).toEqual(replied('content', 250));
    expect(relay.mails.map((mail) => mail.messageId)).toEqual(['<a>']);
  });

  test.each([
    ['mail', '550 5.7.1 not from you'],
    ['rcpt', '550 5.1.1 no such user'],
    ['rcpt', '450 4.2.0 greylisted'],
    ['rcpt', '452 4.5.3 too many recipients'],
  ] as const)(
    'BC-8 a refusal of something else at %s ("%s") is the outcome at once',
    async (stage, reply) => {
      const { session, lines } = await listening(OFFERS, on({ [stage]: reply }, first));
      expect(await session.send(message('a', { from: FROM }))).toEqual(
        replied(stage, Number(reply.slice(0, 3))),
      );
      expect(lines).toHaveLength(2);
    },
  );

  test('BC-8 whose refusal stays without DSN is believed', async () => {
    const { session, lines } = await listening(OFFERS, on({ rcpt: '501 5.1.3 bad address syntax' }));
    expect(await session.send(message('a', { from: FROM }))).toEqual(replied('rcpt', 501));
    expect(lines).toHaveLength(4);
  });
});

describe('parameters', () => {
  test('BC-7 BC-8 what is written into a report is read back from it', () => {
    for (const to of ['a+b=c@example.com', 'jürgen+x=y@example.com', '用户@xn--fsqu00a.example']) {
      const [, original = ''] = /ORCPT=(\S+)$/.exec(recipientOptions(to)) ?? [];
      const [, id = ''] = /ENVID=(\S+)$/.exec(mailOptions(FROM)) ?? [];
      expect(`${original}${id}`).toMatch(/^[!-~]+$/);
      const report = readReport(
        Buffer.from(
          `Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n` +
            `Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\nOriginal-Envelope-Id: ${id}\r\n\r\n` +
            `Original-Recipient: ${original}\r\nFinal-Recipient: rfc822; x@y.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n`,
        ),
      );
      expect(report).toMatchObject({ envelopeId: `bounce+${TOKEN}`, recipients: [{ address: to }] });
    }
  });

  test('BC-8 what would be longer than the standard allows is left out', () => {
    expect(mailOptions(`${'+'.repeat(34)}@example.com`)).toBe(' RET=HDRS');
    expect(mailOptions(FROM).length).toBeLessThan(100);
    expect(recipientOptions(`${'+'.repeat(170)}@example.com`)).toBe(' NOTIFY=FAILURE');
  });
});
