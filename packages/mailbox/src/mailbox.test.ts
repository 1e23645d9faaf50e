import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { MailboxOptions } from './mailbox.ts';
import { type Desk, openDesk } from './testing/desk.ts';
import { post } from './testing/post.ts';

const desks: Desk[] = [];
async function open(options: Partial<MailboxOptions> = {}): Promise<Desk> {
  const desk = await openDesk(options);
  desks.push(desk);
  return desk;
}
afterEach(async () => {
  for (const desk of desks.splice(0)) await desk.close();
});

async function list(desk: Desk, query = ''): Promise<{ messages: Record<string, unknown>[] }> {
  return JSON.parse((await desk.get(`/messages.json${query}`)).body);
}

describe('taking and showing mail', () => {
  test('a delivered mail is kept byte for byte and stands in the list as a provider shows it', async () => {
    const desk = await open();
    const { from, to, bytes } = await desk.brand.compose('ada@example.com');
    expect(await post(desk.mailbox.smtpUrl, { from, to, bytes })).toMatch(/^250 2\.6\.0 /);
    const [mail] = desk.mailbox.messages();
    expect(mail?.raw.equals(bytes)).toBe(true);
    expect((await desk.get(`/messages/${mail?.id}.eml`)).body).toBe(bytes.toString());
    const inbox = await desk.get('/');
    expect(inbox.status).toBe(200);
    expect(inbox.body).toContain('Osteria Luna');
    expect(inbox.body).toContain('Spring is on the menu, Ada – ab Donnerstag „Bärlauch“');
    expect(inbox.body).toContain('Wild garlic, the first asparagus, and a glass on the house');
    expect(inbox.body).toContain('to ada@example.com');
  });

  test('programs read the list as JSON, also for one recipient, and fetch the source', async () => {
    const desk = await open();
    await desk.deliver('ada@example.com');
    const id = await desk.deliver('Bob@example.com');
    expect((await list(desk)).messages).toHaveLength(2);
    const { messages } = await list(desk, '?recipient=bob%40EXAMPLE.com');
    expect(messages).toEqual([
      {
        id,
        receivedAt: expect.stringMatching(/^\d{4}-.*Z$/),
        sender: expect.stringMatching(/^bounce\+[a-z2-7]{45}@news\.example\.com$/),
        recipients: ['Bob@example.com'],
        from: { name: 'Osteria Luna', address: 'hello@news.example.com' },
        subject: 'Spring is on the menu, Ada – ab Donnerstag „Bärlauch“',
        messageId: expect.stringMatching(/^<.+@news\.example\.com>$/),
        size: expect.any(Number),
        departures: [],
      },
    ]);
    expect((await list(desk, '?limit=1')).messages).toHaveLength(1);
    expect((await desk.get('/?recipient=bob@example.com')).body).not.toContain('ada@example.com');
    expect((await desk.get(`/messages/${id}.eml`)).headers['content-type']).toBe('message/rfc822');
  });

  test('U10 a mail’s page shows the verdict, every header explained, the text part and the source', async () => {
    const desk = await open();
    const id = await desk.deliver('ada@example.com');
    const page = (await desk.get(`/messages/${id}`)).body;
    expect(page).toContain('Signature valid');
    expect(page).toContain('Posts to news.example.com');
    expect(page).toMatch(/<iframe[^>]* sandbox="allow-popups allow-popups-to-escape-sandbox"/);
    const inspection = (await desk.get(`/messages/${id}?view=inspection`)).body;
    expect(inspection).toContain('List-Unsubscribe-Post');
    expect(inspection).toContain('class="means"');
    expect((await desk.get(`/messages/${id}?view=text`)).body).toContain('LUNA-7');
    expect((await desk.get(`/messages/${id}?view=source`)).body).toContain('DKIM-Signature: ');
  });

  test('only the newest mails are kept', async () => {
    const desk = await open({ keep: 2 });
    const first = await desk.bring('Subject: one\r\n\r\n1\r\n');
    await desk.bring('Subject: two\r\n\r\n2\r\n');
    await desk.bring('Subject: three\r\n\r\n3\r\n');
    expect((await list(desk)).messages.map((message) => message.subject)).toEqual(['three', 'two']);
    expect((await desk.get(`/messages/${first}`)).status).toBe(404);
  });

  test('with a directory mails and what was done with them survive a restart', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'adieu-mailbox-'));
    try {
      const before = await open({ directory, keep: 2 });
      await before.bring('Subject: gone\r\n\r\n');
      const id = await before.deliver('ada@example.com');
      await before.bring('Subject: last\r\n\r\n');
      await before.press(`/messages/${id}/unsubscribe`);
      const { messages } = await list(before);
      const after = await open({ directory, keep: 2 });
      expect((await list(after)).messages).toEqual(messages);
      expect((await after.get(`/messages/${id}.eml`)).body).toBe(
        (await before.get(`/messages/${id}.eml`)).body,
      );
      expect((await after.get('/')).body).toContain('unsubscribed by header POST, answered 200');
      await after.bring('Subject: next\r\n\r\n');
      expect((await list(after)).messages.map((message) => message.subject)).toEqual(['next', 'last']);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  test('a long list has pages', async () => {
    const desk = await open();
    for (let count = 1; count <= 51; count += 1) await desk.bring(`Subject: number ${count}\r\n\r\n`);
    const first = (await desk.get('/')).body;
    expect(first).toContain('Page 1 of 2');
    expect(first).toContain('>number 51<');
    expect(first).not.toContain('>number 1<');
    expect((await desk.get('/?page=2')).body).toContain('>number 1<');
    for (const page of ['-1', '99', 'x', '1e9']) expect((await desk.get(`/?page=${page}`)).status).toBe(200);
  });

  test('odd mails are shown as they are: no subject, no header, the null sender, several recipients', async () => {
    const desk = await open();
    await desk.bring('\r\nonly a body\r\n', 'ada@example.com', '');
    await desk.bring('', 'ada@example.com', '');
    const inbox = (await desk.get('/')).body;
    expect(inbox).toContain('(no subject)');
    expect(inbox).toContain('(no sender)');
    const several = {
      from: 'a@example.com',
      to: ['ada@example.com', 'bob@example.com'],
      bytes: 'Subject: two\r\n\r\n',
    };
    expect(await post(desk.mailbox.smtpUrl, several)).toMatch(/^250 /);
    expect((await desk.get('/?recipient=bob@example.com')).body).toContain(
      'to ada@example.com, bob@example.com',
    );
    for (const mail of desk.mailbox.messages()) {
      for (const view of ['message', 'text', 'inspection', 'source']) {
        expect((await desk.get(`/messages/${mail.id}?view=${view}`)).status).toBe(200);
      }
    }
  });

  test('the sink speaks as a relay does and refuses what is too large', async () => {
    const desk = await open({ maxSize: 1_000 });
    const letter = { from: 'a@example.com', to: 'ada@example.com' };
    expect(await post(desk.mailbox.smtpUrl, { ...letter, bytes: 'x'.repeat(2_000) })).toMatch(
      /^552 5\.3\.4 /,
    );
    expect(desk.mailbox.messages()).toEqual([]);
    expect(await post(desk.mailbox.smtpUrl, { ...letter, bytes: 'x' })).toMatch(/^250 /);
  });
});

