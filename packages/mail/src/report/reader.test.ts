import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { readReport } from './reader.ts';
import type { Report } from './report.ts';

const FIXTURES = new URL('../../fixtures/report/', import.meta.url);
const names = readdirSync(FIXTURES)
  .filter((name) => name.endsWith('.eml'))
  .map((name) => name.slice(0, -'.eml'.length))
  .sort();

function fixture(name: string): Buffer {
  return readFileSync(new URL(`${name}.eml`, FIXTURES));
}

/** What a golden file fixes: everything but the wording of reasons and faults. */
function fixed({ recipients, feedbackType, envelopeId }: Report): unknown {
  return {
    recipients: recipients.map(({ reason: _reason, ...rest }) => rest),
    ...(feedbackType === undefined ? {} : { feedbackType }),
    ...(envelopeId === undefined ? {} : { envelopeId }),
  };
}

describe('golden reports, written from the specifications of their formats', () => {
  test('there are as many as promised', () => {
    expect(names.length).toBeGreaterThanOrEqual(40);
  });

  test.each(names)('%s', (name) => {
    const wanted = JSON.parse(readFileSync(new URL(`${name}.want.json`, FIXTURES), 'utf8'));
    const report = readReport(fixture(name));
    const got = fixed(report) as { feedbackType?: string };
    // Malformed complaints keep whatever type they claim; only what acts is fixed for them.
    if (wanted.feedbackType === undefined) delete got.feedbackType;
    expect(got).toEqual(wanted);
    for (const { reason } of report.recipients) {
      expect(reason).toMatch(/^\S.*$/);
      expect(reason.length).toBeLessThanOrEqual(300);
    }
  });
});

const kinds = (name: string) => readReport(fixture(name)).recipients.map(({ kind }) => kind);
const named = (part: string) => names.filter((name) => name.includes(part));

/** A delivery status with these fields for its recipient. */
function dsn(fields: string, words = 'It failed.', original = ''): Buffer {
  const lines = [
    'From: MAILER-DAEMON@example.com',
    'Subject: Undelivered',
    'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    words,
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mta.example.com',
    '',
    fields,
    '',
    '--b',
    'Content-Type: message/rfc822',
    '',
    `From: hello@news.example.com\nTo: john@example.net\n\n${original}`,
    '--b--',
  ];
  return Buffer.from(lines.join('\n'));
}

function recipient(action: string, status: string, diagnostic = '') {
  const [found] = readReport(
    dsn(
      `Final-Recipient: rfc822; john@example.net\nAction: ${action}\nStatus: ${status}\nDiagnostic-Code: smtp; ${diagnostic}`,
    ),
  ).recipients;
  return found;
}

