import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { openManagement } from './management.ts';

/** A peer that gives every call the same answer. */
async function answering<T>(status: number, body: string, work: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((_request, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.close();
  }
}

describe('the management API from outside', () => {
  test('where nobody answers is told with the way to start a server', async () => {
    const url = await answering(200, '', async (gone) => gone);
    const found = openManagement(url, 'key').findExecution('1');
    await expect(found).rejects.toMatchObject({
      code: 'server_unreachable',
      detail: expect.stringContaining('adieu demo'),
    });
  });

  test('refuses in its own words', async () => {
    const problem = JSON.stringify({ code: 'from_not_aligned', detail: 'Not aligned.', field: 'from.email' });
    await answering(422, problem, async (url) => {
      const put = openManagement(url, 'key').putConfiguration('newsletter', {});
      await expect(put).rejects.toMatchObject({ code: 'from_not_aligned', field: 'from.email' });
    });
  });

  test('that does not know the key says which key it takes', async () => {
    const problem = JSON.stringify({ code: 'unauthenticated', detail: 'No.' });
    await answering(401, problem, async (url) => {
      await expect(openManagement(url, 'key').findExecution('1')).rejects.toMatchObject({
        detail: expect.stringContaining('--key'),
      });
    });
  });

  test('gives every error of a template', async () => {
    const errors = [{ code: 'mjml', part: 'mjml', line: 3, column: 1, message: 'no' }];
    const problem = JSON.stringify({ code: 'template_invalid', detail: 'No.', errors });
    await answering(422, problem, async (url) => {
      expect(await openManagement(url, 'key').putTemplate('a', {})).toEqual({ ok: false, errors });
    });
  });

  test('that is another server altogether is not taken for one', async () => {
    await answering(502, '<h1>Bad gateway</h1>', async (url) => {
      await expect(openManagement(url, 'key').importProfiles('')).rejects.toMatchObject({
        code: 'unexpected_answer',
      });
    });
  });
});
