import type { TakeNotification } from '@adieu/core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DOMAIN, type Office, openOffice, type Person } from '../testing/office.ts';
import { type SesMail, sesBounce, sesComplaint, sesEvent } from '../testing/ses.ts';
import { HOST, openSns, type Sns, TOPIC } from '../testing/sns.ts';

let office: Office;
let sns: Sns;
let door: TakeNotification;
beforeAll(async () => {
  office = await openOffice();
  sns = openSns();
  door = office.sesDoor({ topics: [TOPIC], fetching: sns.fetching });
});
afterAll(() => office.close());

const post = (Message: string) => door(JSON.stringify(sns.sign({ Message })));
const mailTo = (person: Person, more: Partial<SesMail> = {}): SesMail => ({
  source: person.bounce(),
  recipient: person.email,
  ...more,
});
const RECORDED = { kind: 'taken', taken: 'recorded' };
const NOTED = { kind: 'taken', taken: 'noted' };

describe('a bounce', () => {
  test('I2 by the return path that SES gives back suppresses, and the same event again is one', async () => {
    const person = await office.person();
    const event = sesBounce(mailTo(person));
    const posted = JSON.stringify(sns.sign({ Message: event }));
    expect(await door(posted)).toEqual(RECORDED);
    expect(await person.suppressed()).toBe('hard');
    expect(await person.sources()).toEqual([]);
    expect(await door(posted)).toEqual(RECORDED);
  });

  test('as a configuration set publishes it, with a name before the return path', async () => {
    const person = await office.person();
    const mail = mailTo(person, { source: `Brand <${person.bounce().toUpperCase()}>` });
    expect(await post(sesBounce(mail, { by: 'eventType' }))).toEqual(RECORDED);
    expect(await person.suppressed()).toBe('hard');
  });

  test.each([
    ['Permanent', 'NoEmail', 'hard'],
    ['Permanent', 'Suppressed', 'hard'],
    ['Permanent', 'OnAccountSuppressionList', 'hard'],
    ['Transient', 'MailboxFull', null],
    ['Transient', 'MessageTooLarge', null],
    ['Transient', 'ContentRejected', null],
    ['Undetermined', 'Undetermined', null],
  ])('without a server’s words means what SES says: %s %s', async (bounceType, bounceSubType, reason) => {
    const person = await office.person();
    const bouncedRecipients = [{ emailAddress: person.email }];
    const detail = { bounceType, bounceSubType, bouncedRecipients };
    expect(await post(sesBounce(mailTo(person), detail))).toEqual(RECORDED);
    expect(await person.suppressed()).toBe(reason);
  });

  test('of an address on the suppression list of the account is hard', async () => {
    const person = await office.person();
    const diagnosticCode =
      'Amazon SES did not send the message to this address because it is on the suppression list for your account. For more ' +
      'information about removing addresses from the suppression list, see the Amazon SES Developer Guide';
    const bouncedRecipients = [
      { emailAddress: person.email, action: 'failed', status: '5.1.1', diagnosticCode },
    ];
    await post(sesBounce(mailTo(person), { bounceSubType: 'OnAccountSuppressionList', bouncedRecipients }));
    expect(await person.suppressed()).toBe('hard');
  });

  test('X10 of a full mailbox counts: five in a row suppress, and one that is told twice counts once', async () => {
    const person = await office.person();
    const bouncedRecipients = [
      {
        emailAddress: person.email,
        action: 'failed',
        status: '5.2.2',
        diagnosticCode: 'smtp; 552 5.2.2 mailbox full',
      },
    ];
    const detail = { bounceType: 'Transient', bounceSubType: 'MailboxFull', bouncedRecipients };
    for (let bounce = 1; bounce <= 5; bounce += 1) {
      expect(await person.suppressed()).toBeNull();
      const event = sesBounce(mailTo(person), detail);
      // By two topics, as two messages of SNS.
      expect([await post(event), await post(event)]).toEqual([RECORDED, RECORDED]);
    }
    expect(await person.suppressed()).toBe('soft');
  });

  test('that SES gives no id counts by the message of SNS', async () => {
    const person = await office.person();
    const detail = { bounceType: 'Transient', bounceSubType: 'MailboxFull', bouncedRecipients: [] };
    const event = () => sesBounce(mailTo(person), { ...detail, feedbackId: undefined });
    const once = JSON.stringify(sns.sign({ Message: event() }));
    for (let time = 0; time < 6; time += 1) await door(once);
    expect(await person.suppressed()).toBeNull();
    for (let time = 0; time < 4; time += 1) await post(event());
    expect(await person.suppressed()).toBe('soft');
  });

  test('BC-4 for what the sender did is nobody’s', async () => {
    const person = await office.person();
    const bouncedRecipients = [
      {
        emailAddress: person.email,
        action: 'failed',
        status: '5.7.1',
        diagnosticCode: 'smtp; 550 5.7.1 blocked',
      },
    ];
    expect(await post(sesBounce(mailTo(person), { bouncedRecipients }))).toEqual(RECORDED);
    expect(await person.suppressed()).toBeNull();
  });

  test('I4 that is an out-of-office note does nothing', async () => {
    const person = await office.person();
    const bouncedRecipients = [{ emailAddress: person.email }];
    const detail = { bounceType: 'Transient', bounceSubType: 'General', bouncedRecipients };
    for (let time = 0; time < 6; time += 1)
      expect(await post(sesBounce(mailTo(person), detail))).toEqual(NOTED);
    expect(await person.suppressed()).toBeNull();
  });
});

