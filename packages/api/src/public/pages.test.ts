import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Answer } from '../testing/http-client.ts';
import { furnish, LINK_HOST, type RunningApi, startTestApi } from '../testing/running-api.ts';
import { LANGUAGES } from './language/speech.ts';

/** Octets of a page at most (C3). */
const PAGE_LIMIT = 30_000;
const VOID = new Set(['meta', 'input', 'br', 'img']);

let api: RunningApi;

beforeAll(async () => {
  api = await startTestApi({ inboundHost: 'mx.example.com' });
  await furnish(api);
  await api.call('PUT', '/v1/lists/weekly', { title: 'Weekly' });
});
afterAll(() => api.close());

beforeEach(async () => {
  await brand({});
});

async function brand(body: object): Promise<void> {
  const answer = await api.call('PUT', `/v1/subdomains/${LINK_HOST}/brand`, body);
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
}

function ask(path: string, language: string, body?: string): Promise<Answer> {
  const headers = {
    accept: 'text/html',
    'accept-language': language,
    'content-type': 'application/x-www-form-urlencoded',
    cookie: 'session=1',
  };
  const method = body === undefined ? 'GET' : 'POST';
  return api.ask({ method, path, host: LINK_HOST, headers, ...(body === undefined ? {} : { body }) });
}

/** Every kind of page, in one language. */
/** Takes back whatever was said so far. */
const LATER = '2099-01-01T00:00:00.000Z';

async function everyPage(language: string): Promise<Answer[]> {
  const person = { profileId: `reader-${language}`, address: `reader-${language}@example.com` };
  const list = { ...person, scope: 'subscription', list: 'weekly' } as const;
  const landing = `/unsubscribe?${api.link(person, 'landing')}`;
  const ofList = `/unsubscribe?${api.link(list, 'landing')}`;
  const ofAddress = `/unsubscribe?${api.link({ ...person, scope: 'identity' }, 'landing')}`;
  const oneClick = `/unsubscribe/one-click?${api.link(list)}`;
  const preferences = `/preferences?${api.link(person, 'preferences')}`;
  const visits: readonly (readonly [string, string?])[] = [
    [landing],
    [ofList],
    [ofAddress],
    [oneClick],
    [preferences],
    [oneClick, 'adieu=confirm'],
    [ofList, `adieu=undo&said=${LATER}`],
    [ofAddress, 'adieu=confirm'],
    [landing, 'adieu=confirm'],
    [ofList, 'adieu=undo'],
    [preferences, 'adieu=save&shown=any-1.personalize-1'],
    [preferences, 'adieu=leave'],
    [preferences],
    [preferences, 'adieu=other'],
    ['/unsubscribe'],
    [landing, `adieu=${'x'.repeat(10_000)}`],
  ];
  const answers: Answer[] = [];
  for (const [path, body] of visits) answers.push(await ask(path, language, body));
  return answers;
}

/** What is wrong with the nesting of a document, or null. */
function nestingFault(markup: string): string | null {
  const open: string[] = [];
  for (const [tag, slash, name = ''] of markup.matchAll(/<(\/?)([a-z][a-z0-9]*)(?:\s[^<>]*)?>/g)) {
    if (VOID.has(name)) continue;
    if (slash === '') open.push(name);
    else if (open.pop() !== name) return tag;
  }
  return open[0] ?? null;
}

