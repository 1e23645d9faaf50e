import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { furnish, LINK_HOST, type RunningApi, startTestApi } from '../testing/running-api.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
let api: RunningApi;

beforeAll(async () => {
  api = await startTestApi();
  await furnish(api);
});
afterAll(() => api.close());

async function history(): Promise<unknown[]> {
  return JSON.parse((await api.call('GET', '/v1/profiles/CRMID/5142/consent-history')).text);
}

test('C2: a landing link shows one button and changes nothing, however it is looked at', async () => {
  const query = api.link({}, 'landing');
  for (const path of [
    `/unsubscribe?${query}`,
    `/unsubscribe/?${query}`,
    `/unsubscribe?utm_source=x&${query}.`,
  ]) {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      const answer = await api.ask({ method, path, host: LINK_HOST });
      expect([200, 204]).toContain(answer.status);
      if (method === 'GET') expect(answer.text.match(/<button/g)).toHaveLength(1);
    }
  }
  expect(await history()).toEqual([]);
});

test('LP-6: a robot’s POST is not the page’s form', async () => {
  const path = `/unsubscribe?${api.link({}, 'landing')}`;
  for (const body of ['', 'List-Unsubscribe=One-Click', 'adieu=other', 'adieu=confirm&adieu=confirm']) {
    const answer = await api.ask({ method: 'POST', path, host: LINK_HOST, headers: FORM, body });
    expect([body, answer.status]).toEqual([body, 400]);
  }
  expect(await history()).toEqual([]);
});

test('a link of another purpose opens nothing here', async () => {
  for (const purpose of ['one-click', 'preferences', 'mirror', 'customer'] as const) {
    const path = `/unsubscribe?${api.link({}, purpose)}`;
    const answer = await api.ask({
      method: 'POST',
      path,
      host: LINK_HOST,
      headers: FORM,
      body: 'adieu=confirm',
    });
    expect([purpose, answer.status]).toEqual([purpose, 404]);
  }
  expect(await history()).toEqual([]);
});

test('LP-9: a wrong link tells what to do instead, at any host', async () => {
  for (const host of [LINK_HOST, 'unknown.example']) {
    const page = await api.ask({ path: '/unsubscribe?params=x', host, headers: { accept: 'text/html' } });
    expect(page.status).toBe(404);
    expect(page.text).toContain('reply to the message');
  }
});

test('LP-2, LP-7, C1: one press records landing_page and says so on a page of its own', async () => {
  const path = `/unsubscribe?${api.link({ page: 'https://brand.example/' }, 'landing')}`;
  const answer = await api.ask({
    method: 'POST',
    path,
    host: LINK_HOST,
    headers: FORM,
    body: 'adieu=confirm',
  });
  expect(answer.status).toBe(200);
  expect(answer.text).toContain('You are unsubscribed');
  expect(answer.text.match(/<form/g)).toHaveLength(1);
  expect(await history()).toMatchObject([{ source: 'landing_page', to: 'n' }]);
});

