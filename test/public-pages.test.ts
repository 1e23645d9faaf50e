/**
 * The pages behind the links of a delivered mail, in a real browser: with scripts and without, in four languages.
 *
 * Pictures of every state lie in `screenshots/`; `UPDATE_SCREENSHOTS=1 npx pnpm@12 test test/public-pages` takes them anew.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { load } from 'cheerio';
import type { Browser, Page } from 'playwright-core';
import { type Language, TEXTS } from '../packages/api/src/public/language/speech.ts';
import { type ScriptedRelay, startScriptedRelay } from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, DOMAIN, enqueue, finished, follow } from './brand.ts';
import { describeInBrowser, overflow, startBrowser, violations, watch } from './browser.ts';
import { decodedParts } from './decoded-parts.ts';
import { type RunningAdieu, runAdieu } from './running-adieu.ts';

const ORIGIN = `http://${DOMAIN}`;
const PICTURES = new URL('./screenshots/', import.meta.url);
const WIDTHS = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 800 } } as const;

const LOCALES: readonly (readonly [Language, string, string])[] = [
  ['en', 'en-GB', 'ltr'],
  ['fr', 'fr-FR', 'ltr'],
  ['ja', 'ja-JP', 'ltr'],
  ['ar', 'ar-EG', 'rtl'],
];

/** `identity` links, so that the wider way out is offered beside. */
const TEMPLATE = {
  subject: 'Spring',
  html: `<html><body><a id="one-click" href="#" data-link-type="one-click">Leave</a>
    <a id="landing" href="#" data-link-type="unsubscribe" data-consent-level="identity">Leave, or not</a>
    <a id="preferences" href="#" data-link-type="preferences">Choose</a></body></html>`,
} as const;

/** What the product promises: so long a scanner that runs scripts may stay. */
const LINGER_MS = 30_000;

/** Whoever looks at the pages; each test has people of its own. */
const PEOPLE = LOCALES.flatMap(([language]) =>
  ['on', 'off', 'seen'].map((how) => `${language}-${how}`),
).concat('lingering', 'dark');

let backend: Backend;
let relay: ScriptedRelay;
let adieu: RunningAdieu;
let browser: Browser;

async function importPeople(): Promise<void> {
  const consents = { marketing: { email: { subscriptions: { weekly: {} } } } };
  const lines = PEOPLE.map((id) =>
    JSON.stringify({ identities: { CRMID: id, Email: `${id}@example.org` }, consents }),
  );
  const answer = await adieu.call('POST', '/v1/profiles', `${lines.join('\n')}\n`);
  expect(answer).toMatchObject({ status: 200, body: { upserted: PEOPLE.length, rejected: [] } });
}

beforeAll(async () => {
  backend = await openBackend();
  relay = await startScriptedRelay();
  adieu = await runAdieu({ backend, relayUrl: relay.url });
  await createBrand(adieu, TEMPLATE);
  expect(await adieu.call('PUT', `/v1/subdomains/${DOMAIN}/brand`, BRAND)).toMatchObject({ status: 200 });
  for (const [name, texts] of Object.entries(LISTS))
    expect(await adieu.call('PUT', `/v1/lists/${name}`, texts)).toMatchObject({ status: 200 });
  await importPeople();
  const { counts } = await finished(adieu, await enqueue(adieu));
  expect(counts).toMatchObject({ sent: PEOPLE.length });
}, 600_000);

afterAll(async () => {
  await adieu?.stop();
  await relay?.close();
  await backend?.close();
});

const BRAND = {
  name: 'Night Train Letters',
  accent: '#7a2e8e',
  channels: ['email', 'sms', 'postalMail'],
  contact: { email: 'care@example.com', postalAddress: 'Night Train Letters\nPlatform 9, 1012 Amsterdam' },
};
const LISTS = {
  weekly: {
    title: 'The weekly letter',
    titles: { fr: 'La lettre de la semaine', ja: '週刊レター', ar: 'الرسالة الأسبوعية' },
    description: 'Every Thursday: one line, one city, one night.',
    descriptions: {
      fr: 'Chaque jeudi : une ligne, une ville, une nuit.',
      ja: '毎週木曜日。ひとつの路線、ひとつの街、ひとつの夜。',
      ar: 'كل خميس: خط واحد، مدينة واحدة، ليلة واحدة.',
    },
  },
  fares: {
    title: 'Fares & offers',
    titles: { fr: 'Tarifs & offres', ja: '運賃とキャンペーン', ar: 'الأسعار والعروض' },
    open: true,
  },
} as const;