describe.each(LANGUAGES)('in %s', (language) => {
  test('C3, LP-4, LP-5, OC-17: every page is whole, small, of its language, and asks nobody for anything', async () => {
    for (const { text, headers, status } of await everyPage(language)) {
      const title = /<title>([^<]*)<\/title>/.exec(text)?.[1] ?? '';
      expect([title, nestingFault(text)]).toEqual([title, null]);
      expect(text).toContain(`<html lang="${language}" dir="${language === 'ar' ? 'rtl' : 'ltr'}">`);
      expect(text.match(/<h1>[^<]+<\/h1>/g)).toHaveLength(1);
      expect(text.match(/<main>/g)).toHaveLength(1);
      expect(text).not.toMatch(/\{\{|\[object|\bundefined\b|\bnull\b|[\ue000\ue001]/);
      expect(text).not.toMatch(/<script|\son\w+=|src="(?!data:)|<link|@import|url\(|reader-/i);
      expect(Buffer.byteLength(text)).toBeLessThan(PAGE_LIMIT);
      expect(headers['set-cookie']).toBeUndefined();
      expect(headers['content-language']).toBe(language);
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-robots-tag': 'noindex, nofollow',
        'content-security-policy': expect.stringMatching(/^default-src 'none';/),
      });
      expect([200, 400, 404, 413]).toContain(status);
      // Every box has a name to be called by, and every button says something.
      expect(text.match(/type="checkbox"/g)?.length).toBe(text.match(/<label class="tick"><input/g)?.length);
      expect(text).not.toMatch(/<button[^>]*>\s*<\/button>|<legend><\/legend>/);
    }
  });
});

describe('a brand', () => {
  const LOGO = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg"/>')}`;

  test('shows its name, logo, colour and sentences, each as text and within the policy', async () => {
    await brand({
      name: '<b>Fern</b> & Co',
      logo: LOGO,
      accent: '#0B7A4B',
      texts: { en: { landing: 'Come <i>back</i>', footer: 'One\nTwo' } },
      contact: { email: 'care@fern.example', postalAddress: '12 Garden Row\nLondon' },
    });
    const { text, headers } = await ask(`/unsubscribe?${api.link({}, 'landing')}`, 'en');
    expect(text).toContain('<img class="logo" src="data:image/svg+xml,');
    expect(text).toContain('alt="&lt;b&gt;Fern&lt;/b&gt; &amp; Co"');
    expect(text).toContain('Come &lt;i&gt;back&lt;/i&gt;');
    expect(text).toContain('--accent:#0b7a4b;--on-accent:#ffffff');
    expect(text).toContain('<bdi>12 Garden Row</bdi><br><bdi>London</bdi>');
    expect(text).toContain('href="mailto:care@fern.example"');
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+' 'sha256-[\w+/=]+'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'$/,
    );
    expect(nestingFault(text)).toBeNull();
  });

  test('speaks its default language where the browser says nothing', async () => {
    await brand({ defaultLanguage: 'pl' });
    const { text } = await ask(`/unsubscribe?${api.link({}, 'landing')}`, '');
    expect(text).toContain('<html lang="pl"');
  });

  test.each(['語', '"'])(
    'C3: the largest brand and the longest lists, all of %s, stay within a page',
    async (widest) => {
      const words = (limit: number): string => widest.repeat(limit);
      await brand({
        name: words(80),
        logo: LOGO + '%20'.repeat(Math.floor((9_900 - LOGO.length) / 3)),
        accent: '#0b7a4b',
        texts: {
          ja: { landing: words(300), farewell: words(300), preferences: words(300), footer: words(300) },
        },
        channels: ['email', 'sms', 'push', 'whatsApp', 'call', 'fax', 'postalMail'],
        contact: { email: `${'a'.repeat(60)}@example.com`, postalAddress: words(300) },
      });
      const names = Array.from({ length: 40 }, (_, index) => `long-${index}`);
      for (const name of names)
        await api.call('PUT', `/v1/lists/${name}`, { title: `${name} ${words(180)}` });
      await api.database.db
        .updateTable('list')
        .set({ body: JSON.stringify({ open: true, description: words(5_000), topic: words(5_000) }) })
        .where('name', 'like', 'long-%')
        .execute();
      const person = { profileId: 'patient', address: 'patient@example.com' };
      const seen = new Set<string>();
      let path: string | undefined = `/preferences?${api.link(person, 'preferences')}`;
      while (path !== undefined) {
        const { text }: Answer = await ask(path, 'ja');
        expect(Buffer.byteLength(text)).toBeLessThan(PAGE_LIMIT);
        for (const [, name = ''] of text.matchAll(/<bdi>(long-\d+) /g)) seen.add(name);
        const next: string | undefined = /name="from" value="(\d+)"/.exec(text)?.[1];
        path =
          next === undefined ? undefined : `/preferences?from=${next}&${api.link(person, 'preferences')}`;
      }
      expect(seen.size).toBe(names.length);
      await api.database.db.updateTable('list').set({ body: '{}' }).where('name', 'like', 'long-%').execute();
      for (const { text } of await everyPage('ja')) expect(Buffer.byteLength(text)).toBeLessThan(PAGE_LIMIT);
    },
  );

  test('a sentence runs as its language does, whatever it begins with; what may be of another language runs by itself', async () => {
    const [sentence, address] = ['Fern ترسل إليكم هذه الرسالة.', 'Fern\n12 شارع المحطة'];
    await brand({
      texts: { ar: { preferences: sentence, footer: sentence } },
      contact: { postalAddress: address },
    });
    await api.call('PUT', '/v1/lists/latin', { title: 'Letter', description: 'Every Friday.', open: true });
    const { text } = await ask(`/preferences?${api.link({}, 'preferences')}`, 'ar');
    expect(text.split(`<p class="own">${sentence}</p>`).length).toBe(3);
    expect(text).toContain('<address><bdi>Fern</bdi><br><bdi>12 شارع المحطة</bdi></address>');
    // In a block of its own direction it would stand at the other edge of the page, far from its title.
    expect(text).toContain('<small><bdi>Every Friday.</bdi></small>');
  });

  test('list names and titles that would turn a page around are shown without what does it', async () => {
    const hostile = 'evil\u202egnp.\u2066exe<img src=x onerror=alert(1)>\u0000\u0007';
    await api.call('PUT', '/v1/lists/hostile', { title: 'x' });
    await api.database.db
      .updateTable('list')
      .set({
        title: hostile.replace('\u0000', ''),
        body: JSON.stringify({ open: true, titles: 'no object' }),
      })
      .where('name', '=', 'hostile')
      .execute();
    const { text } = await ask(`/preferences?${api.link({}, 'preferences')}`, 'en');
    expect(text).toContain('<bdi>evilgnp.exe&lt;img src=x onerror=alert(1)&gt;</bdi>');
    expect(text).not.toMatch(/\p{Cc}(?<!\n)|[\u202a-\u202e\u2066-\u2069]|<img/u);
    const claims = { scope: 'subscription', list: `${hostile}${'x'.repeat(100)}` } as const;
    const landing = await ask(`/unsubscribe?${api.link(claims, 'landing')}`, 'en');
    expect(landing.text).not.toMatch(/\p{Cc}(?<!\n)|[\u202a-\u202e\u2066-\u2069]|<img/u);
  });
});

describe('the calls of a brand', () => {
  test('a brand is read as it was put, and a PUT replaces all of it', async () => {
    await brand({ name: 'Fern', accent: '#0b7a4b' });
    await brand({ name: 'Fern & Co' });
    const answer = await api.call('GET', `/v1/subdomains/${LINK_HOST}/brand`);
    expect([answer.status, answer.json()]).toEqual([200, { name: 'Fern & Co' }]);
  });

  test('a subdomain of somebody else, or of nobody, has none', async () => {
    const at = '/v1/subdomains/nobody.example.com/brand';
    expect((await api.call('GET', at)).json()).toMatchObject({ status: 404, code: 'unknown_subdomain' });
    expect((await api.call('PUT', at, {})).status).toBe(404);
    const headers = { 'x-sandbox-name': 'other' };
    expect((await api.call('GET', `/v1/subdomains/${LINK_HOST}/brand`, undefined, headers)).status).toBe(404);
  });

  test('what is wrong is refused by its field', async () => {
    for (const [body, field] of [
      [{ accent: 'red' }, 'accent'],
      [{ logo: 'https://brand.example/logo.png' }, 'logo'],
      [{ name: 'a\u202eb' }, 'name'],
      [{ texts: { en: { footer: 'x'.repeat(301) } } }, 'texts.en.footer'],
      [{ css: 'x' }, 'css'],
    ] as const) {
      const answer = await api.call('PUT', `/v1/subdomains/${LINK_HOST}/brand`, body);
      expect([answer.status, answer.json().field]).toEqual([400, field]);
    }
  });
});