describe('leaving and coming back', () => {
  let people = 0;
  let id: string;

  beforeEach(async () => {
    people += 1;
    id = `leaver-${people}`;
    await api.call('PUT', '/v1/lists/weekly', { title: 'The <weekly> letter' });
    await know({});
  });

  async function know(record: { attributes?: object; consents?: object }): Promise<void> {
    const identities = { CRMID: id, Email: `${id}@example.com` };
    expect((await api.call('POST', '/v1/profiles', [{ identities, ...record }])).json()).toMatchObject({
      rejected: [],
    });
  }

  function linkTo(claims: Parameters<RunningApi['link']>[0], purpose: 'landing' | 'one-click' = 'landing') {
    return api.link({ profileId: id, address: `${id}@example.com`, ...claims }, purpose);
  }

  function press(query: string, body: string, path = '/unsubscribe') {
    const headers = { ...FORM, accept: 'text/html' };
    return api.ask({ method: 'POST', path: `${path}?${query}`, host: LINK_HOST, headers, body });
  }

  /** The form of an answer that takes it back, as a browser sends it. */
  function undoing({ text }: { readonly text: string }): string {
    const fields = [...text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
    const said = new URLSearchParams();
    for (const [, name = '', value = ''] of fields) said.append(name, value);
    return said.toString();
  }

  async function rows(): Promise<Record<string, unknown>[]> {
    return JSON.parse((await api.call('GET', `/v1/profiles/CRMID/${id}/consent-history`)).text);
  }

  test.each([
    [{ scope: 'channel' }, { scope: 'channel', channel: 'email' }],
    [{ scope: 'identity' }, { scope: 'identity', channel: 'email' }],
    [
      { scope: 'subscription', list: 'weekly' },
      { scope: 'subscription', channel: 'email', list: 'weekly' },
    ],
  ] as const)('C3, C9, C10: %j is left and taken back at the same width', async (claims, row) => {
    const query = linkTo(claims);
    const left = await press(query, 'adieu=confirm');
    expect(left.text).toContain('<input type="hidden" name="adieu" value="undo">');
    expect(await rows()).toMatchObject([{ ...row, to: 'n', source: 'landing_page' }]);
    const back = await press(query, undoing(left));
    expect(back.text).toContain('You are subscribed again');
    expect((await rows())[0]).toMatchObject({ ...row, from: 'n', to: 'y', source: 'landing_page' });
    expect(await rows()).toHaveLength(2);
  });

  test('C9: taking back lifts what that page was about, and no no that was said elsewhere since', async () => {
    const query = linkTo({});
    const early = await press(query, 'adieu=confirm');
    expect((await press(query, undoing(early))).text).toContain('You are subscribed again');
    await press(linkTo({}, 'one-click'), 'List-Unsubscribe=One-Click', '/unsubscribe/one-click');
    const before = await rows();
    const stale = await press(query, undoing(early));
    expect(stale.text).toContain('That could not be undone');
    expect(stale.text).toContain('still stops our marketing email');
    expect(await rows()).toEqual(before);
    // Said again elsewhere while it stood: that is a newer no, too.
    const again = await press(query, 'adieu=confirm');
    await api.ask({ path: `/unsubscribe?${query}`, host: LINK_HOST });
    await press(linkTo({}, 'one-click'), 'List-Unsubscribe=One-Click', '/unsubscribe/one-click');
    expect((await press(query, undoing(again))).text).toContain('That could not be undone');
    expect(await rows()).toEqual(before);
  });

  test('C9: a form that does not say what it takes back takes nothing back', async () => {
    const query = linkTo({});
    const left = await press(query, 'adieu=confirm');
    const said = /name="said" value="([^"]*)"/.exec(left.text)?.[1] ?? '';
    for (const rest of ['', '&said=', '&said=x', `&said=${said}&said=${said}`, '&said=2026']) {
      expect((await press(query, `adieu=undo${rest}`)).text).toContain('That could not be undone');
    }
    expect(await rows()).toMatchObject([{ to: 'n' }]);
  });

  test('LP-3: all marketing email is offered beside a list and an address, and left and taken back as such', async () => {
    for (const claims of [{ scope: 'subscription', list: 'weekly' }, { scope: 'identity' }] as const) {
      const page = await api.ask({ path: `/unsubscribe?${linkTo(claims)}`, host: LINK_HOST });
      expect(page.text.match(/<button/g)).toHaveLength(2);
      expect(page.text.indexOf('value="confirm"')).toBeLessThan(page.text.indexOf('value="all"'));
    }
    const query = linkTo({ scope: 'subscription', list: 'weekly' });
    const left = await press(query, 'adieu=all');
    expect(await rows()).toMatchObject([{ scope: 'channel', to: 'n' }]);
    expect(left.text).toContain('value="undo-all"');
    expect((await press(query, undoing(left))).text).toContain('You are subscribed again');
    expect((await rows())[0]).toMatchObject({ scope: 'channel', to: 'y' });
  });

  test('a one-click link leads back over a landing link, and says no yes by itself', async () => {
    const query = linkTo({}, 'one-click');
    for (const body of ['adieu=undo', 'adieu=undo-all', 'adieu=save', 'adieu=leave']) {
      expect((await press(query, body, '/unsubscribe/one-click')).status).toBe(400);
    }
    expect(await rows()).toEqual([]);
    const shown = await api.ask({ path: `/unsubscribe/one-click?${query}`, host: LINK_HOST });
    expect(shown.text).not.toMatch(/href=|action=/);
    const left = await press(query, 'adieu=confirm', '/unsubscribe/one-click');
    const path = /action="([^"]*)"/.exec(left.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const back = await press(path.split('?')[1] ?? '', undoing(left));
    expect(back.text).toContain('You are subscribed again');
    expect((await rows()).map(({ source }) => source)).toEqual(['landing_page', 'body_one_click']);
  });

  test('OC-9: a robot’s one-click is answered with no page and no other link', async () => {
    const answer = await press(
      linkTo({}, 'one-click'),
      'List-Unsubscribe=One-Click',
      '/unsubscribe/one-click',
    );
    expect([answer.status, answer.text]).toEqual([200, 'Unsubscribed.\n']);
  });

  test('C3, LP-5: the page speaks the person’s language, and names the list in it, as text', async () => {
    await know({ attributes: { preferredLanguage: 'fr-FR' } });
    const path = `/unsubscribe?${linkTo({ scope: 'subscription', list: 'weekly' })}`;
    const headers = { 'accept-language': 'ja' };
    const page = await api.ask({ path, host: LINK_HOST, headers });
    expect(page.text).toContain('<html lang="fr" dir="ltr">');
    expect(page.headers['content-language']).toBe('fr');
    expect(page.text).toContain('<bdi><strong>The &lt;weekly&gt; letter</strong></bdi>');
  });

  test('C9: coming back does not lift a complaint, and the page says so', async () => {
    const left = await press(linkTo({}), 'adieu=confirm');
    const entity = { type: 'email', entityValue: `${id}@example.com` };
    await api.call('POST', '/ajo/config/suppression/addresses', [{ entity, comment: 'x' }]);
    await api.database.db
      .updateTable('delivery_list')
      .set({ reason: 'complaint' })
      .where('key', '=', `${id}@example.com`)
      .execute();
    const back = await press(linkTo({}), undoing(left));
    expect(back.text).toContain('reported as spam');
    expect(back.text).not.toContain('You are subscribed again');
    expect(await rows()).toHaveLength(1);
  });

  test('coming back to a list says so when another choice still stops its mail', async () => {
    await press(linkTo({}), 'adieu=confirm');
    const query = linkTo({ scope: 'subscription', list: 'weekly' });
    const left = await press(query, 'adieu=confirm');
    const back = await press(query, undoing(left));
    expect(back.text).toContain('still stops our marketing email');
    expect((await rows())[0]).toMatchObject({ scope: 'subscription', to: 'y' });
  });

  test('the preference centre opens by the landing page’s link, and its token opens nothing else', async () => {
    const page = await api.ask({ path: `/unsubscribe?${linkTo({})}`, host: LINK_HOST });
    const path = /href="(\/preferences[^"]*)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expect((await api.ask({ path, host: LINK_HOST })).text).toContain('Your preferences');
    const query = path.split('?')[1] ?? '';
    for (const other of ['/unsubscribe', '/unsubscribe/one-click']) {
      expect((await press(query, 'adieu=confirm', other)).status).toBe(404);
    }
  });
});

