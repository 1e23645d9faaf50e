import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Answer } from '../testing/http-client.ts';
import { furnish, LINK_HOST, type RunningApi, startTestApi } from '../testing/running-api.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' };

let api: RunningApi;
let people = 0;
let id: string;
let path: string;

beforeAll(async () => {
  api = await startTestApi();
  await furnish(api);
  await api.call('PUT', `/v1/subdomains/${LINK_HOST}/brand`, { channels: ['email', 'sms', 'push'] });
});
afterAll(() => api.close());

beforeEach(async () => {
  people += 1;
  id = `chooser-${people}`;
  path = await linkOf({});
});

/** A profile with these consents, and its link. */
async function linkOf(consents: object): Promise<string> {
  const identities = { CRMID: id, Email: `${id}@example.com` };
  const stored = await api.call('POST', '/v1/profiles', [{ identities, consents }]);
  expect(stored.json()).toMatchObject({ rejected: [] });
  return `/preferences?${api.link({ profileId: id, address: `${id}@example.com` }, 'preferences')}`;
}

function show(at = path): Promise<Answer> {
  return api.ask({ path: at, host: LINK_HOST, headers: { accept: 'text/html' } });
}

function post(body: string, at = path): Promise<Answer> {
  return api.ask({ method: 'POST', path: at, host: LINK_HOST, headers: FORM, body });
}

/** The body that a browser would send for the page's first form, after these boxes were turned. */
function filled(page: string, turn: readonly string[] = [], nth = 0): string {
  const form = page.split('<form')[nth + 1]?.split('</form>')[0] ?? '';
  const fields = new URLSearchParams();
  for (const [input] of form.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(input)?.[1] ?? '';
    const value = /value="([^"]*)"/.exec(input)?.[1] ?? '';
    const isBox = input.includes('type="checkbox"');
    const isOn = input.includes(' checked') !== turn.includes(name);
    if (!isBox || isOn) fields.append(name, value);
  }
  return fields.toString();
}

async function history(): Promise<Record<string, unknown>[]> {
  return JSON.parse((await api.call('GET', `/v1/profiles/CRMID/${id}/consent-history`)).text);
}

async function marketing(): Promise<Record<string, { val?: string }>> {
  const profile = (await api.call('GET', `/v1/profiles/CRMID/${id}`)).json();
  const consents = profile.consents as { marketing?: Record<string, { val?: string }> };
  return consents.marketing ?? {};
}

/** Values by channel. */
async function values(): Promise<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(await marketing()).map(([key, { val }]) => [key, val]));
}

test('C5, C2: the page shows what stands and changes nothing, however it is looked at', async () => {
  path = await linkOf({ marketing: { sms: { val: 'n' } } });
  const before = await history();
  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    const answer = await api.ask({ method, path, host: LINK_HOST, headers: { 'sec-purpose': 'prefetch' } });
    expect([200, 204]).toContain(answer.status);
    expect(answer.headers['set-cookie']).toBeUndefined();
  }
  const { text } = await show();
  expect(text).toContain('name="email" value="on" checked');
  expect(text).toContain('name="sms" value="on">');
  expect(text).toContain('name="push" value="on" checked');
  expect(text).not.toContain('name="whatsApp"');
  expect(await history()).toEqual(before);
});

test('C5, C10: what was turned is saved, said, and can be taken back', async () => {
  const saved = await post(filled((await show()).text, ['email', 'personalize']));
  expect(saved.status).toBe(200);
  expect(saved.text).toContain('Your choices are saved');
  expect(saved.text).toContain('<strong>Email</strong> – Switched off');
  expect(await values()).toEqual({ email: 'n' });
  expect(await history()).toMatchObject([
    { source: 'preference_centre', channel: 'personalize', to: 'n' },
    { source: 'preference_centre', channel: 'email', to: 'n' },
  ]);
  const back = await post(filled(saved.text));
  expect(back.text).toContain('<strong>Email</strong> – Switched on');
  expect(await values()).toEqual({ email: 'y' });
});

