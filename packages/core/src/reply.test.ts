import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Reply, ReplyStage } from './reply.ts';
import { classifyReply, classifyStatus, formatReply, parseReply } from './reply.ts';
import type { ReplyPlace } from './reply-text.ts';

function reply(line: string): Reply {
  const parsed = parseReply([line]);
  if (parsed === null) throw new Error(`no reply: ${line}`);
  return parsed;
}

function kind(line: string, stage: ReplyStage = 'rcpt'): string {
  return classifyReply(stage, reply(line)).kind;
}

describe('reading a reply', () => {
  test('reads one line and several, with and without an enhanced code', () => {
    expect(parseReply(['250 2.1.5 OK'])).toEqual({ code: 250, enhanced: '2.1.5', text: 'OK' });
    expect(parseReply(['354 go ahead'])).toEqual({ code: 354, text: 'go ahead' });
    expect(parseReply(['550'])).toEqual({ code: 550, text: '' });
    expect(
      parseReply([
        '550-5.1.1 The email account does not exist.\r\n',
        '550 5.1.1 Learn more at example.com\r\n',
      ]),
    ).toEqual({
      code: 550,
      enhanced: '5.1.1',
      text: 'The email account does not exist. Learn more at example.com',
    });
  });

  test('answers null for what is no reply', () => {
    const none = [
      [],
      [''],
      ['25'],
      ['2500 x'],
      ['hello'],
      ['150 x'],
      ['650 x'],
      ['250-a'],
      ['250 a', '250 b'],
      ['250-a', '251 b'],
      ['550x no'],
    ];
    for (const lines of none) expect([lines, parseReply(lines)]).toEqual([lines, null]);
  });

  test('takes no control character over, and bounds what it keeps', () => {
    expect(reply('550 a\u001b[31m\u202eb\0').text).toBe('a[31mb');
    expect(reply(`550 ${'x'.repeat(10_000)}`).text).toHaveLength(500);
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (lines) => parseReply(lines) !== undefined),
    );
  });

  test('is shown as one line', () => {
    expect(formatReply(reply('550 5.1.1 no such user'))).toBe('550 5.1.1 no such user');
    expect(formatReply(reply('450'))).toBe('450');
  });
});

describe('BC-4 enhanced status codes', () => {
  test('BC-4 hard, soft and sender are told apart', () => {
    const table = {
      hard: ['5.1.1', '5.1.2', '5.1.3', '5.1.6', '5.1.10', '5.2.1'],
      soft: [
        '4.2.1',
        '4.1.1',
        '4.7.1',
        '4.4.2',
        '5.2.2',
        '5.2.3',
        '5.3.0',
        '5.3.4',
        '5.4.1',
        '5.4.4',
        '5.6.0',
        '5.6.7',
        '5.1.4',
        '5.1.100',
      ],
      sender: ['5.7.0', '5.7.1', '5.7.26', '5.7.515', '5.7.708', '5.1.7', '5.1.8', '5.5.1', '5.5.2'],
    };
    for (const [expected, statuses] of Object.entries(table)) {
      for (const status of statuses) expect([status, classifyStatus(status)]).toEqual([status, expected]);
    }
  });

  test('BC-4 the text is asked only where the code says no more than no', () => {
    expect(classifyStatus('5.0.0', 'user unknown')).toBe('hard');
    expect(classifyStatus('5.5.0', 'Requested action not taken: mailbox unavailable')).toBe('hard');
    expect(classifyStatus('5.0.0', '')).toBe('soft');
    expect(classifyStatus('5.0.0', 'blocked using zen.spamhaus.org')).toBe('sender');
    expect(classifyStatus('5.7.1', 'user unknown')).toBe('sender');
    expect(classifyStatus('5.2.2', 'user unknown')).toBe('soft');
    expect(classifyStatus('4.0.0', 'user unknown')).toBe('soft');
    expect(classifyStatus(' 5.1.1 (bad destination mailbox address)')).toBe('hard');
    expect(classifyStatus('nonsense')).toBe('soft');
  });
});

