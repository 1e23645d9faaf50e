import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { type DkimKey, isFailure } from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import { openSigner } from './dkim.ts';
import { writeField } from './field.ts';
import { findDkimpy, findOpendkim, type VerifyOutside } from './testing/outside-verifier.ts';
import { field, fields } from './testing/reading.ts';
import {
  compiled,
  composed,
  composerOptions,
  configuration,
  DOMAIN,
  KEYS,
  recipient,
} from './testing/sample.ts';

const HTML =
  '<p>Hi {{profile.name}} <a data-link-type="unsubscribe">leave</a></p><pre>  two  spaces \t\n.dot\n</pre>';

/** A verifier of others, or a test that says why there is none. On CI there must be one. */
function withVerifier(
  name: string,
  found: VerifyOutside | null,
  run: (verify: VerifyOutside) => Promise<void>,
): void {
  if (found !== null) test(name, () => run(found));
  else if (process.env.CI === 'true') {
    test(name, () => {
      throw new Error('python3-dkim is not installed: signatures would go unproven');
    });
  } else {
    console.warn(`skipped, the verifier is not installed (python3-dkim, opendkim): ${name}`);
    test.skip(name, () => undefined);
  }
}

async function messages(): Promise<Buffer[]> {
  const template = await compiled({ subject: 'Grüße, {{profile.name}}', html: HTML });
  const people = ['Jane', 'Jöhn  Döe', 'a=b. ', `${'x'.repeat(200)}\n.`, '🎈'.repeat(60)];
  const options = composerOptions(template, {
    campaignId: 'spring',
    list: { name: 'weekly', number: 3, title: 'Wöchentlich' },
  });
  return Promise.all(
    people.map(
      async (name) => (await composed(options, recipient({ profile: { attributes: { name } } }))).bytes,
    ),
  );
}

