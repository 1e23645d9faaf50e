import { openMailToken, readMailLocalPart } from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import { claims, decodedHtml, field, fields, headerUrl, parsed, urls } from './testing/reading.ts';
import { compiled, composed, composerOptions, configuration, RING, recipient } from './testing/sample.ts';

const ONE_CLICK =
  '<a href="https://brand.example/bye" data-link-type="one-click" data-consent-level="identity">x</a>';

function rawLine(bytes: Buffer, name: string): string {
  return (
    bytes
      .toString()
      .split('\r\n')
      .find((line) => line.startsWith(`${name}:`)) ?? ''
  );
}

describe('List-Unsubscribe', () => {
  test('OH-1, OH-2, OH-3, OH-9, OH-10: https first and on the first line, then mailto, and the post field to the letter', async () => {
    const { bytes } = await composed(composerOptions(await compiled({ html: ONE_CLICK })));
    const text = bytes.toString();
    expect(text).toMatch(
      /\r\nList-Unsubscribe: <https:\/\/news\.example\.com\/unsubscribe\/one-click\?params=[\w-]+&pid=[\w-]+&sig=[\w-]+>,\r\n <mailto:unsubscribe\+[a-z2-7]{45}@news\.example\.com\?subject=unsubscribe>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n/,
    );
    expect(fields(bytes).get('list-unsubscribe')).toHaveLength(1);
    expect(fields(bytes).get('list-unsubscribe-post')).toHaveLength(1);
  });

  test('U2: one-click on means a generated URL of the configuration’s level, even if the body has one', async () => {
    const { bytes } = await composed(composerOptions(await compiled({ html: ONE_CLICK })));
    const claim = claims(headerUrl(bytes), 'one-click');
    expect([claim.scope, claim.page]).toEqual(['channel', undefined]);
  });

  test('U2: one-click off borrows the first body link, the identical URL with its own level and page', async () => {
    const html = `<a data-link-type="unsubscribe">u</a>${ONE_CLICK}<a data-link-type="one-click">second</a>`;
    const options = composerOptions(await compiled({ html }), {
      configuration: configuration({ unsubscribe: { oneClick: false } }),
    });
    const { bytes } = await composed(options);
    const claim = claims(headerUrl(bytes), 'one-click');
    expect([claim.scope, claim.page]).toEqual(['identity', 'https://brand.example/bye']);
    expect(urls(decodedHtml(await parsed(bytes)))).toContain(headerUrl(bytes));
  });

  test('U2: one-click off borrows the first link that this message contains, not one of a block it does not have', async () => {
    const vip = '<a data-link-type="one-click" data-consent-level="identity">vip</a>';
    const html = `{{#if profile.vip}}${vip}{{/if}}<p>x</p>{{#if profile.reader}}<a href="{{oneClickUrl}}">x</a>{{/if}}`;
    const template = await compiled({ html, text: '{{oneClickUrl}}' });
    const options = composerOptions(template, {
      configuration: configuration({ unsubscribe: { oneClick: false } }),
    });
    const header = async (attributes: object): Promise<Buffer> =>
      (await composed(options, recipient({ profile: { attributes } }))).bytes;
    const scope = (bytes: Buffer): string => claims(headerUrl(bytes), 'one-click').scope;
    expect(scope(await header({ vip: true, reader: true }))).toBe('identity');
    const reader = await header({ reader: true });
    expect(scope(reader)).toBe('channel');
    expect(urls(decodedHtml(await parsed(reader)))).toEqual([headerUrl(reader)]);
    const none = await header({});
    expect(field(none, 'List-Unsubscribe')).toMatch(/^<mailto:[^>]+>$/);
    expect(fields(none).has('list-unsubscribe-post')).toBe(false);
  });

  test('U2: a link in a comment that nobody reads is not in the message, and nothing borrows it', async () => {
    const html =
      '<!-- <a href="{{oneClickUrl level="identity"}}">old</a> --><p><a href="{{oneClickUrl}}">x</a></p>';
    const options = composerOptions(await compiled({ html }), {
      configuration: configuration({ unsubscribe: { oneClick: false } }),
    });
    const { bytes } = await composed(options);
    expect(claims(headerUrl(bytes), 'one-click').scope).toBe('channel');
    expect(urls(decodedHtml(await parsed(bytes)))).toEqual([headerUrl(bytes)]);
  });

  test('OH-4, U2: without a URL there is no post field; without anything there is no field', async () => {
    const template = await compiled({ html: '<p>x</p>' });
    const mailtoOnly = await composed(
      composerOptions(template, { configuration: configuration({ unsubscribe: { oneClick: false } }) }),
    );
    expect(field(mailtoOnly.bytes, 'List-Unsubscribe')).toMatch(/^<mailto:[^>]+>$/);
    expect(fields(mailtoOnly.bytes).has('list-unsubscribe-post')).toBe(false);
    for (const unsubscribe of [{ enabled: false }, { oneClick: false, mailto: false }]) {
      const none = await composed(
        composerOptions(template, { configuration: configuration({ unsubscribe }) }),
      );
      expect(fields(none.bytes).has('list-unsubscribe')).toBe(false);
      expect(fields(none.bytes).has('list-unsubscribe-post')).toBe(false);
    }
  });

  test('U6: mailto only where somebody listens, and its token says who leaves what', async () => {
    const template = await compiled({ html: '<p>x</p>' });
    const deaf = await composed(composerOptions(template, { inbound: false }));
    expect(field(deaf.bytes, 'List-Unsubscribe')).toMatch(/^<https:[^>]+>$/);
    const list = { name: 'weekly', number: 3 };
    const options = composerOptions(template, {
      list,
      configuration: configuration({ unsubscribe: { consentLevel: 'subscription' } }),
    });
    const { bytes } = await composed(options);
    const [, localPart = ''] = /<mailto:([^@]+)@/.exec(field(bytes, 'List-Unsubscribe')) ?? [];
    expect(localPart.length).toBeLessThanOrEqual(64);
    const read = readMailLocalPart(localPart);
    expect(
      openMailToken(RING, 'mailto', { organisation: 'default', sandbox: 'prod' }, read?.token ?? ''),
    ).toEqual({
      profile: 7,
      address: 11,
      list: 3,
      scope: 'subscription',
      day: Math.floor(Date.parse('2025-11-24') / 86_400_000),
    });
    expect(claims(headerUrl(bytes), 'one-click')).toMatchObject({ scope: 'subscription', list: 'weekly' });
  });

  test('U2, OH-7: a body link that is too long for the header is replaced by a generated one of its level, with a warning', async () => {
    const page = `https://brand.example/${'b'.repeat(190)}`;
    const html = `<a href="${page}" data-link-type="one-click" data-consent-level="identity">x</a>`;
    const options = composerOptions(await compiled({ html }), {
      configuration: configuration({ unsubscribe: { oneClick: false } }),
    });
    const { bytes, warnings } = await composed(options, recipient({ profile: { id: 'Q'.repeat(300) } }));
    const claim = claims(headerUrl(bytes), 'one-click');
    expect([claim.scope, claim.page]).toEqual(['identity', undefined]);
    expect(warnings[0]).toContain('generated URL without its page');
    expect(rawLine(bytes, 'List-Unsubscribe').length).toBeLessThanOrEqual(998);
  });

  test('a URL that no line can hold is left out, never the recipient', async () => {
    const template = await compiled({ html: '<p>x</p>' });
    const options = composerOptions(template, { campaignId: 'C'.repeat(280) });
    const { bytes, warnings } = await composed(options, recipient({ profile: { id: 'Q'.repeat(300) } }));
    expect(field(bytes, 'List-Unsubscribe')).toMatch(/^<mailto:[^>]+>$/);
    expect(fields(bytes).has('list-unsubscribe-post')).toBe(false);
    expect(warnings).toEqual(['The one-click URL is too long for a header line: List-Unsubscribe has none.']);
    for (const line of bytes.toString().split('\r\n')) expect(line.length).toBeLessThanOrEqual(998);
  });
});