describe('a complaint', () => {
  test.each(['abuse', 'fraud', 'virus', 'other', undefined])(
    'BC-10 I3 of the type %s opts out with one row, and suppresses',
    async (complaintFeedbackType) => {
      const person = await office.person();
      const event = sesComplaint(mailTo(person), { complaintFeedbackType });
      expect([await post(event), await post(event)]).toEqual([RECORDED, RECORDED]);
      expect(await person.sources()).toEqual(['complaint']);
      expect(await person.suppressed()).toBe('complaint');
    },
  );

  test('of the suppression list of the account is one', async () => {
    const person = await office.person();
    const detail = {
      complaintSubType: 'OnAccountSuppressionList',
      complaintFeedbackType: undefined,
      by: 'eventType',
    } as const;
    expect(await post(sesComplaint(mailTo(person), detail))).toEqual(RECORDED);
    expect(await person.suppressed()).toBe('complaint');
  });

  test.each(['not-spam', 'auth-failure', 'unheard-of'])(
    'BC-10 of the type %s is none',
    async (complaintFeedbackType) => {
      const person = await office.person();
      expect(await post(sesComplaint(mailTo(person), { complaintFeedbackType }))).toEqual(NOTED);
      expect([await person.sources(), await person.suppressed()]).toEqual([[], null]);
    },
  );

  test('BC-11 is known by the header of the message, where SES includes it', async () => {
    const person = await office.person();
    const headers = [
      { name: 'From', value: 'Brand <hello@news.example.com>' },
      {
        name: 'List-Unsubscribe',
        value: `<https://redacted.example/>,\r\n <mailto:${person.mailto()}?subject=unsubscribe>`,
      },
    ];
    const mail = mailTo(person, { source: 'redacted@news.example.com', headers });
    expect(await post(sesComplaint(mail))).toEqual(RECORDED);
    expect(await person.suppressed()).toBe('complaint');
  });
});

describe('BC-1 nobody is found', () => {
  test('without a token of ours, whatever address is named', async () => {
    const person = await office.person();
    const token = person
      .bounce()
      .replace(/^bounce\+(.)/, (_, first) => `bounce+${first === 'a' ? 'b' : 'a'}`);
    for (const source of [
      `hello@${DOMAIN}`,
      person.email,
      token,
      person.bounce().replace(DOMAIN, 'example.org'),
      '',
    ]) {
      const headers = [
        { name: 'To', value: person.email },
        { name: 'Subject', value: person.bounce() },
      ];
      expect(await post(sesComplaint(mailTo(person, { source, headers })))).toEqual(NOTED);
      expect(await post(sesBounce(mailTo(person, { source, headers })))).toEqual(NOTED);
    }
    expect([await person.sources(), await person.suppressed()]).toEqual([[], null]);
  });

  test('by a token of another sandbox or of another organisation', async () => {
    for (const stranger of [await office.personElsewhere(), await office.personAbroad()]) {
      expect(await post(sesComplaint(mailTo(stranger)))).toEqual(NOTED);
      expect(await post(sesBounce(mailTo(stranger)))).toEqual(NOTED);
      expect([await stranger.sources(), await stranger.suppressed()]).toEqual([[], null]);
    }
  });

  test('by tokens of two people', async () => {
    const [first, second] = [await office.person(), await office.person()];
    const headers = [{ name: 'List-Unsubscribe', value: `<mailto:${second.mailto()}>` }];
    expect(await post(sesComplaint(mailTo(first, { headers })))).toEqual(NOTED);
    expect([await first.suppressed(), await second.suppressed()]).toEqual([null, null]);
  });

  test('by another who names them: the token’s person is meant', async () => {
    const [person, named] = [await office.person(), await office.person()];
    expect(await post(sesBounce(mailTo(person, { recipient: named.email })))).toEqual(RECORDED);
    expect([await person.suppressed(), await named.suppressed()]).toEqual(['hard', null]);
  });

  test('in a message that Amazon SNS did not sign, or for a topic that is not listed', async () => {
    const person = await office.person();
    const Message = sesComplaint(mailTo(person));
    const forged = openSns({}).sign({ Message });
    expect(await door(JSON.stringify(forged))).toMatchObject({ kind: 'refused', code: 'signature_invalid' });
    const TopicArn = 'arn:aws:sns:eu-west-1:666666666666:mine';
    expect(await door(JSON.stringify(sns.sign({ Message, TopicArn })))).toMatchObject({
      kind: 'refused',
      code: 'topic_not_allowed',
    });
    expect(await door(Message)).toMatchObject({ kind: 'malformed', code: 'raw_message_delivery' });
    expect([await person.sources(), await person.suppressed()]).toEqual([[], null]);
  });
});

