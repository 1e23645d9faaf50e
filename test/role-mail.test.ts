/**
 * Mail that a person has to read: role addresses, and wishes to leave that nobody vouches for (I1, IN-7, MT-9).
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, DOMAIN, importPeople } from './brand.ts';
import { bring } from './returned-mail.ts';
import { type RunningAdieu, runAdieu } from './running-adieu.ts';

let backend: Backend;
let adieu: RunningAdieu;

beforeAll(async () => {
  backend = await openBackend();
  // Nothing is sent here.
  adieu = await runAdieu({ backend, relayUrl: 'smtp://127.0.0.1:9' });
  await createBrand(adieu);
  await importPeople(adieu, 1);
});
afterAll(async () => {
  await adieu?.stop();
  await backend?.close();
});

async function reviews(): Promise<{ id: string; why: string; recipient: string; from?: string }[]> {
  return (await adieu.call('GET', '/v1/inbound/review')).body.items;
}

describe('mail to role addresses', () => {
  test('IN-7: is taken in any case, with and without a domain, and stored', async () => {
    for (const recipient of [
      `postmaster@${DOMAIN}`,
      `PostMaster@${DOMAIN}`,
      'postmaster',
      `ABUSE@${DOMAIN}`,
    ]) {
      const content = `From: A Person <a.person@example.org>\r\nMessage-ID: <${recipient}>\r\nSubject: hello\r\n\r\nHello`;
      expect([recipient, await bring(adieu, recipient, { content, sender: 'a.person@example.org' })]).toEqual(
        [recipient, expect.stringMatching(/^250 /)],
      );
      const [mail] = await reviews();
      expect(mail).toMatchObject({
        why: 'role',
        recipient: recipient.split('@')[0]?.toLowerCase(),
        subject: 'hello',
      });
      const whole = await adieu.call('GET', `/v1/inbound/review/${mail?.id}`);
      expect(whole.body.source).toContain(content);
    }
  });

  test('is acknowledged, and deleted', async () => {
    expect(await bring(adieu, `postmaster@${DOMAIN}`, { content: 'Subject: one\r\n\r\nx' })).toMatch(/^250 /);
    const [mail] = await reviews();
    const path = `/v1/inbound/review/${mail?.id}`;
    expect(await adieu.call('POST', `${path}/acknowledge`)).toMatchObject({ status: 204 });
    expect((await reviews()).map((one) => one.id)).not.toContain(mail?.id);
    const { body } = await adieu.call('GET', '/v1/inbound/review?state=acknowledged&limit=1');
    expect(body.items).toMatchObject([{ id: mail?.id }]);
    expect(await adieu.call('DELETE', path)).toMatchObject({ status: 204 });
    for (const method of ['GET', 'DELETE'])
      expect(await adieu.call(method, path)).toMatchObject({ status: 404, body: { code: 'unknown_mail' } });
  });

  test('MT-9: a wish to leave that DMARC does not vouch for waits for a person', async () => {
    const content = `From: <p0@example.org>\r\nMessage-ID: <wish@example.net>\r\n\r\nunsubscribe me`;
    expect(await bring(adieu, `unsubscribe@${DOMAIN}`, { content, sender: 'p0@example.org' })).toMatch(
      /^250 /,
    );
    expect((await reviews())[0]).toMatchObject({ why: 'unverified', from: '<p0@example.org>' });
    expect((await adieu.call('GET', '/v1/profiles/CRMID/p0/consent-history')).body).toEqual([]);
  });
});