describe('BC delivery reports', () => {
  test('BC-2 only what failed may be hard, however final the words of another action sound', () => {
    expect(recipient('failed', '5.1.1', '550 5.1.1 user unknown')?.kind).toBe('hard');
    for (const action of ['delayed', 'DELAYED', 'Delayed (still trying)'])
      expect(recipient(action, '5.1.1', '550 5.1.1 user unknown')).toMatchObject({
        kind: 'soft',
        action: 'delayed',
      });
    for (const action of ['delivered', 'Relayed', 'EXPANDED'])
      expect(recipient(action, '5.1.1', '550 5.1.1 user unknown')).toMatchObject({
        kind: 'delivered',
        action: action.toLowerCase(),
      });
  });

  test('BC-2 an action that is misspelt or missing is told by the class of its status', () => {
    const bare = (status: string) =>
      readReport(dsn(`Final-Recipient: rfc822; john@example.net\nction: failed\nStatus: ${status}`))
        .recipients[0]?.action;
    expect([bare('5.1.1'), bare('4.4.1'), bare('2.0.0')]).toEqual(['failed', 'delayed', 'delivered']);
    expect(recipient('expired', '4.4.7')?.action).toBe('failed');
  });

  test('BC-3 a report is read by its structure, whatever subject and sender it has', () => {
    const bytes = dsn('Final-Recipient: rfc822; john@example.net\nAction: failed\nStatus: 5.1.1').toString();
    const disguised = bytes
      .replace('MAILER-DAEMON@example.com', 'ann@example.com')
      .replace('Undelivered', 'Hello');
    expect(readReport(Buffer.from(disguised)).recipients).toMatchObject([{ kind: 'hard' }]);
  });

  test('BC-4 every code of the table means the same in a report as in session', () => {
    const kindOf = (status: string) => recipient('failed', status)?.kind;
    for (const status of ['5.1.1', '5.1.2', '5.1.3', '5.1.6', '5.1.10', '5.2.1'])
      expect(kindOf(status)).toBe('hard');
    for (const status of ['4.2.1', '4.7.1', '5.2.2', '5.3.4', '5.4.1', '5.6.0'])
      expect(kindOf(status)).toBe('soft');
    for (const status of ['5.7.1', '5.7.26', '5.7.515']) expect(kindOf(status)).toBe('sender');
  });

  test('BC-6 the original recipient is named before the final one, and a pipe is no address', () => {
    const both = 'Final-Recipient: rfc822; inner@example.org\nOriginal-Recipient: rfc822;john@example.net';
    expect(readReport(dsn(`${both}\nAction: failed\nStatus: 5.1.1`)).recipients[0]?.address).toBe(
      'john@example.net',
    );
    const pipe = readReport(dsn('Final-Recipient: rfc822; |/bin/sort\nAction: failed\nStatus: 5.1.1'));
    expect(pipe.recipients[0]?.address).toBeUndefined();
  });

  test('BC-7 xtext, utf-8 addresses and global delivery status are read', () => {
    expect(kinds(named('utf8-global-status')[0] ?? '')).toEqual(['hard']);
    const address = (typed: string) =>
      readReport(dsn(`Original-Recipient: ${typed}\nAction: failed\nStatus: 5.1.1`)).recipients[0]?.address;
    expect(address('rfc822;john+2Bnews@example.net')).toBe('john+news@example.net');
    expect(address('utf-8;j\\x{F6}hn@example.net')).toBe('jöhn@example.net');
    expect(address('utf-8;jöhn@example.net')).toBe('jöhn@example.net');
    // No escape that would make white space or a bracket of it.
    expect(address('rfc822;john+0Aevil@example.net')).toBe('john+0Aevil@example.net');
    expect(address('utf-8;j\\x{0A}evil@example.net')).toBe('jevil@example.net');
  });

  test('BC-13 nothing that stands in the returned message changes the report', () => {
    const fields = 'Final-Recipient: rfc822; john@example.net\nAction: failed\nStatus: 4.4.1';
    const original = [
      'unsubscribe',
      'Final-Recipient: rfc822; jane@example.net\nAction: failed\nStatus: 5.1.1',
      '<jane@example.net>: 550 5.1.1 User unknown',
      'Feedback-Type: abuse\nUser-Agent: x\nVersion: 1',
      '--c\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse',
    ].join('\n\n');
    expect(readReport(dsn(fields, 'It failed.', original))).toEqual(readReport(dsn(fields)));
  });

  test('BC-13 nor does a text that somebody hung behind the returned message', () => {
    const fields = 'Final-Recipient: rfc822; john@example.net\nAction: failed\nStatus: 5.0.0';
    const behind = 'x\n--b\nContent-Type: text/plain\n\n<john@example.net>: 550 5.1.1 User unknown';
    expect(readReport(dsn(fields, 'It failed.', behind))).toEqual(readReport(dsn(fields, 'It failed.', 'x')));
  });

  test('BC-5 what was refused before a recipient was named is never held against one', () => {
    for (const words of [
      'host mx.example.net[192.0.2.25] refused to talk to me: 550 5.1.1 User unknown',
      'host mx.example.net[192.0.2.25] said: 550 5.1.1 User unknown (in reply to MAIL FROM command)',
      'SMTP error from remote mail server after initial connection: 550 no such user',
    ]) {
      const fields = 'Final-Recipient: rfc822; john@example.net\nAction: failed\nStatus: 5.1.1';
      expect(readReport(dsn(fields, `<john@example.net>: ${words}`)).recipients[0]?.kind).toBe('sender');
    }
  });

  test('an address further in belongs to the reason of the one above it', () => {
    const text = [
      'From: MAILER-DAEMON@example.com',
      '',
      '<john@example.net>: host mx.example.net said: 550 5.7.1',
      '    <hello@news.example.com>: Sender address rejected (in reply to MAIL FROM command)',
      '<jane@example.org> (expanded from',
      '<both@example.org>): unknown user',
    ].join('\n');
    expect(readReport(Buffer.from(text)).recipients).toMatchObject([
      { address: 'john@example.net', kind: 'sender' },
      { address: 'jane@example.org', kind: 'hard' },
    ]);
  });

  test('BC-2 an action beside the fields of the message is no recipient of its own', () => {
    const status = 'Status: 4.7.0\nDiagnostic-Code: X-Notice; not approved yet';
    const report = readReport(dsn(`Action: failed\n\nFinal-Recipient: rfc822; john@example.net\n${status}`));
    expect(report.recipients).toMatchObject([{ address: 'john@example.net', kind: 'soft' }]);
  });

  test('BC-3 a report by its type is one, though its status names nobody', () => {
    const bytes = dsn('X-Nothing: here', "john@example.net\nL'adresse ci-dessus n'existe pas.").toString();
    const unsigned = bytes.replace(/^From.*\nSubject.*\n/, '');
    expect(readReport(Buffer.from(unsigned)).recipients).toMatchObject([
      { kind: 'hard', address: 'john@example.net' },
    ]);
    const receipt = unsigned.replace('delivery-status;', 'disposition-notification;');
    expect(readReport(Buffer.from(receipt)).recipients).toMatchObject([{ kind: 'none' }]);
    expect(readReport(dsn('Action: delayed')).recipients).toMatchObject([{ action: 'delayed' }]);
  });

  test('BC-5 of a transcript the first reply counts, and not what was made of it', () => {
    const transcript = [
      'From: Mail Delivery Subsystem <MAILER-DAEMON@example.com>',
      'Subject: Returned mail: see transcript for details',
      '',
      '   ----- The following addresses had permanent fatal errors -----',
      'john@example.net',
      '    (reason: 553 Sender Policy Framework (SPF) fail)',
      '',
      '   ----- Transcript of session follows -----',
      '... while talking to mx.example.net.:',
      '>>> DATA',
      '<<< 553 Sender Policy Framework (SPF) fail',
      '550 5.1.1 john@example.net... User unknown',
      '<<< 503 RCPT first (#5.5.1)',
    ].join('\n');
    expect(readReport(Buffer.from(transcript)).recipients).toMatchObject([
      { address: 'john@example.net', kind: 'sender', status: '5.7.1' },
    ]);
  });

  test('BC-4 an address is not bad because the mail was too large for it', () => {
    const told = '550 RCPT TO:<john@example.net> max message size exceeded';
    expect(recipient('failed', '5.1.1 (bad destination mailbox address)', told)).toMatchObject({
      kind: 'soft',
      status: '5.3.4',
    });
  });

  test('a name that ends in "user" is not cut out of an address', () => {
    const words = 'From: postmaster@example.com\n\nYour address, user1@example.net, was not delivered to.';
    expect(readReport(Buffer.from(words)).recipients[0]?.address).not.toBe('1@example.net');
  });

  test('a warning that mail is postponed is a delay', () => {
    const words = [
      'From: Postmaster <postmaster@example.com>\nSubject: Mail Delivery Warning\n',
      'Delivery of email to this address\n"john@example.net"\nhas been postponed due to a full mailbox.',
    ].join('\n');
    expect(readReport(Buffer.from(words)).recipients).toMatchObject([
      { address: 'john@example.net', kind: 'soft', action: 'delayed' },
    ]);
  });

  test('the header of the returned message is handed on, for the token in it', () => {
    const { original } = readReport(fixture(named('arf-abuse')[0] ?? ''));
    expect(original.find(({ name }) => name === 'List-Unsubscribe')?.value).toMatch(/^<https:/);
  });
});

