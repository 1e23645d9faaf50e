import { describe, expect, test } from '@jest/globals';
import { verifySignatures } from './signatures.ts';

/** RFC 8463, appendix A: a message with an Ed25519 and an RSA signature, and the keys that belong to it. */
const MESSAGE = `DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
`.replaceAll('\n', '\r\n');

const KEYS: Readonly<Record<string, string>> = {
  'brisbane._domainkey.football.example.com':
    'v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
  'test._domainkey.football.example.com':
    'v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB',
};

const resolve = async (name: string): Promise<string[]> => {
  const record = KEYS[name];
  return record === undefined ? [] : [record];
};

const SIGNED = ['from', 'to', 'subject', 'date', 'message-id', 'from', 'subject', 'date'];

describe('verifying signatures', () => {
  test('DK-5 DK-6 both signatures of RFC 8463 verify, each with its algorithm, selector and signed headers', async () => {
    const common = { valid: true, domain: 'football.example.com', signedHeaders: SIGNED };
    expect(await verifySignatures(Buffer.from(MESSAGE), resolve)).toEqual([
      { ...common, algorithm: 'ed25519-sha256', selector: 'brisbane' },
      { ...common, algorithm: 'rsa-sha256', selector: 'test' },
    ]);
  });

  test('DK-3 a field put before an oversigned one breaks the signatures', async () => {
    const reports = await verifySignatures(Buffer.from(`Subject: Is lunch ready?\r\n${MESSAGE}`), resolve);
    expect(reports.map((report) => [report.valid, report.reason])).toEqual([
      [false, 'bad signature'],
      [false, 'bad signature'],
    ]);
  });

  test('a changed body, a missing key and an unreachable DNS are told apart', async () => {
    const changed = await verifySignatures(Buffer.from(MESSAGE.replace('lost', 'won')), resolve);
    expect(changed.map((report) => report.reason)).toEqual(Array(2).fill('body hash did not verify'));
    const keyless = await verifySignatures(Buffer.from(MESSAGE), async () => []);
    expect(keyless.map((report) => report.reason)).toEqual(Array(2).fill('no key'));
    const offline = await verifySignatures(Buffer.from(MESSAGE), async () => {
      throw Object.assign(new Error('timeout'), { code: 'ETIMEOUT' });
    });
    expect(offline.map((report) => report.reason)).toEqual(Array(2).fill('DNS failure: ETIMEOUT'));
  });

  test('an unsigned message has no report, and garbage has none that is valid', async () => {
    expect(await verifySignatures(Buffer.from('From: a@example.com\r\n\r\nx\r\n'), resolve)).toEqual([]);
    expect(await verifySignatures(Buffer.alloc(0), resolve)).toEqual([]);
    const garbage = await verifySignatures(Buffer.from('DKIM-Signature: ;;==\r\nFrom: a\r\n\r\nx'), resolve);
    expect(garbage.map((report) => report.valid)).not.toContain(true);
  });
});
