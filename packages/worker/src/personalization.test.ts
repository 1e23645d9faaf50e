import { importProfiles, putTemplate } from '@adieu/store';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openScene, type Scene } from './testing/scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.close());

const CANARY = 'zq8canary';
const HTML = `<p data-personalized="hi" title="{{profile.other}}">Hi {{profile.person.firstName}}</p>
<p>[{{#each profile}}{{@key}}={{this}} {{/each}}] {{context.coupon}}</p>
<a href="https://brand.example/?who={{profile.other}}">offer</a> <a href="#" data-link-type="unsubscribe">leave</a>`;

/** Who says this of personalization; every attribute, identity and consent of theirs holds the canary. */
async function somebody(id: string, val: 'y' | 'n' | 'dn' | 'u'): Promise<void> {
  const result = await importProfiles(scene.db, scene.scope, [
    {
      line: 1,
      identities: { CRMID: `${CANARY}-${id}`, Loyalty: `${CANARY}-card-${id}`, Email: `${id}@example.com` },
      attributes: { person: { firstName: `${CANARY} ${id}` }, other: CANARY, [CANARY]: CANARY },
      consents: {
        personalize: { content: { val, reason: CANARY } },
        marketing: { email: { val: 'y', reason: CANARY } },
      },
    },
  ]);
  expect(result).toMatchObject({ rejected: [] });
}

describe('O3 personalization consent', () => {
  test.each(['newsletter', 'receipt'])(
    'nothing of a profile is in mail to a person who said no, by the configuration %s',
    async (channelConfiguration) => {
      await somebody('no', 'n');
      await somebody('default-no', 'dn');
      await somebody('yes', 'y');
      await somebody('unknown', 'u');
      await putTemplate(scene.db, scene.scope, {
        id: 'personal',
        subject: 'For {{profile.person.firstName}}',
        preheader: '{{profile.other}}',
        html: HTML,
        fallbacks: { hi: '<p>Hello reader</p>', subject: 'For you, {{context.coupon}}' },
      });
      const relay = await scene.relay();
      await scene.worker(relay.url);
      const recipients = ['no', 'default-no', 'yes', 'unknown'].map((id) => ({
        namespace: 'CRMID',
        id: `${CANARY}-${id}`,
        context: { coupon: `LUNA-${id}` },
      }));
      const execution = await scene.enqueue({ template: 'personal', channelConfiguration, recipients });
      expect((await scene.finished(execution)).counts.sent).toBe(4);
      for (const { to, raw } of relay.mails) {
        const text = raw.toString().replace(/=\r\n/g, '');
        const refuses = to === 'no@example.com' || to === 'default-no@example.com';
        expect([to, text.includes(CANARY)]).toEqual([to, !refuses]);
        expect([to, text.includes('Hello reader')]).toEqual([to, refuses]);
        // What the execution brought along is about the message, not about the profile.
        expect(text).toContain(`LUNA-${to.replace('@example.com', '')}`);
        expect(text).toMatch(/\r\nList-Unsubscribe: <https:/);
      }
      expect(new Set(relay.mails.map(({ to }) => to)).size).toBe(4);
    },
  );

  test('a no that comes while the message waits counts for what is sent afterwards', async () => {
    await somebody('late', 'y');
    await putTemplate(scene.db, scene.scope, {
      id: 'personal',
      subject: 'S',
      html: HTML,
      fallbacks: { hi: 'Hello' },
    });
    const execution = await scene.enqueue({ template: 'personal' });
    await somebody('late', 'n');
    const relay = await scene.relay();
    await scene.worker(relay.url);
    expect((await scene.finished(execution)).counts.sent).toBe(1);
    expect(relay.mails[0]?.raw.toString()).not.toContain(CANARY);
  });
});