describe('BC complaints', () => {
  const arf = (fields: string) =>
    readReport(
      Buffer.from(
        `Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\n${fields}\n--b--\n`,
      ),
    );
  const whole = 'User-Agent: x\nVersion: 1\nOriginal-Rcpt-To: john@example.net';

  test('BC-9 a report is one by its part, which has its three fields exactly once', () => {
    expect(arf(`Feedback-Type: abuse\n${whole}`)).toMatchObject({
      feedbackType: 'abuse',
      recipients: [{ kind: 'complaint', address: 'john@example.net' }],
    });
    expect(
      readReport(Buffer.from('Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\nx')),
    ).toMatchObject({ recipients: [{ kind: 'none' }], faults: [expect.stringContaining('feedback-report')] });
  });

  test('BC-10 not-spam, auth-failure and what nobody knows are no complaints; abuse, fraud, virus and other are', () => {
    const kindOf = (type: string) => arf(`Feedback-Type: ${type}\n${whole}`).recipients[0]?.kind;
    for (const type of ['abuse', 'Fraud', 'VIRUS', 'other', 'opt-out'])
      expect(kindOf(type)).toBe('complaint');
    for (const type of ['not-spam', 'auth-failure', 'dmarc', 'constructor', ''])
      expect(kindOf(type)).toBe('none');
    expect(arf(`Feedback-Type: not-spam\n${whole}`).faults).toEqual([]);
    expect(arf(`Feedback-Type: boredom\n${whole}`).faults).toEqual([
      'the feedback type boredom is not known',
    ]);
  });

  test('BC-12 a malformed report is no complaint, and says what is wrong', () => {
    for (const fields of [
      `Feedback-Type: abuse\nFeedback-Type: abuse\n${whole}`,
      `Feedback-Type: abuse\nVersion: 1\n${whole}`,
      'Feedback-Type: abuse\nVersion: 1',
      `Feedback-Type: abuse\n${whole}\nArrival-Date: a\nReceived-Date: a`,
      `Feedback-Type: abuse\n${whole}\nSource-IP: 192.0.2.1\nSource-IP: 192.0.2.2`,
    ])
      expect(arf(fields)).toMatchObject({ recipients: [{ kind: 'none' }], faults: [expect.any(String)] });
  });
});

