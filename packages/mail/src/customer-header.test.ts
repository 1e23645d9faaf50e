import { readFileSync } from 'node:fs';
import {
  type ChannelConfiguration,
  openEmailParams,
  openUnsignedUrlToken,
  readTokenHalves,
} from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import { inspectMessage } from './inspect/inspection.ts';
import { claims, decodedHtml, field, fields, parsed, urls } from './testing/reading.ts';
import { compiled, composed, composerOptions, configuration, RING, recipient } from './testing/sample.ts';

const AUDIENCE = { organisation: 'default', sandbox: 'prod' };
const BODY = `<a data-link-type="unsubscribe" href="https://brand.example/prefs?x=1">theirs</a>
<a data-link-type="unsubscribe">ours</a> <a data-link-type="one-click" href="https://brand.example/bye">one</a>`;

const managed = (part: Partial<ChannelConfiguration['listUnsubscribe']> = {}): ChannelConfiguration =>
  configuration({
    unsubscribe: {
      managedBy: 'customer',
      customUrl: 'https://brand.example/leave?brand=7',
      customMailto: 'leave@brand.example',
      ...part,
    },
  });

async function header(part: Partial<ChannelConfiguration['listUnsubscribe']> = {}, change = {}) {
  const options = composerOptions(await compiled({ html: BODY }), {
    configuration: managed(part),
    inbound: false,
    ...change,
  });
  const mail = await composed(options);
  const [url = '', mailto = ''] = [...field(mail.bytes, 'List-Unsubscribe').matchAll(/<([^>]+)>/g)].map(
    ([, uri]) => uri,
  );
  return { ...mail, url, mailto };
}

const opened = (url: string) => {
  const halves = readTokenHalves(url.slice(url.indexOf('?') + 1));
  return halves === null ? null : openUnsignedUrlToken(RING, { purpose: 'customer', ...AUDIENCE }, halves);
};
const mailed = (mailto: string) => openEmailParams(RING, AUDIENCE, mailto.slice(mailto.indexOf('v1.')));