function prepend(line: string, message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${line}\r\n`), message]);
}

describe('Signatures', () => {
  withVerifier(
    'DK-1, DK-5, DK-6: both signatures hold for dkimpy, whatever the slots hold',
    findDkimpy(),
    async (verify) => {
      expect(verify(await messages(), KEYS)).toEqual(Array(5).fill([true, true]));
    },
  );

  if (findOpendkim() !== null) {
    withVerifier('DK-1: both signatures hold for OpenDKIM', findOpendkim(), async (verify) => {
      expect(verify((await messages()).slice(0, 2), KEYS)).toEqual(Array(2).fill([true, true]));
    });
  }

  withVerifier('DK-3: a field put before ours breaks the signature', findDkimpy(), async (verify) => {
    const [message = Buffer.alloc(0)] = await messages();
    const forged = [
      'List-Unsubscribe: <https://evil.example/>',
      'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
      'Subject: other',
      'Reply-To: evil@example.com',
      'From: evil@example.com',
      'To: other@example.com',
      'Message-ID: <x@y.example>',
      'Date: Mon, 23 Nov 2026 10:00:00 +0000',
      'List-Id: <other.example.com>',
      'Content-Type: text/plain',
      'MIME-Version: 1.0',
      'Cc: somebody@example.com',
      'Sender: somebody@example.com',
    ].map((line) => prepend(line, message));
    expect(verify(forged, KEYS)).toEqual(Array(forged.length).fill([false, false]));
  });

  withVerifier('DK-4: what a relay may add or replace is left open', findDkimpy(), async (verify) => {
    const template = await compiled({ html: HTML });
    const transactional = composerOptions(template, {
      configuration: configuration({ emailType: 'transactional', unsubscribe: { enabled: false } }),
    });
    const owed = (await composed(transactional)).bytes;
    const added = [
      'Sender: relay@example.com',
      'Cc: x@example.com',
      'List-Id: <x.example.com>',
      'List-Unsubscribe: <mailto:x@example.com>',
      'Feedback-ID: a:b:c:relay',
      'Received: from a by b',
      'X-Relay: 1',
    ];
    expect(
      verify(
        added.map((line) => prepend(line, owed)),
        KEYS,
      ),
    ).toEqual(Array(added.length).fill([true, true]));
    const ses = (await composed(composerOptions(template, { relay: 'ses' }))).bytes.toString('latin1');
    const replaced = ses
      .replace(/^Message-ID: .*$/m, 'Message-ID: <0102@eu-west-1.amazonses.com>')
      .replace(/^Date: .*$/m, 'Date: Mon, 23 Nov 2026 10:00:00 +0000');
    expect(replaced).not.toBe(ses);
    expect(verify([Buffer.from(replaced, 'latin1')], KEYS)).toEqual([[true, true]]);
  });

  withVerifier('DK-11: one changed octet of the body breaks the signature', findDkimpy(), async (verify) => {
    const [message = Buffer.alloc(0)] = await messages();
    const changed = Buffer.from(message.toString('latin1').replace('leave', 'Leave'), 'latin1');
    expect(verify([changed], KEYS)).toEqual([[false, false]]);
  });

  test('DK-2, DK-3, DK-7: h= names what wire format promises, once more than it is there; no l=', async () => {
    const template = await compiled({ html: HTML });
    const signed = async (options: Parameters<typeof composed>[0]): Promise<string> => {
      const [value = ''] = fields((await composed(options)).bytes).get('dkim-signature') ?? [];
      expect(value).toContain('c=relaxed/relaxed');
      expect(value).toMatch(/; t=\d+;/);
      expect(value).not.toMatch(/;\s*l=/);
      return (/ h=([^;]*);/.exec(value)?.[1] ?? '').replace(/\s/g, '').toLowerCase();
    };
    const twice = (names: string): string =>
      names
        .split(' ')
        .flatMap((name) => [name, name])
        .join(':');
    const always = twice('from to subject reply-to mime-version content-type');
    const pair = twice('list-unsubscribe list-unsubscribe-post');
    expect(await signed(composerOptions(template))).toBe(
      `${always}:${pair}:${twice('message-id date')}:cc:sender:feedback-id`,
    );
    expect(await signed(composerOptions(template, { relay: 'ses' }))).toBe(`${always}:${pair}:cc:sender`);
    expect(await signed(composerOptions(template, { campaignId: 'c' }))).toContain(`:${twice('list-id')}:`);
    const transactional = configuration({ emailType: 'transactional', unsubscribe: { enabled: false } });
    expect(await signed(composerOptions(template, { configuration: transactional }))).toBe(
      `${always}:${twice('message-id date')}:feedback-id`,
    );
  });

  test('DK-13: a signature field is folded at 78', async () => {
    const [message = Buffer.alloc(0)] = await messages();
    const header = message.subarray(0, message.indexOf('\r\nFrom: ')).toString();
    for (const line of header.split('\r\n')) expect(line.length).toBeLessThanOrEqual(78);
    expect(header.match(/^DKIM-Signature: /gm)).toHaveLength(2);
  });

  test('DK-5: without an Ed25519 key there is one signature, and never an Ed25519 one alone', async () => {
    const template = await compiled({ html: HTML });
    const options = composerOptions(template);
    const one = { ...options, subdomain: { ...options.subdomain, keys: KEYS.slice(0, 1) } };
    expect(field((await composed(one)).bytes, 'DKIM-Signature')).toContain('a=rsa-sha256');
    expect(refusal(KEYS.slice(1))).toBe('dkim_key_missing');
  });

  test('DK-8: a key that is missing, unreadable, of the wrong type or too short opens no signer', () => {
    const [rsa, ed25519] = KEYS;
    if (rsa === undefined || ed25519 === undefined) throw new Error('no keys');
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    });
    expect(refusal([])).toBe('dkim_key_missing');
    expect(refusal([{ ...rsa, privateKey: 'nonsense' }])).toBe('dkim_key_invalid');
    expect(refusal([{ ...rsa, privateKey: ed25519.privateKey }])).toBe('dkim_key_invalid');
    expect(refusal([{ ...rsa, privateKey: short.toString() }])).toBe('dkim_key_invalid');
    expect(refusal([rsa, { ...ed25519, privateKey: rsa.privateKey }])).toBe('dkim_key_invalid');
  });

  test('U9: a key that fails while signing is a temporary failure, and nothing unsigned comes out', async () => {
    const whole = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
    // An even modulus passes for a key until somebody signs with it.
    const modulus = Buffer.from(String(whole.n), 'base64url');
    modulus[modulus.length - 1] = (modulus.at(-1) ?? 0) & 0xfe;
    const broken = createPrivateKey({ key: { ...whole, n: modulus.toString('base64url') }, format: 'jwk' });
    const privateKey = broken.export({ type: 'pkcs8', format: 'pem' }).toString();
    const options = composerOptions(await compiled({ html: HTML }));
    const keys: DkimKey[] = [{ selector: 's1', algorithm: 'rsa-sha256', privateKey }];
    await expect(composed({ ...options, subdomain: { ...options.subdomain, keys } })).rejects.toMatchObject({
      code: 'dkim_signing_failed',
      temporary: true,
    });
  });

  test('fields are written as they are signed', () => {
    expect(writeField({ name: 'Subject', value: '' })).toBe('Subject:\r\n');
    expect(writeField({ name: 'Subject', value: 'a\r\n b' })).toBe('Subject: a\r\n b\r\n');
  });
});

function refusal(keys: readonly DkimKey[]): string {
  try {
    openSigner({ domain: DOMAIN, keys, relay: 'plain', emailType: 'marketing' });
  } catch (error) {
    if (isFailure(error)) return error.code;
    throw error;
  }
  return 'opened';
}