describe('MT automatic answers', () => {
  const kindOf = (header: string) =>
    readReport(Buffer.from(`From: john@example.net\n${header}\n\nHello`)).recipients[0]?.kind;

  test('MT-7 the null sender and auto-replied say so for certain', () => {
    expect(kindOf('Return-Path: <>')).toBe('auto-reply');
    expect(kindOf('Auto-Submitted: auto-replied')).toBe('auto-reply');
    expect(kindOf('auto-submitted: Auto-Replied (vacation); x=y')).toBe('auto-reply');
  });

  test('MT-7 who is away is no bounce, whatever words their answer has', () => {
    const words = '\n\nThe following address is no longer valid: john@example.net. User unknown.';
    const kindOf = (header: string) =>
      readReport(Buffer.from(`Return-Path: <>\n${header}${words}`)).recipients[0]?.kind;
    const person = 'From: John <john@example.net>';
    for (const header of ['Auto-Submitted: auto-replied', 'Subject: Out of office', 'X-Autoreply: yes'])
      expect([header, kindOf(`${person}\n${header}`)]).toEqual([header, 'auto-reply']);
    const system = 'From: MAILER-DAEMON@example.net\nAuto-Submitted: auto-replied';
    expect(kindOf(system)).toBe('hard');
    expect(kindOf(person)).toBe('hard');
  });

  test('MT-8 auto-generated, Precedence, X-Auto-Response-Suppress and list fields say nothing', () => {
    for (const header of [
      'Auto-Submitted: auto-generated',
      'Auto-Submitted: no',
      'Precedence: bulk',
      'X-Auto-Response-Suppress: All',
      'List-Id: <news.example.com>',
      'X-Autoreply: no',
      'Subject: Auto insurance',
    ])
      expect([header, kindOf(header)]).toEqual([header, 'none']);
  });

  test('MT-8 what Apple Mail sends for a person who leaves is that person, though it says auto-replied', () => {
    const header = 'Auto-Submitted: auto-replied\nX-Apple-Unsubscribe: true';
    expect(readReport(Buffer.from(`From: john@example.net\n${header}\n\n`))).toMatchObject({
      feedbackType: 'opt-out',
      recipients: [{ kind: 'complaint' }],
    });
  });
});

describe('IN what is not believed', () => {
  const body = '\n\n<john@example.net>: 550 5.1.1 User unknown\n';

  test('IN-20 of two From fields neither makes a mail system of the sender', () => {
    const from = 'From: MAILER-DAEMON@example.com\n';
    expect(readReport(Buffer.from(`${from}Date: now${body}`)).recipients).toMatchObject([{ kind: 'hard' }]);
    const doubled = `${from}From: ann@example.com\nDate: now${body}`;
    expect(readReport(Buffer.from(doubled)).recipients).toMatchObject([{ kind: 'none' }]);
  });

  test('IN-18 HTML is never read', () => {
    const header = 'From: MAILER-DAEMON@example.com\nSubject: Undelivered\nContent-Type: text/html';
    const report = readReport(Buffer.from(`${header}${body}`));
    expect(report.recipients).toMatchObject([{ kind: 'soft', status: '5.0.0' }]);
    expect(report.recipients[0]?.address).toBeUndefined();
  });

  test('IN-19 what an encoded word or a code hides is taken out of every reason', () => {
    const subject = 'Subject: =?utf-8?Q?Undelivered=0D=0ABcc:_x=1B[2J?=';
    const [found] = readReport(Buffer.from(`From: MAILER-DAEMON@example.com\n${subject}\n\n`)).recipients;
    expect(found?.reason).toBe('Undelivered Bcc: x[2J');
  });
});
