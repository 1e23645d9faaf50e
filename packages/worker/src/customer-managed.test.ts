import { openEmailParams, openUnsignedUrlToken, readTokenHalves } from '@adieu/core';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openScene, type Scene } from './testing/scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.close());

test('U7: mail of a customer managed configuration leaves with the customer’s endpoints, and its tokens say who gets it', async () => {
  await scene.configure('theirs', {
    listUnsubscribe: {
      managedBy: 'customer',
      customUrl: 'https://brand.example/leave',
      customMailto: 'leave@brand.example',
      consentLevel: 'identity',
      shadowSuppression: true,
    },
  });
  await scene.people(3);
  const relay = await scene.relay();
  await scene.worker(relay.url);
  const execution = await scene.enqueue({ channelConfiguration: 'theirs' });
  expect((await scene.finished(execution)).counts.sent).toBe(3);
  const { organisation, sandbox } = scene.scope;
  for (const { to, raw } of relay.mails) {
    const text = raw.toString();
    const [, query = ''] =
      /\r\nList-Unsubscribe: <https:\/\/brand\.example\/leave\?([^>]+)>,\r\n/.exec(text) ?? [];
    const [, subject = ''] =
      /\r\n <mailto:leave@brand\.example\?subject=unsubscribe([^>]+)>\r\n/.exec(text) ?? [];
    const halves = readTokenHalves(query);
    const said = { address: to, profileNamespace: 'CRMID', scope: 'identity', shadow: true };
    const audience = { purpose: 'customer', organisation, sandbox } as const;
    expect(halves && openUnsignedUrlToken(scene.ring, audience, halves)).toMatchObject(said);
    expect(openEmailParams(scene.ring, { organisation, sandbox }, subject)).toMatchObject(said);
    expect(text).toContain('\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n');
  }
});