describe('BC-5 replies in session', () => {
  test('BC-5 421 and 454 Throttling pause the connection, whatever stage and enhanced code', () => {
    for (const stage of ['greeting', 'mail', 'rcpt', 'data', 'content'] as const) {
      expect(kind('421 4.7.0 try later', stage)).toBe('throttled');
      expect(kind('421 service not available', stage)).toBe('throttled');
      expect(kind('454 Throttling failure: Maximum sending rate exceeded.', stage)).toBe('throttled');
    }
    expect(kind('454 4.7.0 TLS not available')).toBe('soft');
  });

  test('BC-5 a refusal before any recipient was named is never the fault of one', () => {
    expect(kind('550 5.1.1 user unknown', 'mail')).toBe('sender');
    expect(kind('550 mailbox unavailable', 'mail')).toBe('sender');
    expect(kind('554 no SMTP service here', 'greeting')).toBe('sender');
    expect(kind('450 4.3.2 not now', 'greeting')).toBe('throttled');
    expect(kind('451 4.3.0 not now', 'mail')).toBe('soft');
  });

  test('BC-5 a reply to RCPT or to the content is classified as a DSN would be', () => {
    for (const stage of ['rcpt', 'content'] as const) {
      expect(kind('550 5.1.1 no such user', stage)).toBe('hard');
      expect(kind('552 5.2.2 mailbox full', stage)).toBe('soft');
      expect(kind('550 5.7.1 rejected by policy', stage)).toBe('sender');
      expect(
        kind(
          '550 5.7.515 Access denied, sending domain does not meet the required authentication level',
          stage,
        ),
      ).toBe('sender');
      expect(kind('451 4.7.1 greylisted', stage)).toBe('soft');
      expect(kind('450 4.2.1 user is receiving mail too quickly', stage)).toBe('soft');
      expect(kind('250 2.0.0 OK', stage)).toBe('accepted');
    }
    expect(kind('354 go ahead', 'data')).toBe('accepted');
    expect(kind('354 go ahead', 'rcpt')).toBe('soft');
  });

  test('BC-5 a bare code is read by its text, and one without a hint is not held against the recipient', () => {
    const table = {
      hard: [
        '550 User unknown',
        '550 no such user here',
        '550 Requested action not taken: mailbox unavailable',
        '550 Invalid recipient <john@example.com>',
        '550 john@example.com: Recipient address rejected: User unknown in virtual mailbox table',
        "554 delivery error: dd This user doesn't have a yahoo.com account (john@yahoo.com)",
        '550 Unrouteable address',
        '550 The mailbox is disabled',
        '551 User not local',
        '553 sorry, no mailbox here by that name',
        '550 Recipient not found',
        '550 mailbox does not exist',
      ],
      soft: [
        '550 no',
        '550 rejected',
        '554 transaction failed',
        '552 mailbox is full',
        '550 over quota',
        '550 The account is disabled',
        '550',
      ],
      sender: [
        '554 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org',
        '550 Message rejected as spam',
        '550 relaying denied',
        '550 5.7.1 Unable to relay',
        '550 SPF check failed',
        '503 bad sequence of commands',
        '550 blocked: user unknown to our reputation service',
      ],
    };
    for (const [expected, lines] of Object.entries(table)) {
      for (const line of lines) expect([line, kind(line)]).toEqual([line, expected]);
    }
  });

  test('BC-5 the class of the reply code rules where the enhanced code disagrees', () => {
    expect(classifyReply('rcpt', reply('450 5.1.1 busy'))).toEqual({
      kind: 'soft',
      status: '4.1.1',
      permanent: false,
    });
    expect(classifyReply('rcpt', reply('550 4.2.2 over quota'))).toEqual({
      kind: 'soft',
      status: '5.2.2',
      permanent: true,
    });
  });

  test('tells a status where the server gave none, and that no 5yz is tried again', () => {
    const status = (line: string) => classifyReply('rcpt', reply(line)).status;
    expect(status('550 user unknown')).toBe('5.1.1');
    expect(status('552 too much')).toBe('5.2.2');
    expect(status('550 over quota')).toBe('5.2.2');
    expect(status('550 account disabled')).toBe('5.2.1');
    expect(status('550 spam')).toBe('5.7.1');
    expect(status('550 no')).toBe('5.0.0');
    expect(status('421 bye')).toBe('4.3.2');
    expect(status('451 later')).toBe('4.0.0');
    expect(status('250 ok')).toBe('2.0.0');
    for (const stage of ['greeting', 'mail', 'rcpt', 'data', 'content'] as const) {
      expect(classifyReply(stage, { code: 550, text: 'no' }).permanent).toBe(true);
      expect(classifyReply(stage, { code: 451, text: 'no' }).permanent).toBe(false);
    }
  });
});