/** What a list is called in a language. */
function titleOf(list: keyof typeof LISTS, language: Language): string {
  const { title, titles } = LISTS[list];
  return (titles as Partial<Record<Language, string>>)[language] ?? title;
}

/** A link of the mail that somebody got. */
function linkOf(person: string, id: 'one-click' | 'landing' | 'preferences'): URL {
  const mail = relay.mails.find(({ to }) => to === `${person}@example.org`);
  if (mail === undefined) throw new Error(`no mail to ${person}`);
  return new URL(load(decodedParts(mail.raw).html)(`#${id}`).attr('href') ?? '');
}

/** Where the browser finds it: TLS is for whoever stands before Adieu. */
function plain(link: URL): string {
  return `${ORIGIN}${link.pathname}${link.search}`;
}

async function history(person: string): Promise<Record<string, string>[]> {
  const { body } = await adieu.call('GET', `/v1/profiles/CRMID/${person}/consent-history`);
  return body.filter(({ source }: { source: string }) => source !== 'import');
}

const heading = (page: Page): Promise<string | null> => page.locator('h1').textContent();
const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click();

/** Leaves by the landing page, takes it back, turns a list and email off and on, and leaves it all. */
async function walk(person: string, language: Language, page: Page, look: (state: string) => Promise<void>) {
  const text = TEXTS[language];
  await page.goto(plain(linkOf(person, 'landing')));
  expect(await page.locator('html').getAttribute('lang')).toBe(language);
  expect(await heading(page)).toBe(text['leave.title']);
  await look('1-question');
  expect(await history(person)).toEqual([]);

  await press(page, text['leave.button']);
  expect(await heading(page)).toBe(text['left.title']);
  await look('2-left');
  const left = { source: 'landing_page', scope: 'identity', from: 'u', to: 'n' };
  expect(await history(person)).toEqual([expect.objectContaining(left)]);

  await press(page, text['left.undo']);
  expect(await heading(page)).toBe(text['undone.title']);
  await look('3-undone');
  expect((await history(person))[0]).toMatchObject({ source: 'landing_page', from: 'n', to: 'y' });

  await page.getByRole('link', { name: text['leave.preferences'] }).click();
  expect(await heading(page)).toBe(text['preferences.title']);
  await look('4-preferences');
  await page.getByLabel(text['channel.email'], { exact: true }).uncheck();
  await page.getByLabel(titleOf('weekly', language)).uncheck();
  await page.getByLabel(titleOf('fares', language)).check();
  await press(page, text['preferences.save']);
  expect(await heading(page)).toBe(text['saved.title']);
  await look('5-saved');
  const saved = await history(person);
  expect(saved).toHaveLength(5);
  expect(saved.slice(0, 3)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ source: 'preference_centre', scope: 'channel', channel: 'email', to: 'n' }),
      expect.objectContaining({ source: 'preference_centre', list: 'weekly', from: 'y', to: 'n' }),
      expect.objectContaining({ source: 'preference_centre', list: 'fares', from: 'u', to: 'y' }),
    ]),
  );

  await press(page, text['saved.undo']);
  expect(await history(person)).toHaveLength(8);
  await page.getByRole('link', { name: text['saved.back'] }).click();
  expect(await page.getByLabel(text['channel.email'], { exact: true }).isChecked()).toBe(true);
  await press(page, text['preferences.leave']);
  expect((await history(person))[0]).toMatchObject({ channel: 'any', to: 'n', source: 'preference_centre' });
  await page.getByRole('link', { name: text['saved.back'] }).click();
  await look('6-all-left');

  await page.goto(plain(linkOf(person, 'landing')).replace(/sig=.{4}/, 'sig=AAAA'));
  expect(await heading(page)).toBe(text['problem.link_title']);
  await look('7-bad-link');
}

