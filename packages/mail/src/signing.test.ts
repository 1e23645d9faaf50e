import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type SigningKey, signText } from './signature.ts';
import { openSigning, type Signing } from './signing.ts';

const RSA: SigningKey = {
  algorithm: 'rsa-sha256',
  key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
};
const ED25519: SigningKey = { algorithm: 'ed25519-sha256', key: generateKeyPairSync('ed25519').privateKey };
/** Opens, but cannot sign RSA. */
const UNFIT: SigningKey = { algorithm: 'rsa-sha256', key: generateKeyPairSync('x25519').privateKey };
/** Threads that end when they are asked. */
const MORTAL = new URL(
  "data:text/javascript,import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => process.exit());",
);

let signing: Signing;
afterEach(() => signing.close());

const publicKey = ({ key }: SigningKey): KeyObject => createPublicKey(key);

describe('Threads that sign', () => {
  test('every text has its own signature, whatever was handed over with it', async () => {
    signing = openSigning();
    const texts = Array.from(
      { length: 50 },
      (_, index) => `from:b@example.com\r\nsubject:Grüße ${index}\r\n`,
    );
    const signatures = await Promise.all(texts.map((text) => signing.sign(text, RSA)));
    for (const [index, text] of texts.entries()) {
      const signature = Buffer.from(signatures[index] ?? '', 'base64');
      expect(verify('sha256', Buffer.from(text), publicKey(RSA), signature)).toBe(true);
    }
    // Both algorithms always answer the same.
    expect(await signing.sign('a', ED25519)).toBe(signText('a', ED25519));
    expect(await signing.sign('a', RSA)).toBe(signText('a', RSA));
  });

  test('a key that cannot sign costs nobody else a signature', async () => {
    signing = openSigning();
    const [good, bad, other] = await Promise.allSettled([
      signing.sign('a', RSA),
      signing.sign('b', UNFIT),
      signing.sign('c', ED25519),
    ]);
    expect(good).toEqual({ status: 'fulfilled', value: signText('a', RSA) });
    expect(bad.status).toBe('rejected');
    expect(other).toEqual({ status: 'fulfilled', value: signText('c', ED25519) });
  });

  test('who asked a thread that ended is told, and the next has another thread', async () => {
    signing = openSigning({ program: MORTAL });
    for (let time = 0; time < 3; time++) {
      const asked = [signing.sign('a', RSA), signing.sign('b', RSA)];
      const outcomes = await Promise.allSettled(asked);
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    }
  });

  test('a program that does not start is a rejection, not a crash', async () => {
    signing = openSigning({ program: new URL('data:text/javascript,throw new Error("no")') });
    await expect(signing.sign('a', RSA)).rejects.toThrow('no');
  });

  test('a thread that cannot be had is a rejection, not a crash', async () => {
    signing = openSigning({ program: new URL('http://127.0.0.1/') });
    await expect(signing.sign('a', RSA)).rejects.toThrow('URL');
    await expect(signing.sign('b', RSA)).rejects.toThrow('URL');
  });

  test('what cannot be handed over leaves the answers to others in their place', async () => {
    signing = openSigning();
    const odd = { ...RSA, odd: () => undefined };
    const first = signing.sign('a', RSA);
    await Promise.resolve();
    await expect(signing.sign('b', odd)).rejects.toThrow('could not be cloned');
    expect(await signing.sign('c', ED25519)).toBe(signText('c', ED25519));
    expect(await first).toBe(signText('a', RSA));
  });

  test.each([0, 1])('who still waits when it is closed is told, %i turns later', async (turns) => {
    signing = openSigning();
    const told = expect(signing.sign('a', RSA)).rejects.toThrow();
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    await signing.close();
    await told;
    await expect(signing.sign('b', RSA)).rejects.toThrow('closed');
  });
});