test('OC-11, LP-9: every kind of wrong link gets the same page, in the reader’s language', async () => {
  const good = api.link({}, 'landing');
  const halves = `${good.split('&pid=')[0]}&pid=${api.link({}, 'landing').split('&pid=')[1]}`;
  const foreign = api.link({}, 'one-click');
  const queries = [
    '',
    'params=x',
    good.slice(0, -4),
    `${good}&params=x`,
    halves,
    foreign,
    api.link({ sandbox: 'other' }, 'landing'),
    api.link({}, 'landing', 'another organisation'),
  ];
  const headers = { ...FORM, accept: 'text/html', 'accept-language': 'de' };
  const pages = new Set<string>();
  for (const method of ['GET', 'POST']) {
    for (const path of ['/unsubscribe', '/preferences', '/unsubscribe/one-click']) {
      for (const query of queries) {
        // The one place where it is right.
        if (path.endsWith('one-click') && query === foreign) continue;
        const sent = method === 'POST' ? { body: 'adieu=confirm' } : {};
        const answer = await api.ask({ method, path: `${path}?${query}`, host: LINK_HOST, headers, ...sent });
        expect([path, query, answer.status]).toEqual([path, query, 404]);
        pages.add(answer.text);
      }
    }
  }
  expect(pages.size).toBe(1);
  expect([...pages][0]).toContain('Dieser Link ist nicht gültig');
});