describe('the ways out', () => {
  test('OC-2 OC-3 OC-5 the Unsubscribe button posts as a large provider does, and the list says so', async () => {
    const desk = await open();
    const id = await desk.deliver('ada@example.com');
    const source = (await desk.get(`/messages/${id}.eml`)).body;
    const url = /^List-Unsubscribe: <(https:[^>]+)>/m.exec(source)?.[1] ?? '';
    expect((await desk.get(`/messages/${id}`)).body).toMatch(/>Unsubscribe<\/button>/);
    const pressed = await desk.press(`/messages/${id}/unsubscribe`);
    expect([pressed.status, pressed.headers.location]).toEqual([303, `/messages/${id}`]);
    expect(desk.visits).toHaveLength(1);
    const [visit] = desk.visits;
    const { pathname, search, host } = new URL(url);
    expect(visit).toMatchObject({
      method: 'POST',
      url: pathname + search,
      body: 'List-Unsubscribe=One-Click',
    });
    expect(visit?.headers).toMatchObject({
      host,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': '26',
    });
    for (const name of ['cookie', 'referer', 'origin', 'authorization'])
      expect(visit?.headers[name]).toBeUndefined();
    expect((await desk.get('/')).body).toContain('unsubscribed by header POST, answered 200');
    expect((await desk.get(`/messages/${id}`)).body).toContain('Unsubscribed by header POST, answered 200');
  });

  test('OC-4 a redirect is an answer, not a way: it is not followed and counts as refused', async () => {
    const desk = await open();
    const id = await desk.deliver('ada@example.com');
    desk.answerWith(302, { location: '/elsewhere', 'set-cookie': 'a=b' });
    await desk.press(`/messages/${id}/unsubscribe`);
    expect(desk.visits).toHaveLength(1);
    expect((await desk.get('/')).body).toContain('tried to unsubscribe by header POST, answered 302');
    desk.answerWith(404);
    await desk.press(`/messages/${id}/unsubscribe`);
    expect(desk.visits[1]?.headers.cookie).toBeUndefined();
    expect((await desk.get('/')).body).toContain('tried to unsubscribe by header POST, answered 404');
  });

  test('no answer at all is said, too', async () => {
    const desk = await open({ postBase: 'http://127.0.0.1:1' });
    const id = await desk.deliver('ada@example.com');
    await desk.press(`/messages/${id}/unsubscribe`);
    expect((await desk.get(`/messages/${id}`)).body).toMatch(
      /Tried to unsubscribe by header POST, no answer/,
    );
  });

  test('MT-1 MT-5 the other button mails the mailto address with an empty subject, as Apple Mail does', async () => {
    const desk = await open();
    const id = await desk.deliver('ada@example.com');
    const source = (await desk.get(`/messages/${id}.eml`)).body;
    const mailto = /<mailto:([^?>]+)/.exec(source)?.[1] ?? '';
    await desk.press(`/messages/${id}/mailto`);
    expect(desk.inbound).toHaveLength(1);
    expect(desk.inbound[0]).toMatchObject({ sender: 'ada@example.com', recipients: [mailto] });
    expect(desk.inbound[0]?.raw.toString()).toMatch(/^Subject: \r\n/m);
    expect((await desk.get('/')).body).toContain('unsubscribed by mailto, answered 250');
  });

  test('a refusal of the mail is shown with what was said', async () => {
    const stubborn = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('220 no\r\n');
      socket.on('data', (chunk) =>
        socket.write(String(chunk).startsWith('RCPT') ? '550 5.1.1 Nobody here\r\n' : '250 ok\r\n'),
      );
    });
    await new Promise<void>((resolve) => stubborn.listen(0, '127.0.0.1', resolve));
    const desk = await open({
      relayInbound: { host: '127.0.0.1', port: (stubborn.address() as AddressInfo).port },
    });
    const id = await desk.deliver('ada@example.com');
    await desk.press(`/messages/${id}/mailto`);
    const page = (await desk.get(`/messages/${id}`)).body;
    expect(page).toContain('Tried to unsubscribe by mailto, answered 550');
    expect(page).toContain('&lt; 550 5.1.1 Nobody here');
    stubborn.close();
  });

  test('a mail without a way out has no button, and nothing is sent for it', async () => {
    const desk = await open();
    const id = await desk.bring('From: a@example.com\r\nSubject: no way\r\n\r\nx\r\n');
    expect((await desk.get(`/messages/${id}`)).body).not.toMatch(/<button[^>]*>Unsubscribe/);
    await desk.press(`/messages/${id}/unsubscribe`);
    await desk.press(`/messages/${id}/mailto`);
    expect([desk.visits, desk.inbound]).toEqual([[], []]);
  });

  test('the links of the sender open through the mailbox, under the name of the link host', async () => {
    const desk = await open();
    const id = await desk.deliver('ada@example.com');
    const { host } = new URL(desk.mailbox.url);
    const { port } = new URL(desk.mailbox.url);
    const body = (await desk.get(`/messages/${id}/body`, { host })).body;
    const link =
      /href="(http:\/\/news\.example\.com\.localhost:\d+\/unsubscribe[^"]*)"/.exec(body)?.[1] ?? '';
    const { pathname, search } = new URL(link.replaceAll('&amp;', '&'));
    expect(link).toContain(`.localhost:${port}/`);
    desk.answerWith(200, { 'content-type': 'text/html' }, '<p>landing page</p>');
    const page = await desk.get(pathname + search, { host: `news.example.com.localhost:${port}` });
    expect([page.status, page.body]).toEqual([200, '<p>landing page</p>']);
    expect(desk.visits[0]).toMatchObject({
      method: 'GET',
      url: pathname + search,
      headers: { host: 'news.example.com' },
    });
    desk.answerWith(303, { location: 'https://news.example.com/done' });
    const moved = await desk.press('/unsubscribe?x=1', {
      host: `news.example.com.localhost:${port}`,
      'content-length': '0',
    });
    expect(moved.headers.location).toBe(`http://news.example.com.localhost:${port}/done`);
  });
});