describe('nothing is done', () => {
  test.each([
    'Delivery',
    'DeliveryDelay',
    'Send',
    'Reject',
    'Open',
    'Click',
    'Rendering Failure',
    'Subscription',
  ])('about a %s', async (type) => {
    const person = await office.person();
    const detail = { recipients: [person.email], smtpResponse: '250 ok', by: 'eventType' } as const;
    expect(await post(sesEvent(type, mailTo(person), detail))).toEqual(NOTED);
    expect([await person.sources(), await person.suppressed()]).toEqual([[], null]);
  });

  test.each([
    'Successfully validated SNS topic for Amazon SES event publishing.',
    '{"notificationType":"AmazonSnsSubscriptionSucceeded","message":"You have successfully subscribed your topic"}',
    '{"notificationType":"Bounce"}',
    '{"notificationType":"Bounce","bounce":[],"mail":7}',
    '{"notificationType":"Complaint","complaint":{"complainedRecipients":[null,7,{"emailAddress":7}]},"mail":{"headers":[null,{"name":7}]}}',
    '',
  ])('about %s', async (Message) => {
    expect(await post(Message)).toEqual(NOTED);
  });
});

describe('a subscription', () => {
  const confirming = { Type: 'SubscriptionConfirmation', Message: 'You have chosen to subscribe' };

  test('of a listed topic is confirmed at its own host, wherever the message points', async () => {
    const SubscribeURL = 'http://169.254.169.254/latest/meta-data/';
    const message = sns.sign({ ...confirming, SubscribeURL });
    const url = `https://${HOST}/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(TOPIC)}&Token=${message.Token}`;
    sns.web.set(url, { status: 200, body: '<ConfirmSubscriptionResponse/>' });
    expect(await door(JSON.stringify(message))).toEqual({ kind: 'taken', taken: 'confirmed' });
    expect(sns.asked).toContain(url);
    expect(sns.asked).not.toContain(SubscribeURL);
  });

  test('that Amazon SNS does not take is refused, or comes again while it cannot be asked', async () => {
    const message = sns.sign({ ...confirming, Token: 'a&Action=DeleteTopic' });
    const url = `https://${HOST}/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(TOPIC)}&Token=a%26Action%3DDeleteTopic`;
    const answers = [{ status: 503, body: '' }, new Error('no route'), { status: 400, body: '' }] as const;
    for (const answer of answers.slice(0, 2)) {
      sns.web.set(url, answer);
      await expect(door(JSON.stringify(message))).rejects.toMatchObject({
        code: 'confirmation_unavailable',
        temporary: true,
      });
    }
    sns.web.set(url, answers[2]);
    expect(await door(JSON.stringify(message))).toMatchObject({
      kind: 'refused',
      code: 'confirmation_refused',
    });
  });

  test('of another topic is confirmed by nobody', async () => {
    const TopicArn = 'arn:aws:sns:eu-west-1:666666666666:mine';
    const before = sns.asked.length;
    expect(await door(JSON.stringify(sns.sign({ ...confirming, TopicArn })))).toMatchObject({
      kind: 'refused',
    });
    expect(sns.asked).toHaveLength(before);
  });

  test('that was ended is told to the operator and not taken up again', async () => {
    const before = sns.asked.length;
    expect(await door(JSON.stringify(sns.sign({ Type: 'UnsubscribeConfirmation' })))).toEqual(NOTED);
    expect(sns.asked).toHaveLength(before);
    expect(office.logged.at(-1)?.message).toContain('no longer delivered');
  });
});

describe('while the database is away', () => {
  test('it is said to come again, and then it counts; nothing before', async () => {
    const [known, fresh] = [
      await office.person(),
      office.sesDoor({ topics: [TOPIC], fetching: sns.fetching }),
    ];
    await post(sesBounce(mailTo(await office.person())));
    const message = JSON.stringify(sns.sign({ Message: sesComplaint(mailTo(known)) }));
    await office.line.cut();
    try {
      // The domain is known to the one, and to the other it is not.
      await expect(door(message)).rejects.toMatchObject({ temporary: true });
      await expect(fresh(message)).rejects.toMatchObject({ temporary: true });
    } finally {
      await office.line.mend();
    }
    expect([await known.sources(), await known.suppressed()]).toEqual([[], null]);
    await office.until(() =>
      door(message).then(
        ({ kind }) => kind === 'taken',
        () => false,
      ),
    );
    expect([await known.sources(), await known.suppressed()]).toEqual([['complaint'], 'complaint']);
  });
});

test('IN-19 the log tells what was done, and to nobody by name', async () => {
  const person = await office.person();
  const before = office.logged.length;
  await post(sesBounce(mailTo(person)));
  await post(sesBounce(mailTo(person, { source: `hello@${DOMAIN}` })));
  await door('nonsense');
  const lines = office.logged.slice(before).map((line) => JSON.stringify(line));
  expect(lines.filter((line) => line.includes('Amazon SES'))).toHaveLength(3);
  for (const line of lines) expect(line).not.toMatch(/bounce\+|@|person/);
});