describeInBrowser('the pages of a delivered mail', () => {
  beforeAll(async () => {
    browser = await startBrowser({ [DOMAIN]: new URL(adieu.url).host });
  });

  afterAll(() => browser?.close());

  const ways = LOCALES.flatMap((locale) => [[...locale, 'on'] as const, [...locale, 'off'] as const]);

  test.each(ways)(
    'C3 C5 C9 LP-1 LP-7 %s (%s, %s), scripts %s: leaves, comes back, changes the preferences, leaves it all',
    async (language, locale, direction, scripts) => {
      const { context, complaints } = await watch(browser, ORIGIN, { locale, scripts: scripts === 'on' });
      const page = await context.newPage();
      await walk(`${language}-${scripts}`, language, page, async () => {
        expect(await page.locator('html').getAttribute('dir')).toBe(direction);
      });
      expect(await complaints()).toEqual([]);
      await context.close();
    },
  );

  test.each(LOCALES)(
    'C3 LP-4 %s: axe finds nothing, and nothing is cut off at phone and desktop width, in any state',
    async (language, locale) => {
      const looking = { locale, scripts: true, bypassCSP: true };
      const { context } = await watch(browser, ORIGIN, looking);
      const page = await context.newPage();
      const wrong: string[] = [];
      await walk(`${language}-seen`, language, page, async (state) => {
        for (const [device, size] of Object.entries(WIDTHS)) {
          await page.setViewportSize(size);
          const found = [...(await violations(page)), ...(await overflow(page))];
          wrong.push(...found.map((line) => `${state} ${device}: ${line}`));
          await picture(page, `${language}-${state}-${device}`);
        }
      });
      expect(wrong).toEqual([]);
      await context.close();
    },
  );

  test('WCAG 1.4.3 in the dark, and the page of a one-click link: axe finds nothing either', async () => {
    const looking = { locale: 'en', scripts: true, bypassCSP: true, dark: true };
    const { context } = await watch(browser, ORIGIN, looking);
    const page = await context.newPage();
    const wrong: string[] = [];
    await walk('dark', 'en', page, async (state) => {
      const found = await violations(page);
      wrong.push(...found.map((line) => `${state}: ${line}`));
      if (state === '1-question') await picture(page, 'dark-question');
    });
    await page.goto(plain(linkOf('dark', 'one-click')));
    wrong.push(...(await violations(page)));
    await press(page, TEXTS.en['leave.button']);
    expect(await heading(page)).toBe(TEXTS.en['left.title']);
    wrong.push(...(await violations(page)));
    expect(wrong).toEqual([]);
    await context.close();
  });

  test('C2 OC-9 LP-8: half a minute in a browser that runs scripts, and every way of only looking, changes nothing', async () => {
    const links = (['one-click', 'landing', 'preferences'] as const).map((id) => linkOf('lingering', id));
    const before = await standing();
    const { context, complaints } = await watch(browser, ORIGIN, { locale: 'en', scripts: true });
    const tabs = await Promise.all(
      links.map(async (link) => {
        const page = await context.newPage();
        await page.goto(plain(link));
        // As a scanner does: everything is touched, nothing is pressed.
        for (const each of await page.locator('a, button, input:visible').all()) await each.hover();
        return page;
      }),
    );
    const since = performance.now();
    for (const link of links) {
      for (const method of ['GET', 'HEAD', 'OPTIONS']) {
        for (const headers of [
          {},
          { 'sec-purpose': 'prefetch' },
          { 'sec-purpose': 'prefetch;prerender', purpose: 'prefetch' },
        ]) {
          const { status } = await follow(adieu, link, { method, headers });
          expect([method, status]).toEqual([method, method === 'OPTIONS' ? 204 : 200]);
        }
      }
    }
    // The one thing that has to be waited for by the clock: nothing may happen in this time.
    await tabs[0]?.waitForTimeout(Math.max(0, LINGER_MS - (performance.now() - since)));
    for (const [index, tab] of tabs.entries()) expect(tab.url()).toBe(plain(links[index] as URL));
    expect(await standing()).toEqual(before);
    expect(await history('lingering')).toEqual([]);
    expect(await complaints()).toEqual([]);

    // The same link in the same browser does leave, so that it was not dead all the time.
    await press(tabs[1] as Page, TEXTS.en['leave.button']);
    expect(await history('lingering')).toHaveLength(1);
    expect(await standing()).not.toEqual(before);
    await context.close();
  });
});

/** Everything that an act would raise: the versions of all people and addresses, and how long the history is. */
async function standing(): Promise<unknown> {
  const { db } = backend;
  return Promise.all([
    db.selectFrom('profile').select(['id', 'standing_version', 'consents']).orderBy('id').execute(),
    db.selectFrom('address').select(['id', 'standing_version', 'consents']).orderBy('id').execute(),
    db.selectFrom('consent_history').select('id').orderBy('id').execute(),
  ]);
}

/** Takes the picture of a state, or looks whether it is there. */
async function picture(page: Page, name: string): Promise<void> {
  const path = fileURLToPath(new URL(`${name}.png`, PICTURES));
  if (process.env.UPDATE_SCREENSHOTS !== '1') {
    expect([name, existsSync(path)]).toEqual([name, true]);
    return;
  }
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path, fullPage: true });
  // A fifth of the octets, and nobody sees a difference; without it they are only larger.
  spawnSync('pngquant', ['--force', '--skip-if-larger', '--output', path, '32', path]);
}