test('a form without a change records nothing', async () => {
  const saved = await post(filled((await show()).text));
  expect(saved.text).toContain('There was nothing to change');
  expect(await history()).toEqual([]);
});

test('a choice that was made elsewhere meanwhile is not turned back', async () => {
  const page = (await show()).text;
  const leave = `/unsubscribe?${api.link({ profileId: id, address: `${id}@example.com` }, 'landing')}`;
  expect((await post('adieu=confirm', leave)).status).toBe(200);
  // Email stands ticked on the page that was opened before.
  await post(filled(page, ['sms']));
  expect(await values()).toEqual({ email: 'n', sms: 'n' });
});

test('leaving everything stops every channel, and turning one on again leaves the others off', async () => {
  const left = await post(filled((await show()).text, [], 1));
  expect(left.text).toContain('<strong>All marketing</strong> – Switched off');
  expect(await values()).toEqual({ any: 'n' });
  const { text } = await show();
  expect(text).toContain('You have stopped all marketing');
  expect(text).not.toMatch(/name="(?:email|sms|push)" value="on" checked/);
  await post(filled(text, ['sms']));
  expect(await values()).toMatchObject({
    any: 'y',
    sms: 'y',
    email: 'n',
    push: 'n',
    whatsApp: 'n',
    call: 'n',
  });
});

test('leaving everything can be taken back as it was, silence and what is not offered here included', async () => {
  path = await linkOf({ marketing: { sms: { val: 'n' } } });
  const left = await post(filled((await show()).text, [], 1));
  const back = await post(filled(left.text));
  expect(back.text).toContain('<strong>Email</strong> – Switched on');
  expect(back.text).not.toContain('(SMS)');
  expect(await values()).toEqual({ any: 'u', sms: 'n' });
  await post(filled(back.text));
  expect(await values()).toEqual({ any: 'n', sms: 'n' });
});

test('what waited for its double opt-in waits for it again after leaving everything was taken back', async () => {
  path = await linkOf({ marketing: { any: { val: 'p' } } });
  const left = await post(filled((await show()).text, [], 1));
  const back = await post(filled(left.text));
  expect(back.text).toContain('There was nothing to change');
  expect(await values()).toEqual({ any: 'p' });
  // Pressed a second time, or long after.
  await post(filled(left.text));
  expect(await values()).toEqual({ any: 'p' });
});

test('what is on again after everything was off is said, though its own yes stood all along', async () => {
  path = await linkOf({ marketing: { any: { val: 'n' }, email: { val: 'y' } } });
  const saved = await post(filled((await show()).text, ['email']));
  expect(saved.text).toContain('<strong>Email</strong> – Switched on');
});

test('nothing is called on that a stop of everything made elsewhere keeps off', async () => {
  path = await linkOf({ marketing: { sms: { val: 'n' } } });
  const page = (await show()).text;
  await post('adieu=leave');
  const saved = await post(filled(page, ['sms']));
  expect(saved.text).toContain('(SMS)</strong> – Could not be switched on');
  expect(await values()).toMatchObject({ any: 'n' });
});

test('a page that showed everything as stopped turns nothing off that was turned on elsewhere meanwhile', async () => {
  await post('adieu=leave');
  const page = (await show()).text;
  await post(filled(page, ['sms']));
  await post(filled(page, ['push']));
  expect(await values()).toMatchObject({ any: 'y', sms: 'y', push: 'y', email: 'n' });
});

test('C9: taking back lifts what that page was about, and no no that was said elsewhere since', async () => {
  const shown = (await show()).text;
  const saved = await post(filled(shown, ['email']));
  const left = await post(filled((await show()).text, [], 1));
  const later = await values();
  expect(later).toMatchObject({ any: 'n', email: 'n' });
  // Everything again, and email again, by other pages.
  await post('adieu=leave');
  await post('adieu=save&shown=any-1.email-1');
  const before = await history();
  for (const stale of [saved, left]) {
    const answer = await post(filled(stale.text));
    expect(answer.text).not.toContain('Switched on');
  }
  expect(await values()).toEqual(later);
  expect(await history()).toEqual(before);
});

