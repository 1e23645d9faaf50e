import { describe, expect, test } from '@jest/globals';
import { CERTIFICATE_URL, HOST, openSns, type Sns, TOPIC } from '../testing/sns.ts';
import { authenticate } from './authenticity.ts';
import { openCertificates } from './certificate.ts';

const sns = openSns();
const TYPES = ['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation'];

function judging(web: Sns, { topics = [TOPIC], now = () => new Date() } = {}) {
  const certificates = openCertificates({ fetching: web.fetching, now });
  return (message: object | string) =>
    authenticate(typeof message === 'string' ? message : JSON.stringify(message), {
      topics,
      certificates,
      now,
    });
}
const judge = judging(sns);

describe.each(['1', '2'] as const)('a message signed in version %s', (version) => {
  test.each(TYPES)('is believed when it is a %s of a listed topic', async (Type) => {
    const found = await judge(sns.sign({ Type, Message: 'Grüße 🍌\nin two lines' }, version));
    expect(found).toMatchObject({
      kind: 'authentic',
      message: { type: Type, message: 'Grüße 🍌\nin two lines' },
      topic: { arn: TOPIC, host: HOST },
    });
  });

  test('is believed with a subject', async () => {
    expect(await judge(sns.sign({ Subject: 'Amazon SES' }, version))).toMatchObject({ kind: 'authentic' });
  });

  test.each(TYPES.flatMap((Type) => fieldsOf(Type).map((field) => [Type, field] as const)))(
    'a %s is not believed with another %s',
    async (Type, field) => {
      const signed = sns.sign({ Type, Subject: Type === 'Notification' ? 'subject' : undefined }, version);
      const other = { Timestamp: new Date(Date.now() - 1_000).toISOString() }[field] ?? `${signed[field]}x`;
      expect(
        await judging(sns, { topics: [TOPIC, `${TOPIC}x`] })({ ...signed, [field]: other }),
      ).toMatchObject({
        kind: 'refused',
        code: 'signature_invalid',
      });
    },
  );

  test('is not believed as another type, in another version, with a subject added or taken away, or under another key', async () => {
    const signed = sns.sign({ Subject: 'subject' }, version);
    const { Subject: _, ...without } = signed;
    const confirming = sns.sign({ Type: 'SubscriptionConfirmation' }, version);
    for (const message of [
      { ...confirming, Type: 'Notification' },
      { ...confirming, Type: 'UnsubscribeConfirmation' },
      { ...signed, SignatureVersion: version === '1' ? '2' : '1' },
      { ...sns.sign({}, version), Subject: 'subject' },
      without,
      openSns({}).sign({}, version),
      { ...signed, Signature: 'AAAA' },
    ])
      expect(await judge(message)).toMatchObject({ kind: 'refused', code: 'signature_invalid' });
  });
});

function fieldsOf(Type: string): string[] {
  const all = ['Message', 'MessageId', 'Timestamp', 'TopicArn'];
  return Type === 'Notification' ? [...all, 'Subject'] : [...all, 'SubscribeURL', 'Token'];
}

describe('the topic', () => {
  test.each([
    [[]],
    [['arn:aws:sns:eu-west-1:123456789012:other']],
    [['arn:aws:sns:eu-west-1:999999999999:ses-feedback']],
    [['arn:aws:sns:us-east-1:123456789012:ses-feedback']],
  ])('is listed, or nothing of it is believed and nothing fetched: %j', async (topics) => {
    const web = openSns();
    expect(await judging(web, { topics })(web.sign())).toMatchObject({
      kind: 'refused',
      code: 'topic_not_allowed',
    });
    expect(web.asked).toEqual([]);
  });
});

