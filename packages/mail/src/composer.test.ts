import { readdirSync, readFileSync } from 'node:fs';
import { openMailToken, parseAddress, readMailLocalPart } from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openComposer } from './composer.ts';
import { claims, decodedHtml, field, fields, parsed, urls } from './testing/reading.ts';
import {
  compiled,
  composed,
  composerOptions,
  configuration,
  DOMAIN,
  KEYS,
  RING,
  recipient,
} from './testing/sample.ts';

const FIXTURES = new URL('fixtures/', import.meta.url);
const AUDIENCE = { organisation: 'default', sandbox: 'prod' };
const HTML = `<p>Hi {{profile.name}}</p>
<a href="https://brand.example/bye?a=1&amp;b=2" data-link-type="one-click" data-consent-level="identity">bye</a>
<a href="#" data-link-type="unsubscribe">leave</a> <a href="https://pages.example/leave?x=1#y" data-link-type="unsubscribe">there</a>
<a href="{{preferencesUrl}}">choose</a>`;

/** A message whose tokens, signatures and hash are blanked out: the rest is the same every time. */
function blanked(bytes: Buffer): string {
  const text = bytes.toString();
  const split = text.indexOf('\r\n\r\n');
  const header = text
    .slice(0, split)
    .replace(/\r\n b=[\w+/=]+(?:\r\n [\w+/=]+)*/g, '\r\n b=…')
    .replace(/ bh=[^;]*;/g, ' bh=…;');
  return (header + text.slice(split).replace(/=\r\n/g, ''))
    .replace(/(params|pid|sig)=(3D)?[\w-]+/g, '$1=$2…')
    .replace(/(unsubscribe|bounce)\+[a-z2-7]{45}@/g, '$1+…@');
}

