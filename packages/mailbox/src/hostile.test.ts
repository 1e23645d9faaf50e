import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Desk, openDesk } from './testing/desk.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk.close());

const EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>';

describe('a hostile mail', () => {
  test('its header, text, links and envelope reach the pages as text only', async () => {
    const id = await desk.bring(
      [
        `From: "${EVIL}" <${EVIL}@example.com>`,
        `Subject: ${EVIL} =?utf-8?Q?=3Cscript=3Ealert(3)=3C/script=3E=0D=0Ax:_y?=`,
        `Message-ID: <${EVIL}>`,
        `${EVIL}: ${EVIL}`,
        `List-Unsubscribe: <https://news.example.com/${EVIL}>, <mailto:${EVIL}@news.example.com>`,
        'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
        `DKIM-Signature: v=1; a=rsa-sha256; d=${EVIL}; s=s; h=from; bh=x; b=x`,
        '',
        EVIL,
        '',
      ].join('\r\n'),
      'ada@example.com',
    );
    const paths = [
      '/',
      `/?recipient=${encodeURIComponent(EVIL)}`,
      ...['', '?view=text', '?view=inspection', '?view=source'].map((query) => `/messages/${id}${query}`),
    ];
    for (const path of paths) {
      const page = await desk.get(path);
      expect([path, page.status]).toEqual([path, 200]);
      expect([path, /<script|<img|onerror=[^&]*>/i.exec(page.body.replace(/&lt;[^<]*/g, ''))]).toEqual([
        path,
        null,
      ]);
      expect(page.body).not.toContain('<script');
      expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'self';/);
      expect(page.headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(page.headers).toMatchObject({
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      });
    }
    await desk.press(`/messages/${id}/mailto`);
    expect(desk.inbound).toEqual([]);
  });

  test('its HTML is served alone, under a policy that allows no script, no form and no fetch', async () => {
    const html =
      '<html><head><base href="https://evil.example/"></head><body><script>alert(1)</script><form action=x></form></body></html>';
    const id = await desk.bring(`Subject: x\r\nContent-Type: text/html\r\n\r\n${html}\r\n`);
    const body = await desk.get(`/messages/${id}/body`);
    const policy = body.headers['content-security-policy'] ?? '';
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'/,
    );
    expect(policy).toMatch(/sandbox allow-popups allow-popups-to-escape-sandbox$/);
    expect(policy).not.toContain('script');
    expect(body.headers['referrer-policy']).toBe('no-referrer');
    expect((await desk.get(`/messages/${id}/body?pictures=1`)).headers['content-security-policy']).toContain(
      'img-src data: https: http:;',
    );
  });

  test('whatever bytes it is made of, its pages are answered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        const text = Buffer.from(bytes)
          .toString('latin1')
          .replace(/[\r\n]+/g, '\r\n');
        const id = await desk.bring(`Subject: ${text}`);
        for (const path of ['', '?view=text', '?view=inspection', '?view=source', '/body']) {
          expect((await desk.get(`/messages/${id}${path}`)).status).toBe(200);
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('a hostile page elsewhere', () => {
  test('OC-9 nothing happens by GET, and a form of somebody else is refused', async () => {
    const id = await desk.deliver('ada@example.com');
    for (const path of [`/messages/${id}/unsubscribe`, `/messages/${id}/mailto`]) {
      expect((await desk.get(path)).status).toBe(404);
      expect((await desk.press(path, { origin: 'https://evil.example' })).status).toBe(403);
      expect((await desk.press(path, { origin: 'null' })).status).toBe(403);
      expect((await desk.press(path, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
      expect((await desk.press(path, { 'sec-fetch-site': 'same-site' })).status).toBe(403);
    }
    expect(desk.visits).toEqual([]);
    const { host } = new URL(desk.mailbox.url);
    const own = await desk.press(`/messages/${id}/unsubscribe`, {
      host,
      origin: `http://${host}`,
      'sec-fetch-site': 'same-origin',
    });
    expect(own.status).toBe(303);
  });

  test('a public name that points here is not answered (DNS rebinding)', async () => {
    expect((await desk.get('/', { host: 'evil.example:3001' })).status).toBe(421);
    for (const host of [
      'localhost:3001',
      '127.0.0.1:3001',
      '[::1]:3001',
      'mailbox:3001',
      'mailbox.localhost',
    ]) {
      expect([host, (await desk.get('/', { host })).status]).toEqual([host, 200]);
    }
  });

  test('paths that lead nowhere are 404, other methods 405', async () => {
    for (const path of [
      '/x',
      '/messages',
      '/messages/',
      '/messages/../../etc/passwd',
      '/messages/x.eml',
      '/messages/a/b/c',
      '//',
      '/%00',
    ]) {
      expect([path, (await desk.get(path)).status]).toEqual([path, 404]);
    }
  });
});