describe('the URL of the certificate', () => {
  const path = '/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem';
  test.each([
    `http://${HOST}${path}`,
    `https://${HOST}.evil.com${path}`,
    `https://evil.com/${HOST}${path}`,
    `https://evil.com#${HOST}${path}`,
    `https://${HOST}@evil.com${path}`,
    `https://user:word@${HOST}${path}`,
    `https://user@${HOST}${path}`,
    `https://${HOST}:443${path}`,
    `https://${HOST}:8443${path}`,
    `https://${HOST}.${path}`,
    `https://SNS.EU-WEST-1.AMAZONAWS.COM${path}`,
    `https://sns.us-east-1.amazonaws.com${path}`,
    `https://${HOST}.cn${path}`,
    `https://snsxeu-west-1.amazonaws.com${path}`,
    `https://s3.eu-west-1.amazonaws.com${path}`,
    `https://sns.eu-west-1.s3.amazonaws.com${path}`,
    `https://127.0.0.1${path}`,
    `https://${HOST}\\@evil.com${path}`,
    `https:/${HOST}${path}`,
    `//${HOST}${path}`,
    `file://${HOST}${path}`,
    ` https://${HOST}${path}`,
    `https://${HOST}${path}\n`,
    `https://${HOST}${path}?`,
    `https://${HOST}${path}#x.pem`,
    `https://${HOST}/${path}`,
    `https://${HOST}/?Action=GetTopicAttributes&x=.pem`,
    `https://${HOST}/anything.pem`,
    `https://${HOST}/..${path}`,
    `https://${HOST}${path.replace('.pem', '.pem.txt')}`,
    '',
  ])('is none but on the host of the topic, at SNS’s path: %j', async (SigningCertURL) => {
    const web = openSns();
    const body = web.web.get(CERTIFICATE_URL);
    if (body !== undefined) web.web.set(SigningCertURL, body);
    expect(await judging(web)({ ...web.sign(), SigningCertURL })).toMatchObject({
      kind: 'refused',
      code: 'certificate_url_refused',
    });
    expect(web.asked).toEqual([]);
  });

  test.each([
    ['aws-cn', 'cn-north-1', 'sns.cn-north-1.amazonaws.com.cn', 'sns-cn-north-1.amazonaws.com.cn'],
    ['aws-us-gov', 'us-gov-west-1', 'sns.us-gov-west-1.amazonaws.com', 'sns-us-gov-west-1.amazonaws.com'],
    ['aws', 'eu-south-1', 'sns.eu-south-1.amazonaws.com', 'sns-signing.eu-south-1.amazonaws.com'],
  ])('of %s is on its own host, under its own name: %s', async (partition, region, host, name) => {
    const web = openSns({ name });
    const TopicArn = `arn:${partition}:sns:${region}:123456789012:ses`;
    const SigningCertURL = `https://${host}${path}`;
    const body = web.web.get(CERTIFICATE_URL);
    if (body !== undefined) web.web.set(SigningCertURL, body);
    expect(
      await judging(web, { topics: [TopicArn] })({ ...web.sign({ TopicArn }), SigningCertURL }),
    ).toMatchObject({
      kind: 'authentic',
    });
  });
});

describe('the certificate', () => {
  const day = 86_400_000;
  test.each([
    ['is expired', { from: Date.now() - 2 * day, until: Date.now() - day }],
    ['is not valid yet', { from: Date.now() + day, until: Date.now() + 2 * day }],
    ['is somebody else’s', { name: 'sns.amazonaws.com.evil.com' }],
    ['is of another service', { name: 's3.amazonaws.com' }],
    ['has the name within another', { name: 'evil.com CN=sns.amazonaws.com' }],
    ['has a short key', { rsa: 1_024 }],
  ])('that %s is refused', async (_, options) => {
    const web = openSns(options);
    expect(await judging(web)(web.sign())).toMatchObject({ kind: 'refused', code: 'certificate_refused' });
  });

  test.each([
    [200, 'nonsense'],
    [200, ''],
    [302, ''],
    [404, 'no such key'],
  ])('that is none is refused: %i %j', async (status, body) => {
    const web = openSns();
    web.web.set(CERTIFICATE_URL, { status, body });
    expect(await judging(web)(web.sign())).toMatchObject({ kind: 'refused', code: 'certificate_refused' });
  });

  test.each([[{ status: 503, body: '' }], [{ status: 429, body: '' }], [new Error('no route to host')]])(
    'that cannot be had is asked for again later: %j',
    async (answer) => {
      const web = openSns();
      const good = web.web.get(CERTIFICATE_URL);
      const ask = judging(web);
      web.web.set(CERTIFICATE_URL, answer);
      await expect(ask(web.sign())).rejects.toMatchObject({
        code: 'certificate_unavailable',
        temporary: true,
      });
      if (good !== undefined) web.web.set(CERTIFICATE_URL, good);
      expect(await ask(web.sign())).toMatchObject({ kind: 'authentic' });
    },
  );

  test('is fetched once for all who come at once and later, and again after a day', async () => {
    const web = openSns();
    let time = Date.now();
    const now = () => new Date(time);
    const ask = judging(web, { now });
    await Promise.all(Array.from({ length: 20 }, () => ask(web.sign())));
    await ask(web.sign());
    expect(web.asked).toEqual([CERTIFICATE_URL]);
    time += day + 1;
    await ask(web.sign({ Timestamp: now().toISOString() }));
    expect(web.asked).toHaveLength(2);
  });

  test('that was good a day ago is good for one more while nobody can tell, and no longer once it is gone', async () => {
    const web = openSns({ until: Date.now() + 30 * day });
    const good = web.web.get(CERTIFICATE_URL);
    let time = Date.now();
    const now = () => new Date(time);
    const judgeNow = judging(web, { now });
    const ask = () => judgeNow(web.sign({ Timestamp: now().toISOString() }));
    await ask();
    time += day + 1;
    web.web.set(CERTIFICATE_URL, { status: 503, body: '' });
    expect(await ask()).toMatchObject({ kind: 'authentic' });
    time += day;
    await expect(ask()).rejects.toMatchObject({ code: 'certificate_unavailable' });
    if (good !== undefined) web.web.set(CERTIFICATE_URL, good);
    await ask();
    time += day + 1;
    web.web.set(CERTIFICATE_URL, { status: 404, body: '' });
    expect(await ask()).toMatchObject({ code: 'certificate_refused' });
    web.web.set(CERTIFICATE_URL, { status: 503, body: '' });
    await expect(ask()).rejects.toMatchObject({ code: 'certificate_unavailable' });
  });

  test('of a stranger’s inventing is fetched five at once at most, and nothing of it is kept', async () => {
    const web = openSns();
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    let held = 0;
    const now = () => new Date();
    const certificates = openCertificates({
      now,
      fetching: async (url) => {
        held += 1;
        await gate;
        return web.fetching(url);
      },
    });
    const ask = (number: number) => {
      const SigningCertURL = CERTIFICATE_URL.replace(/-\w{32}/, `-${String(number).padStart(32, '0')}`);
      return authenticate(JSON.stringify({ ...web.sign(), SigningCertURL }), {
        topics: [TOPIC],
        certificates,
        now,
      });
    };
    const asked = [1, 2, 3, 4, 5, 6].map((number) => ask(number));
    await expect(asked[5]).rejects.toMatchObject({ temporary: true });
    expect(held).toBe(5);
    open();
    for (const one of asked.slice(0, 5)) expect(await one).toMatchObject({ code: 'certificate_refused' });
  });
});