describe('BC-5 words are weighed by the place they were said at', () => {
  const said = (text: string, place?: ReplyPlace, status = '5.0.0') => classifyStatus(status, text, place);

  test('"unknown user" counts in reply to RCPT, with a code that names a subject, or as a report\'s own words', () => {
    expect(said('Unknown user')).toBe('hard');
    expect(said('Unknown user', 'own')).toBe('hard');
    expect(said('Unknown user', 'unknown', '5.5.0')).toBe('hard');
    expect(said('Unknown user', 'unknown')).toBe('soft');
    expect(said('Unknown user', 'content')).toBe('soft');
    expect(said('Unknown user', 'content', '5.5.0')).toBe('soft');
    expect(said('Unknown user', 'content', '5.1.1')).toBe('hard');
  });

  test('"unavailable" is what RFC 5321 has for any refusal, so it counts in reply to RCPT only', () => {
    const words = 'Requested action not taken: mailbox unavailable';
    expect(said(words)).toBe('hard');
    expect(said(words, 'own')).toBe('soft');
    expect(said(words, 'content')).toBe('soft');
  });

  test('in session a server that took the recipient is not believed about it after the content', () => {
    expect(kind('550 no such user', 'rcpt')).toBe('hard');
    expect(kind('550 no such user', 'content')).toBe('soft');
    expect(classifyReply('content', reply('550 no such user')).status).toBe('5.0.0');
  });

  test('a domain that is not there is hard wherever it is said, one that cannot be looked up now is not', () => {
    const names =
      'Host or domain name not found. Name service error for name=example.net type=A: Host not found';
    for (const place of ['rcpt', 'own', 'unknown'] as const) {
      expect(said(names, place, '5.4.4')).toBe('hard');
      expect(said('No MX record found for domain example.net', place)).toBe('hard');
      expect(said(`${names}, try again later`, place, '5.4.4')).toBe('soft');
      expect(said(`${names}, try again`, place)).toBe('soft');
      expect(said('Sender address rejected: Domain not found', place)).toBe('sender');
    }
    expect(said('', 'rcpt', '5.4.4')).toBe('soft');
    expect(said('no answer from host', 'rcpt', '5.4.1')).toBe('soft');
    expect(said('Recipient address rejected: Access denied', 'rcpt', '5.4.1')).toBe('hard');
    expect(said('Recipient address rejected: Access denied', 'rcpt', '5.7.1')).toBe('sender');
  });

  test('BC-4 5.2.1 is hard, but an account that is switched off may be on again', () => {
    expect(said('Mailbox disabled, not accepting messages', 'rcpt', '5.2.1')).toBe('hard');
    expect(said('User unknown', 'rcpt', '5.2.1')).toBe('hard');
    expect(said('The email account that you tried to reach is inactive', 'rcpt', '5.2.1')).toBe('soft');
    expect(said('The mailbox is disabled')).toBe('hard');
    expect(said('The account is disabled')).toBe('soft');
  });

  test('5.2.0 says that the mailbox exists, whatever the words', () => {
    expect(said('Unknown user', 'rcpt', '5.2.0')).toBe('soft');
  });

  test('words that speak against a hard code make it soft, as far as they can be believed', () => {
    expect(said('over quota', 'unknown', '5.1.1')).toBe('soft');
    expect(said('user unknown', 'unknown', '5.1.1')).toBe('hard');
    expect(said('user unknown', 'rcpt', '5.2.1')).toBe('hard');
    expect(said('user unknown', 'unknown', '5.2.1')).toBe('soft');
    expect(said('', 'unknown', '5.2.1')).toBe('hard');
  });

  test('what an address in a link spells is not said', () => {
    expect(said('User unknown, see https://example.net/spam-policy?blocked')).toBe('hard');
  });

  test('a domain that says 556 takes no mail', () => {
    expect(kind('556 example.net')).toBe('hard');
  });
});