describe('A composed message', () => {
  for (const name of readdirSync(FIXTURES).filter((file) => /^\d\d-.*\.message\.json$/.test(file))) {
    test(`looks as its golden twin says: ${name}`, async () => {
      const given = JSON.parse(readFileSync(new URL(name, FIXTURES), 'utf8'));
      const want = readFileSync(new URL(name.replace('.message.json', '.want.eml'), FIXTURES), 'utf8');
      const options = composerOptions(await compiled(given.template), {
        ...given.composer,
        configuration: configuration(given.configuration),
      });
      const { bytes } = await composed(options, recipient(given.recipient));
      expect(blanked(bytes)).toBe(want.replace(/\r?\n/g, '\r\n'));
    });
  }

  test('U4, U5, OH-22: every link leads where its type says, the same URL in HTML and text', async () => {
    const options = composerOptions(await compiled({ html: HTML }), { list: { name: 'weekly', number: 3 } });
    const { bytes } = await composed(options, recipient({ profile: { attributes: { name: 'Jöhn & Co' } } }));
    const mail = await parsed(bytes);
    const inHtml = urls(decodedHtml(mail));
    expect(urls(mail.text ?? '')).toEqual(inHtml);
    expect(String(mail.html)).not.toContain('&amp;amp;');
    const [oneClick = '', landing = '', theirs = '', preferences = ''] = inHtml;
    expect(oneClick).toMatch(/^https:\/\/news\.example\.com\/unsubscribe\/one-click\?/);
    expect(claims(oneClick, 'one-click')).toMatchObject({
      scope: 'identity',
      page: 'https://brand.example/bye?a=1&b=2',
      profileId: '5142733041546020095851529937068211571',
      address: 'john@example.com',
      addressNamespace: 'Email',
      sandbox: 'prod',
    });
    expect(landing).toMatch(/^https:\/\/news\.example\.com\/unsubscribe\?/);
    expect(claims(landing, 'landing')).toMatchObject({ scope: 'channel', list: 'weekly' });
    expect(theirs).toMatch(/^https:\/\/pages\.example\/leave\?x=1&params=/);
    expect(String(mail.html)).toMatch(
      /https:\/\/pages\.example\/leave\?x=1&amp;params=[\w-]+&amp;pid=[\w-]+&amp;sig=[\w-]+#y"/,
    );
    expect(claims(theirs, 'landing').page).toBeUndefined();
    expect(preferences).toMatch(/\/preferences\?/);
    expect(claims(preferences, 'preferences').scope).toBe('channel');
    expect(claims(preferences, 'preferences').messageId).toBe(field(bytes, 'X-Message-Profile-Id'));
  });

  test('two recipients never share a token, however they are mixed', async () => {
    const composer = openComposer(composerOptions(await compiled({ html: HTML })));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 12 }), async (count) => {
        const people = Array.from({ length: count }, (_, index) =>
          recipient({
            profile: { id: `person-${index}`, number: index + 1 },
            address: { spelling: `p${index}@example.com`, number: index + 1 },
          }),
        );
        const mails = await Promise.all(people.map((person) => composer.compose(person)));
        const seen = new Set<string>();
        for (const [index, mail] of mails.entries()) {
          if (!mail.ok) throw new Error(mail.detail);
          const text = Buffer.concat(mail.content).toString().replace(/=\r\n/g, '').replace(/=3D/g, '=');
          const tokens = new Set(
            [...text.matchAll(/(?:params|pid|sig)=([\w-]+)|\+([a-z2-7]{45})@/g)].map(
              ([, url, local]) => url ?? local ?? '',
            ),
          );
          for (const url of urls(text)) {
            const purpose = url.includes('/one-click?')
              ? 'one-click'
              : url.includes('/preferences?')
                ? 'preferences'
                : 'landing';
            expect(claims(url, purpose)).toMatchObject({
              profileId: `person-${index}`,
              address: `p${index}@example.com`,
            });
          }
          for (const token of tokens) expect(seen.has(token)).toBe(false);
          for (const token of tokens) seen.add(token);
        }
      }),
      { numRuns: 10 },
    );
  });

  test('a link of somebody named by an Email says their number too, since others may have it; no other link does', async () => {
    const options = composerOptions(await compiled({ html: HTML }));
    for (const [namespace, profileNumber] of [
      ['email', 7],
      ['CRMID', undefined],
    ] as const) {
      const { bytes } = await composed(options, recipient({ profile: { namespace } }));
      const found = urls(bytes.toString().replace(/=\r\n/g, '').replace(/=3D/g, '='));
      const [landing = ''] = found.filter((url) => url.includes('/unsubscribe?'));
      expect(claims(landing, 'landing').profileNumber).toBe(profileNumber);
    }
  });

  test('OH-18, OH-17: the return path is a VERP address of its own, short enough, that names profile and address', async () => {
    const { envelope } = await composed(composerOptions(await compiled({ html: HTML })));
    const address = parseAddress(envelope.from);
    if (!address.ok) throw new Error(address.reason);
    expect(address.address.domain).toBe(DOMAIN);
    const read = readMailLocalPart(address.address.localPart);
    expect(read?.purpose).toBe('verp');
    expect(openMailToken(RING, 'verp', AUDIENCE, read?.token ?? '')).toMatchObject({
      profile: 7,
      address: 11,
    });
    expect(openMailToken(RING, 'mailto', AUDIENCE, read?.token ?? '')).toBeNull();
  });

  test('OH-28, OH-29, OH-7: only CRLF, only ASCII, no line over 998 octets, whatever the slots hold', async () => {
    const composer = openComposer(
      composerOptions(
        await compiled({
          subject: '{{profile.a}}',
          html: `<p>{{{profile.a}}}</p>${HTML}`,
          text: '{{profile.a}} {{unsubscribeUrl}}',
        }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 3_000 }), async (a) => {
        const mail = await composer.compose(recipient({ profile: { attributes: { a } } }));
        if (!mail.ok) throw new Error(mail.detail);
        const text = Buffer.concat(mail.content).toString('latin1');
        expect(text).toMatch(/^[\r\n\x20-\x7e]*$/);
        expect(text.replace(/\r\n/g, '')).not.toMatch(/[\r\n]/);
        const body = text.slice(text.indexOf('\r\n\r\n'));
        for (const line of body.split('\r\n')) expect(line.length).toBeLessThanOrEqual(76);
        expect(text.endsWith('--\r\n')).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('OH-21: a link helper that survives rendering fails the message, and so does one that cannot be sealed', async () => {
    const options = composerOptions(await compiled({ html: '<p>{{profile.name}}</p>' }));
    const composer = openComposer(options);
    const left = await composer.compose(
      recipient({ profile: { attributes: { name: 'see {{unsubscribeUrl}}' } } }),
    );
    expect(left).toMatchObject({ ok: false, code: '050081' });
    for (const name of [
      '%7B%7BoneClickUrl%7D%7D',
      '&#123;&#123;oneClickUrl&#125;&#125;',
      '%257b%257boneClickUrl',
    ]) {
      const spelled = await openComposer(
        composerOptions(await compiled({ html: '<p>{{{profile.name}}}</p>' })),
      ).compose(recipient({ profile: { attributes: { name } } }));
      expect(spelled).toMatchObject({ ok: false, code: '050081' });
    }
    const template = await compiled({ html: '<p>x</p>' });
    const constant = {
      ...template,
      text: [{ kind: 'constant', text: '%7B%7BpreferencesUrl%7D%7D' }] as const,
    };
    expect(await openComposer(composerOptions(constant)).compose(recipient())).toMatchObject({
      ok: false,
      code: '050081',
    });
    const braces = await composer.compose(recipient({ profile: { attributes: { name: 'a {{b}} c' } } }));
    expect(braces.ok).toBe(true);
    const long = openComposer(composerOptions(await compiled({ html: HTML })));
    expect(await long.compose(recipient({ profile: { id: 'Q'.repeat(400) } }))).toMatchObject({
      ok: false,
      code: '050081',
    });
  });

  test('X12: a path that strict does not know ends the message with 050302 and names the path', async () => {
    const composer = openComposer(
      composerOptions(await compiled({ html: '<p>{{profile.person.name}}</p>', strict: true })),
    );
    const outcome = await composer.compose(recipient({ profile: { attributes: { other: 'secret' } } }));
    expect(outcome).toMatchObject({ ok: false, code: '050302' });
    expect(JSON.stringify(outcome)).toContain('name');
    expect(JSON.stringify(outcome)).not.toContain('secret');
  });

  test('OH-16, OH-19: the recipient is one address, spelled as it goes on the wire', async () => {
    const composer = openComposer(composerOptions(await compiled({})));
    for (const spelling of [
      'a@b.example, c@d.example',
      'Name <a@b.example>',
      'a@B.example',
      'a b@c.example',
      'a@b.example\r\nBcc: x@y.example',
      '',
    ]) {
      expect(await composer.compose(recipient({ address: { spelling } }))).toMatchObject({
        ok: false,
        code: '050302',
      });
    }
    const utf8 = await composer.compose(recipient({ address: { spelling: 'jürgen@example.com' } }));
    expect(utf8).toMatchObject({ ok: true, smtputf8: true, envelope: { to: 'jürgen@example.com' } });
    const ascii = await composer.compose(recipient({ address: { spelling: 'jane@xn--bcher-kva.example' } }));
    expect(ascii).toMatchObject({ ok: true, smtputf8: false });
    if (utf8.ok) expect(field(Buffer.concat(utf8.content), 'To')).toBe('jürgen@example.com');
  });

  test('U3: a level of subscription needs a list, in the configuration as in a link', async () => {
    const plain = await compiled({});
    const link = await compiled({
      html: '<a data-link-type="one-click" data-consent-level="subscription">x</a>',
    });
    const subscription = configuration({ unsubscribe: { consentLevel: 'subscription' } });
    expect(() => openComposer(composerOptions(plain, { configuration: subscription }))).toThrow(
      expect.objectContaining({ code: 'list_required' }),
    );
    expect(() => openComposer(composerOptions(link))).toThrow(
      expect.objectContaining({ code: 'list_required' }),
    );
    const list = { name: 'weekly', number: 3 };
    expect(() => openComposer(composerOptions(link, { list, configuration: subscription }))).not.toThrow();
  });

  test('U9, OH-2: without a usable key, or without https, there is no composer', async () => {
    const options = composerOptions(await compiled({}));
    const open = (change: Partial<typeof options.subdomain>): unknown =>
      openComposer({ ...options, subdomain: { ...options.subdomain, ...change } });
    expect(() => open({ keys: [] })).toThrow(expect.objectContaining({ code: 'dkim_key_missing' }));
    expect(() => open({ keys: KEYS.slice(1) })).toThrow(
      expect.objectContaining({ code: 'dkim_key_missing' }),
    );
    expect(() => open({ linkBaseUrl: 'http://news.example.com' })).toThrow(
      expect.objectContaining({ code: 'link_base_url_invalid' }),
    );
    expect(() =>
      openComposer({
        ...options,
        template: {
          ...options.template,
          links: [{ type: 'one-click', page: `https://x.example/${'y'.repeat(400)}` }],
        },
      }),
    ).toThrow(expect.objectContaining({ code: 'token_too_long' }));
  });

  test('profile is the attributes and the consents, context is the recipient’s', async () => {
    const template = await compiled({
      html: '<p>{{profile.a}} {{profile.consents.marketing.email.val}} {{context.c}}</p>',
    });
    const { bytes } = await composed(
      composerOptions(template),
      recipient({
        context: { c: 'C' },
        profile: { attributes: { a: 'A' }, consents: { marketing: { email: { val: 'y' } } } },
      }),
    );
    expect(String((await parsed(bytes)).html)).toContain('<p>A y C</p>');
  });

  test('TK-3: neither address nor ids can be read in the message but in To', async () => {
    const { bytes } = await composed(
      composerOptions(await compiled({ html: HTML }), { list: { name: 'weekly', number: 3 } }),
    );
    const text = bytes.toString().replace(/=\r\n/g, '');
    expect(text.match(/john/g)).toHaveLength(1);
    expect(text).not.toContain('5142733041546020095851529937068211571');
    expect([...fields(bytes).keys()]).not.toContain('bcc');
  });
});
