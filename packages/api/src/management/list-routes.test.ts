import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningApi, startTestApi } from '../testing/running-api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const put = (name: string, body: object) => api.call('PUT', `/v1/lists/${encodeURIComponent(name)}`, body);
const get = async (name: string) => (await api.call('GET', `/v1/lists/${name}`)).json();

test('a list keeps what people see of it, and a second PUT replaces all of it', async () => {
  const list = {
    title: 'Weekly news',
    titles: { fr: 'Nouvelles', 'pt-BR': 'Notícias', ar: 'أخبار' },
    description: 'Every Friday.',
    descriptions: { fr: 'Chaque vendredi.' },
    topic: 'News',
    topics: { fr: 'Actualités' },
    open: true,
  };
  expect((await put('weekly', list)).json()).toEqual({ name: 'weekly', ...list });
  expect(await get('weekly')).toEqual({ name: 'weekly', ...list });
  expect((await put('weekly', {})).json()).toEqual({ name: 'weekly', title: 'weekly', open: false });
  expect(await get('weekly')).toEqual({ name: 'weekly', title: 'weekly', open: false });
});

test('a list keeps its number, which links that are out carry', async () => {
  const numbers = () =>
    api.database.db.selectFrom('list').select('number').where('name', '=', 'same').execute();
  await put('same', { title: 'One' });
  const before = await numbers();
  await put('same', { title: 'Two', open: true });
  expect(await numbers()).toEqual(before);
});

test('a list that is not there is 404', async () => {
  const answer = await api.call('GET', '/v1/lists/nowhere');
  expect([answer.status, answer.json().code]).toEqual([404, 'unknown_list']);
});

test('what an author writes is text, whatever it looks like', async () => {
  const title = '<script>alert(1)</script> & "x"';
  expect((await put('hostile', { title, description: '{{profile}}' })).status).toBe(200);
  expect(await get('hostile')).toMatchObject({ title, description: '{{profile}}' });
  for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
    expect((await put(name, { title: 'T' })).status).toBe(200);
    expect(await get(name)).toEqual({ name, title: 'T', open: false });
  }
});

test.each<[string, object]>([
  ['__proto__', {}],
  ['a b', {}],
  ["x'; DROP TABLE list; --", {}],
  ['a'.repeat(101), {}],
  ['ok', { title: '' }],
  ['ok', { title: 'x'.repeat(201) }],
  ['ok', { title: 'a\r\nBcc: x@example.com' }],
  ['ok', { title: 'nul\0' }],
  ['ok', { title: 'turned \u202e around' }],
  ['ok', { title: 'half \ud800' }],
  ['ok', { titles: { french: 'x' } }],
  ['ok', { titles: { '': 'x' } }],
  ['ok', { titles: { fr: 7 } }],
  ['ok', { titles: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`aa-${1000 + i}`, 'x'])) }],
  ['ok', { description: 'x'.repeat(1_001) }],
  ['ok', { open: 'yes' }],
  ['ok', { colour: 'red' }],
])('the list %j with %j is a 400', async (name, body) => {
  expect((await put(name, body)).status).toBe(400);
});