describe('U7 a customer managed header', () => {
  test('is as its golden twin says, but for the tokens', async () => {
    const { bytes } = await header();
    const lines = bytes.toString().split('\r\n');
    const at = lines.findIndex((line) => line.startsWith('List-Unsubscribe:'));
    const shown = lines
      .slice(at, at + 3)
      .join('\n')
      .replace(/((?:params|pid)=)[\w-]+/g, '$1TOKEN')
      .replace(/v1\.[\w-]+/, 'v1.TOKEN');
    const golden = new URL('fixtures/07-customer-header.want.txt', import.meta.url);
    expect(`${shown}\n`).toBe(readFileSync(golden, 'utf8'));
    expect(fields(bytes).get('list-unsubscribe-post')).toEqual(['List-Unsubscribe=One-Click']);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(998);
  });

  test('has tokens that the decrypt API opens, and no other door', async () => {
    const { url, mailto } = await header({ consentLevel: 'identity' }, { campaignId: 'spring' });
    const said = { campaignId: 'spring', sandbox: 'prod', scope: 'identity', address: 'john@example.com' };
    expect(opened(url)).toMatchObject(said);
    expect(mailed(mailto)).toMatchObject(said);
    expect(opened(url)).not.toHaveProperty('shadow');
    expect(mailto.slice(mailto.indexOf('v1.')).length).toBeLessThanOrEqual(512);
    for (const purpose of ['one-click', 'landing', 'preferences', 'mirror'] as const) {
      const halves = readTokenHalves(url.slice(url.indexOf('?') + 1));
      expect(halves && openUnsignedUrlToken(RING, { purpose, ...AUDIENCE }, halves)).toBeNull();
    }
    const john = `${url}${mailto}`;
    expect(john).not.toMatch(/john|sig=|@example\.com/);
  });

  test('says the list where it is what is left, and whether our mail stops as well', async () => {
    const list = { name: 'weekly', number: 3 };
    const { url, mailto } = await header({ consentLevel: 'subscription', shadowSuppression: true }, { list });
    const said = { scope: 'subscription', list: 'weekly', shadow: true };
    expect([opened(url), mailed(mailto)]).toMatchObject([said, said]);
    const channel = await header({ shadowSuppression: false }, { list });
    for (const token of [opened(channel.url), mailed(channel.mailto)]) {
      expect(token).not.toHaveProperty('list');
      expect(token).not.toHaveProperty('shadow');
    }
  });

  test('names one endpoint where there is one, and has no post field without a URL', async () => {
    const { customMailto: _, ...urlOnly } = managed().listUnsubscribe;
    const { customUrl: __, ...mailOnly } = managed().listUnsubscribe;
    const options = async (listUnsubscribe: ChannelConfiguration['listUnsubscribe']) =>
      composerOptions(await compiled({ html: BODY }), {
        configuration: { ...configuration(), listUnsubscribe },
      });
    const { bytes } = await composed(await options(urlOnly));
    expect(field(bytes, 'List-Unsubscribe')).toMatch(/^<https:[^<>]+>$/);
    const mail = await composed(await options({ ...mailOnly, oneClick: false }));
    expect(field(mail.bytes, 'List-Unsubscribe')).toMatch(
      /^<mailto:leave@brand\.example\?subject=unsubscribev1\.[\w-]+>$/,
    );
    expect(fields(mail.bytes).has('list-unsubscribe-post')).toBe(false);
  });

  test('leaves the links of the body as they are: their page gets params, pid and sig, the others lead to us', async () => {
    const [theirs = '', ours = '', one = ''] = urls(decodedHtml(await parsed((await header()).bytes)));
    expect(theirs).toMatch(/^https:\/\/brand\.example\/prefs\?x=1&params=[\w-]+&pid=[\w-]+&sig=[\w-]+$/);
    expect(claims(theirs, 'landing').scope).toBe('channel');
    expect(ours).toMatch(/^https:\/\/news\.example\.com\/unsubscribe\?/);
    expect(claims(one, 'one-click').page).toBe('https://brand.example/bye');
  });

  test('a token that fits into no line costs its URI, never the recipient', async () => {
    const change = { configuration: managed({ customUrl: `https://brand.example/${'x'.repeat(470)}` }) };
    const options = composerOptions(await compiled({ html: '<p>x</p>' }), change);
    const { bytes, warnings } = await composed(options, recipient({ profile: { id: 'Q'.repeat(250) } }));
    expect(field(bytes, 'List-Unsubscribe')).toMatch(/^<mailto:/);
    expect(fields(bytes).has('list-unsubscribe-post')).toBe(false);
    expect(warnings).toEqual([expect.stringContaining('too long with its token')]);
    const long = await composed(options, recipient({ profile: { id: 'Q'.repeat(360) } }));
    expect(fields(long.bytes).has('list-unsubscribe')).toBe(false);
  });

  test('U9, U10: is signed over, and inspect says who manages it', async () => {
    const { bytes } = await header();
    const [signature = ''] = fields(bytes).get('dkim-signature') ?? [];
    expect(signature.toLowerCase().replace(/\s/g, '')).toMatch(
      /h=[^;]*list-unsubscribe:[^;]*list-unsubscribe-post/,
    );
    const { findings } = await inspectMessage(bytes, { verify: async () => [], resolve: async () => [] });
    const said = findings.filter(({ row }) => row === 'U7');
    expect(said).toHaveLength(2);
    expect(findings.filter(({ level, row }) => level === 'wrong' && row !== 'DK-8')).toEqual([]);
    const ours = await composed(composerOptions(await compiled({ html: BODY })));
    const others = await inspectMessage(ours.bytes, { verify: async () => [], resolve: async () => [] });
    expect(others.findings.filter(({ row }) => row === 'U7')).toEqual([]);
  });
});
