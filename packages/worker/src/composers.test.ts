import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { type DkimKey, generateDkimKeys, generateKeyRing, type Log, parseKeyRing, SILENT } from '@adieu/core';
import { type Delivery, loadDelivery, putSubdomain, putTemplate } from '@adieu/store';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openComposers } from './composers.ts';
import { openScene, type Scene, until } from './testing/scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
  await scene.people(1);
});
afterEach(() => scene.close());

const delivery = async (): Promise<Delivery> => loadDelivery(scene.db, await scene.enqueue());
const put = (keys: Parameters<typeof putSubdomain>[2]['keys']) =>
  putSubdomain(scene.db, scene.scope, {
    domain: 'news.example.com',
    linkBaseUrl: 'https://news.example.com',
    relay: 'plain',
    keys,
    ring: scene.ring,
  });

describe('composers', () => {
  test('deliveries that differ in nothing share one', async () => {
    const composers = openComposers({ ring: scene.ring, inbound: false });
    expect(await composers.open(await delivery())).toBe(await composers.open(await delivery()));
  });

  test('a new key, template or configuration is a new composer', async () => {
    const composers = openComposers({ ring: scene.ring, inbound: false });
    const seen = new Set([await composers.open(await delivery())]);
    await put(generateDkimKeys('s2'));
    seen.add(await composers.open(await delivery()));
    const html = '<p>Other</p><a href="#" data-link-type="unsubscribe">leave</a>';
    await putTemplate(scene.db, scene.scope, { id: 'spring', subject: 'Other', html });
    seen.add(await composers.open(await delivery()));
    await scene.configure('newsletter', { from: { name: 'Other', email: 'hello@news.example.com' } });
    seen.add(await composers.open(await delivery()));
    expect(seen.size).toBe(4);
  });

  test('a key ring that cannot open the keys is no composer, and is asked again', async () => {
    const composers = openComposers({ ring: parseKeyRing(generateKeyRing()), inbound: false });
    const asked = await delivery();
    await expect(composers.open(asked)).rejects.toMatchObject({ code: 'keyring_cannot_open' });
    await expect(composers.open(asked)).rejects.toMatchObject({ code: 'keyring_cannot_open' });
  });

  test('U9: signatures are made by whom the process says, and without one nothing comes out', async () => {
    const makeSignature = (): Promise<string> => Promise.reject(new Error('the thread that signs has ended'));
    const composer = await openComposers({ ring: scene.ring, inbound: false, makeSignature }).open(
      await delivery(),
    );
    const message = composer.compose({
      messageId: randomUUID(),
      date: new Date(),
      profile: { namespace: 'CRMID', id: '1', number: 1 },
      personal: { attributes: {}, consents: {} },
      address: { spelling: 'jane@example.net', number: 1, namespace: 'Email' },
      context: {},
    });
    await expect(message).rejects.toMatchObject({ code: 'dkim_signing_failed', temporary: true });
  });
});

/** Opens, and fails when it signs: an even modulus passes for a key until then. */
function brokenKey(): DkimKey {
  const whole = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const modulus = Buffer.from(String(whole.n), 'base64url');
  modulus[modulus.length - 1] = (modulus.at(-1) ?? 0) & 0xfe;
  const broken = createPrivateKey({ key: { ...whole, n: modulus.toString('base64url') }, format: 'jwk' });
  const privateKey = broken.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { selector: 's1', algorithm: 'rsa-sha256', privateKey };
}

test.each([
  ['without a key to sign with', [], { message: 'batch held', error: 'dkim_key_missing' }],
  [
    'with a key that fails while it signs',
    [brokenKey()],
    { message: 'message held: it cannot be composed', reason: 'dkim_signing_failed' },
  ],
])(
  'U9, OH-4: %s the message is held and logged, and leaves signed when there is a good one',
  async (_what, keys, logged) => {
    const lines: object[] = [];
    const log: Log = { ...SILENT, error: (fields, message) => void lines.push({ ...fields, message }) };
    const relay = await scene.relay();
    await put(keys);
    await scene.worker(relay.url, { log });
    const execution = await scene.enqueue();
    await until(() => lines.length > 0);
    expect(lines[0]).toMatchObject(logged);
    await until(async () => {
      const batch = await scene.db.selectFrom('batch').selectAll().executeTakeFirst();
      return batch?.owner === null && (batch.due_at?.getTime() ?? 0) > Date.now() + 30_000;
    });
    expect((await scene.counts(execution)).counts.queued).toBe(1);
    expect(relay.mails).toEqual([]);
    await put(generateDkimKeys('s3'));
    await scene.db.updateTable('batch').set({ due_at: new Date() }).execute();
    expect((await scene.finished(execution)).counts.sent).toBe(1);
    expect(relay.mails[0]?.raw.toString()).toMatch(/^DKIM-Signature: /);
  },
);