test('C5: what is turned and not saved goes along to more lists and back, and is saved with them', async () => {
  const names = Array.from({ length: 120 }, (_, index) => `page-${String(index).padStart(3, '0')}`);
  for (const name of names) await api.call('PUT', `/v1/lists/${name}`, { title: name, open: true });
  try {
    const keyOf = (page: string, name: string): string =>
      new RegExp(`name="(l[0-9a-f]{16})"[^>]*><span><bdi>${name}<`).exec(page)?.[1] ?? '';
    const fromOf = (page: string): string => /name="from" value="(\d+)"/.exec(page)?.[1] ?? '';
    const first = (await show()).text;
    // Enter presses the first button of a form: it saves.
    expect(/<button[^>]*>/.exec(first)?.[0]).toBe('<button type="submit">');
    const second = await post(`${filled(first, ['sms', keyOf(first, 'page-000')])}&from=${fromOf(first)}`);
    expect(second.text).not.toContain('<bdi>page-000<');
    expect(await history()).toEqual([]);
    const lastOf = [...second.text.matchAll(/<bdi>(page-\d+)</g)].at(-1)?.[1] ?? '';
    // Back to the first page, where the ticks are as they were left.
    const again = await post(`${filled(second.text, [keyOf(second.text, lastOf)])}&from=0`);
    expect(again.text).toMatch(new RegExp(`name="${keyOf(first, 'page-000')}" value="on" checked`));
    expect(again.text).not.toMatch(/name="sms" value="on" checked/);
    const saved = await post(filled(again.text, ['email']));
    expect(saved.text).toContain(`${lastOf}</bdi></strong> – Switched on`);
    expect(saved.text).toContain('page-000</bdi></strong> – Switched on');
    const said = (await history()).map(({ channel, list, to }) => [list ?? channel, to]);
    expect(said.sort()).toEqual(
      [
        ['email', 'n'],
        ['page-000', 'y'],
        ['sms', 'n'],
        [lastOf, 'y'],
      ].sort(),
    );
  } finally {
    await api.database.db.updateTable('list').set({ body: '{}' }).where('name', 'like', 'page-%').execute();
  }
});

test('a page of lists that are not there any more begins with the first', async () => {
  expect((await show(`${path}&from=9999`)).text).toBe((await show()).text);
});

test('a form that is not ours, or not whole, is refused and records nothing', async () => {
  for (const body of [
    '',
    'List-Unsubscribe=One-Click',
    'adieu=confirm',
    'adieu=save',
    'adieu=save&shown=',
    'adieu=save&shown=email-1',
    'adieu=save&shown=any-1.email-2',
    'adieu=save&shown=any-1.email-1.email-0',
    'adieu=save&shown=any-1&shown=any-1',
    'adieu=save&adieu=leave&shown=any-1.email-1',
    'adieu=undo-all',
    'adieu=undo-all&was=n',
    'adieu=undo-all&was=dn',
    'adieu=undo-all&was=x',
    'adieu=undo-all&was=u&was=y',
  ]) {
    const answer = await post(body);
    expect([body, answer.status]).toEqual([body, 400]);
  }
  expect((await post(`adieu=save&shown=${'x'.repeat(40_000)}`)).status).toBe(413);
  expect((await post(`adieu=save&shown=any-1&${'a=b&'.repeat(300)}`)).status).toBe(413);
  expect(await history()).toEqual([]);
});

test('a link of another purpose opens nothing here', async () => {
  for (const purpose of ['one-click', 'landing', 'mirror', 'customer'] as const) {
    const at = `/preferences?${api.link({ profileId: id }, purpose)}`;
    expect([purpose, (await show(at)).status, (await post('adieu=leave', at)).status]).toEqual([
      purpose,
      404,
      404,
    ]);
  }
  expect(await history()).toEqual([]);
});