describe('the time', () => {
  const minute = 60_000;
  test.each([
    [-125, false],
    [-115, true],
    [10, true],
    [20, false],
  ])('is within two hours: %i minutes', async (minutes, believed) => {
    const Timestamp = new Date(Date.now() + minutes * minute).toISOString();
    expect(await judge(sns.sign({ Timestamp }))).toMatchObject(
      believed ? { kind: 'authentic' } : { kind: 'refused', code: 'timestamp_refused' },
    );
  });
});

describe('what is no message of SNS', () => {
  const signed = sns.sign();
  test.each([
    ['', 'invalid_json'],
    ['[]', 'invalid_json'],
    ['null', 'invalid_json'],
    ['{"Type":', 'invalid_json'],
    [JSON.stringify({ notificationType: 'Bounce', bounce: {} }), 'raw_message_delivery'],
    [JSON.stringify({ eventType: 'Complaint', complaint: {} }), 'raw_message_delivery'],
    [JSON.stringify({ ...signed, Type: 'toString' }), 'invalid_field'],
    [JSON.stringify({ ...signed, Type: 7 }), 'invalid_field'],
    [JSON.stringify({ ...signed, Message: undefined }), 'invalid_field'],
    [JSON.stringify({ ...signed, Message: { a: 1 } }), 'invalid_field'],
    [JSON.stringify({ ...signed, MessageId: ['a'] }), 'invalid_field'],
    [JSON.stringify({ ...signed, TopicArn: undefined }), 'invalid_field'],
    [JSON.stringify({ ...signed, Timestamp: 'yesterday' }), 'invalid_field'],
    [JSON.stringify({ ...signed, Timestamp: '2026-99-99T00:00:00Z' }), 'invalid_field'],
    [JSON.stringify({ ...signed, Signature: undefined }), 'invalid_field'],
    [JSON.stringify({ ...signed, Signature: 'not base64!' }), 'invalid_field'],
    [`${'['.repeat(200_000)}${']'.repeat(200_000)}`, 'invalid_json'],
  ])('is told so: %.60s', async (body, code) => {
    expect(await judge(body)).toMatchObject({ kind: 'malformed', code });
  });

  test.each(['0', '3', '', 'constructor'])('nor is signed in version %j', async (SignatureVersion) => {
    expect(await judge({ ...signed, SignatureVersion })).toMatchObject({
      code: 'signature_version_unsupported',
    });
  });
});
