import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Answer } from '../testing/http-client.ts';
import { type RunningApi, SECRET, startTestApi } from '../testing/running-api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const UPLOADS = '/ajo/config/suppression/uploads';
const upload = (text: string | Buffer, query = '', type = 'text/csv'): Promise<Answer> =>
  api.ask({
    method: 'POST',
    path: `${UPLOADS}${query}`,
    headers: { authorization: `Bearer ${SECRET}`, 'content-type': type },
    body: text,
  });
const stored = async (address: string, list = 'client'): Promise<unknown> => {
  const answer = await api.call('GET', `/ajo/config/suppression/addresses/${address}?type=${list}`);
  return answer.status === 404 ? null : (answer.json().suppressed as { type: string }).type;
};
const form = (parts: readonly string[], end = '--x--\r\n') =>
  `${parts.map((part) => `--x\r\n${part}\r\n`).join('')}${end}`;
const FORM = 'multipart/form-data; boundary=x';
const FILE =
  'Content-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n';

test('The description says how a file is sent', async () => {
  const document = (await api.ask({ path: '/openapi.json' })).json();
  const paths = document.paths as Record<string, { post: { requestBody: { content: object } } }>;
  const { content } = paths[UPLOADS]?.post.requestBody ?? {};
  expect(content).toMatchObject({
    'text/csv': { schema: { type: 'string' } },
    'multipart/form-data': { schema: { properties: { file: { format: 'binary' } } } },
  });
});