test('LP-9: a wrong link offers to write to the brand from the address that is to be left out, never where mail is refused', async () => {
  const wrong = () => api.ask({ path: '/unsubscribe', host: LINK_HOST, headers: { accept: 'text/html' } });
  const brand = (body: object) => api.call('PUT', `/v1/subdomains/${LINK_HOST}/brand`, body);
  await brand({ contact: { email: 'care+us@example.com' } });
  const { text } = await wrong();
  expect(text).toContain('href="mailto:care%2Bus@example.com?subject=unsubscribe&amp;body=Please%20');
  expect(text).not.toMatch(/<form|<input|unsubscribe@/);
  await brand({});
  expect((await wrong()).text).not.toContain('mailto:');
  expect((await wrong()).text).toContain('reply to the message');
});

test('LP-9, OC-11: where mail is taken, every wrong link names unsubscribe@ the subdomain, and the sentence to write', async () => {
  const { database, ring } = api;
  const other = await startTestApi({ database, ring, takesMail: true });
  try {
    const headers = { accept: 'text/html' };
    const pages = new Set<string>();
    for (const path of [
      '/unsubscribe',
      `/unsubscribe?${api.link({}, 'landing').slice(0, -3)}`,
      '/preferences?pid=x',
    ])
      pages.add((await other.ask({ path, host: LINK_HOST, headers })).text);
    expect(pages.size).toBe(1);
    const [text = ''] = pages;
    expect(text).toContain(
      `href="mailto:unsubscribe@${LINK_HOST}?subject=unsubscribe&amp;body=Please%20send%20me%20no%20more`,
    );
    expect(text).not.toMatch(/<form|<input/);
    // Nobody listens for a host that is none of ours.
    const unknown = await other.ask({ path: '/unsubscribe', host: 'unknown.example', headers });
    expect(unknown.text).not.toContain('mailto:');
    expect(unknown.text).toContain('reply to the message');
  } finally {
    await other.close();
  }
});

test('what comes in a later version is absent, not half there', async () => {
  for (const path of ['/preferences', '/mirror', '/journey/imp/consent/preferences']) {
    expect((await api.ask({ path: `${path}?${api.link()}`, host: LINK_HOST })).status).toBe(404);
  }
});

const DOORS = {
  'the one-click URL': ['one-click', '/unsubscribe/one-click', 'List-Unsubscribe=One-Click'],
  'the landing page': ['landing', '/unsubscribe', 'adieu=confirm'],
  'the preference centre': ['preferences', '/preferences', 'adieu=leave'],
} as const;

test.each(Object.keys(DOORS) as (keyof typeof DOORS)[])(
  'of several who have an Email %s hears the one that the link means, when its message is forgotten',
  async (door) => {
    const [purpose, path, body] = DOORS[door];
    const [first, second] = [`first-${purpose}`, `second-${purpose}`];
    const Email = `${purpose}@example.com`;
    for (const CRMID of [first, second])
      await api.call('POST', '/v1/profiles', [{ identities: { CRMID, Email } }]);
    const { id: profileNumber } = await api.database.db
      .selectFrom('profile')
      .select('id')
      .where('identity', '=', second)
      .executeTakeFirstOrThrow();
    const who = { profileNamespace: 'Email', profileId: Email, profileNumber, address: Email };
    const query = api.link(who, purpose);
    const answer = await api.ask({
      method: 'POST',
      path: `${path}?${query}`,
      host: LINK_HOST,
      headers: FORM,
      body,
    });
    expect(answer.status).toBe(200);
    const rows = async (id: string): Promise<unknown[]> =>
      JSON.parse((await api.call('GET', `/v1/profiles/CRMID/${id}/consent-history`)).text);
    expect([await rows(first), (await rows(second)).length]).toEqual([[], 1]);
  },
);