describe('X10 an upload', () => {
  test('reports every line: added, already there, or rejected with its number and why', async () => {
    const text =
      '\ufeffemail;reason;comment\r\nA@u1.example;550 5.1.1;"said ""no"";\r\nthen left"\r\n\r\nnobody;;\r\n@u1.example;;\r\nb@u1.example;spam complaint;\r\na@U1.example;;\r\nc@u1.example;unsubscribed;';
    const answer = await upload(text);
    expect(answer.status).toBe(201);
    expect(answer.json()).toEqual({
      column: 'email',
      added: 3,
      alreadyThere: 1,
      reasons: { manual: 1, hard: 1, soft: 0, complaint: 1 },
      comments: 0,
      rejectedCount: 2,
      rejected: [
        { line: 5, code: 'address_invalid', detail: expect.any(String) },
        { line: 9, code: 'unsubscribe_is_no_suppression', detail: expect.any(String) },
      ],
      dryRun: false,
    });
    expect(await stored('a@u1.example')).toBe('HARD');
    expect(await stored('b@u1.example')).toBe('COMPLAINT');
    expect((await upload(text)).json()).toMatchObject({ added: 0, alreadyThere: 4 });
    expect((await upload(text, '?reason=manual')).json()).toMatchObject({ added: 1, rejectedCount: 1 });
  });

  test('that is a dry run tells the same and stores nothing', async () => {
    const text = 'a@u2.example\nb@u2.example\nA@u2.example\n';
    expect((await upload(text, '?dryRun=true')).json()).toMatchObject({
      added: 2,
      alreadyThere: 1,
      dryRun: true,
    });
    expect(await stored('a@u2.example')).toBeNull();
    expect((await upload(text, '?type=allowed')).json()).toMatchObject({ added: 2, alreadyThere: 1 });
    expect(await stored('a@u2.example')).toBeNull();
    expect(await stored('a@u2.example', 'allowed')).toBe('MANUAL');
  });

  test('takes the file of a form, however the bytes arrive', async () => {
    const other = 'Content-Disposition: form-data; name="note"\r\n\r\nwrong@u3.example';
    const body = Buffer.from(
      form([other, `${FILE}TYPE,VALUE,COMMENTS\r\nEMAIL,a@u3.example,x\r\nDOMAIN,u3.example,`]),
    );
    expect((await upload(body, '', FORM)).json()).toMatchObject({
      column: 'VALUE',
      added: 2,
      rejectedCount: 0,
    });
    async function* drops(): AsyncGenerator<Buffer> {
      for (const byte of body) yield Buffer.from([byte]);
    }
    const headers = { authorization: `Bearer ${SECRET}`, 'content-type': FORM };
    const answer = await api.ask({ method: 'POST', path: UPLOADS, headers, body: drops() });
    expect(answer.json()).toMatchObject({ added: 0, alreadyThere: 2, rejectedCount: 0 });
    expect(await stored('wrong@u3.example')).toBeNull();
  });

  test('is refused where the form is broken or has no file, and half a form stores no line that was cut', async () => {
    const whole = `${FILE}a@u4.example\r\nb@u4.example`;
    for (const [body, type] of [
      [form([whole]), 'multipart/form-data'],
      [form(['Content-Disposition: form-data; name="note"\r\n\r\nx']), FORM],
      [form([whole], ''), FORM],
      [`--x\r\n${'y'.repeat(20_000)}`, FORM],
      ['', FORM],
    ] as const) {
      expect([type, (await upload(body, '', type)).json()]).toMatchObject([type, { code: 'form_invalid' }]);
    }
    expect(await stored('b@u4.example')).toBeNull();
  });

  test('is refused whole where its column cannot be told or holds something else', async () => {
    for (const [text, code] of [
      ['name,city\nAnn,Rome\n', 'column_missing'],
      ['Email,E-Mail\na@u5.example,b@u5.example\n', 'column_ambiguous'],
      ['email,name\nAnn,a@u5.example\nBob,b@u5.example\n', 'file_doubtful'],
      ['', 'file_empty'],
      ['\n\r\n', 'file_empty'],
    ] as const) {
      expect([text, (await upload(text)).json()]).toMatchObject([text, { status: 422, code }]);
    }
    const late = [...Array(1_400).keys()].map((n) => (n % 3 === 0 ? `p${n}@u5.example` : 'x')).join('\n');
    expect((await upload(`email\n${late}`)).json()).toMatchObject({ code: 'file_doubtful' });
    expect(await stored('p0@u5.example')).toBeNull();
    expect(
      (await upload('Email,E-Mail\na@u5.example,b@u5.example\n', '?column=e-mail')).json(),
    ).toMatchObject({
      column: 'E-Mail',
      added: 1,
    });
    expect(await stored('b@u5.example')).toBe('MANUAL');
  });

  test('of people who are subscribed, left or are unknown is refused by its name, unless a reason is given', async () => {
    for (const [text, code] of [
      ['email,status\na@u9.example,Subscribed\n', 'file_of_subscribers'],
      ['Email Address,OPTIN_TIME,CONFIRM_TIME\na@u9.example,x,x\n', 'file_of_subscribers'],
      ['a@u9.example,Abgemeldet\n', 'file_of_unsubscribes'],
      ['email,status\na@u9.example,whatever\n', 'file_of_unknown_status'],
    ] as const) {
      const { code: told, detail } = (await upload(text)).json();
      expect([text, told, detail]).toEqual([text, code, expect.stringContaining('--reason')]);
      expect((await upload(text, '?type=allowed&dryRun=true')).status).toBe(201);
      expect((await upload(text, '?reason=hard&dryRun=true')).json()).toMatchObject({ reasons: { hard: 1 } });
    }
    expect(await stored('a@u9.example')).toBeNull();
  });

  test('may be UTF-16 by its mark, and have comments and reasons without a header', async () => {
    const text = '\ufeff# exported; today\na@u10.example,COMPLAINT\n# b@u10.example\nc@u10.example,BOUNCE\n';
    const little = Buffer.from(text, 'utf16le');
    for (const body of [little, Buffer.from(little).swap16(), text]) {
      const expected = { added: 2, comments: 2, reasons: { hard: 1, complaint: 1 }, rejectedCount: 0 };
      expect((await upload(body, '?dryRun=true')).json()).toMatchObject(expected);
    }
  });

  test('that holds broken text rejects the lines it stands in, and no other', async () => {
    const latin = Buffer.concat([
      Buffer.from('email,comment\na@u6.example,'),
      Buffer.from([0xfc, 0x0a]),
      Buffer.from([0xfc]),
      Buffer.from(
        '@u6.example,x\nb@u6.example,"open\nc@u6.example,x\nd\u0000@u6.example,\u0000\ne@u6.example,\u0000\n',
      ),
    ]);
    expect((await upload(latin)).json()).toMatchObject({
      added: 3,
      rejected: [
        { line: 3, code: 'invalid_utf8' },
        { line: 4, code: 'quote_open' },
        { line: 6, code: 'address_invalid' },
      ],
    });
  });

  test('of one line that is broken says what is wrong with it', async () => {
    const answer = await upload('"a@u6.example');
    expect([answer.status, answer.json()]).toMatchObject([
      422,
      { code: 'file_doubtful', detail: expect.stringContaining('Line 1: a quote is not closed') },
    ]);
    expect((await upload('\n')).json()).toMatchObject({ code: 'file_empty' });
  });

  test('of 20,000 lines is stored in one call', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `p${index}@u7.example,550`);
    expect((await upload(`address,code\n${lines.join('\n')}`)).json()).toMatchObject({ added: 20_000 });
  });

  test('asks for a key, a known query and bytes that are not compressed', async () => {
    expect((await api.ask({ method: 'POST', path: UPLOADS, body: 'a@u8.example' })).status).toBe(401);
    for (const query of ['?reason=whatever', '?type=all', '?dryRun=perhaps', '?colour=red']) {
      expect((await upload('a@u8.example', query)).status).toBe(400);
    }
    expect((await upload('a@u8.example', '', 'application/json')).status).toBe(415);
    const headers = {
      authorization: `Bearer ${SECRET}`,
      'content-type': 'text/csv',
      'content-encoding': 'gzip',
    };
    expect((await api.ask({ method: 'POST', path: UPLOADS, headers, body: 'x' })).status).toBe(415);
  });
});
