import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeWords } from './encodedword.ts';
import { field, fields, parsed } from './testing/reading.ts';
import { compiled, composed, composerOptions, configuration, recipient } from './testing/sample.ts';
import { cleanLine } from './text.ts';

const FIELDS = [
  'dkim-signature',
  'from',
  'to',
  'subject',
  'reply-to',
  'date',
  'message-id',
  'mime-version',
  'content-type',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'list-id',
  'feedback-id',
  'x-message-profile-id',
];

describe('The header of a message', () => {
  test('OH-13, OH-25: holds each field once, and one recipient', async () => {
    const { bytes } = await composed(composerOptions(await compiled({}), { campaignId: 'spring-2026' }));
    const found = fields(bytes);
    expect([...found.keys()]).toEqual(FIELDS);
    for (const [name, values] of found) expect(values).toHaveLength(name === 'dkim-signature' ? 2 : 1);
    const mail = await parsed(bytes);
    expect(mail.to).toMatchObject({ text: 'john@example.com' });
    expect(mail.date?.toISOString()).toBe('2025-11-24T14:25:09.000Z');
  });

  test('OH-12: the Message-ID is made of the message id, and survives a retry', async () => {
    const options = composerOptions(await compiled({}));
    const input = recipient();
    const [first, second] = [
      await composed(options, input),
      await composed(options, { ...input, date: new Date() }),
    ];
    expect(field(first.bytes, 'Message-ID')).toBe(`<${input.messageId}@news.example.com>`);
    expect(field(second.bytes, 'Message-ID')).toBe(field(first.bytes, 'Message-ID'));
    expect(field(first.bytes, 'X-Message-Profile-Id')).toBe(input.messageId);
  });

  test('OH-15: names and subjects of any language are read back as they were', async () => {
    const from = { name: 'Bränd „Frühling“, Inc.', email: 'hello@news.example.com' };
    const options = composerOptions(await compiled({ subject: '春の{{profile.what}} & more' }), {
      configuration: configuration({ from, replyTo: 'Kundendienst für Sie <care@example.com>' }),
      list: { name: 'weekly', number: 3, title: 'Brand, wöchentlich' },
    });
    const { bytes } = await composed(options, recipient({ profile: { attributes: { what: 'セール🌸' } } }));
    const mail = await parsed(bytes);
    expect(mail.subject).toBe('春のセール🌸 & more');
    expect(mail.from?.value).toEqual([{ name: from.name, address: from.email }]);
    expect(mail.replyTo?.value).toEqual([{ name: 'Kundendienst für Sie', address: 'care@example.com' }]);
    const header = bytes.subarray(0, bytes.indexOf('\r\n\r\n')).toString('latin1');
    expect(header).toMatch(/^[\r\n\x20-\x7e]*$/);
    expect(decodeWords(field(bytes, 'List-Id'))).toBe('Brand, wöchentlich <weekly.news.example.com>');
  });

  test('OH-14: nothing that a person, an author or a caller writes becomes a field of its own', async () => {
    const hostile = fc
      .array(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 12 }),
          fc.constantFrom(
            '\r\nBcc: x@example.com',
            '\nX: y',
            '\r',
            '\0',
            '\u2028Subject: z',
            '\u0085',
            '\u202e',
            '=?utf-8?q?=0D=0ABcc:?=',
            '"',
            '<',
            '>',
            ',',
            '\\',
          ),
        ),
        { maxLength: 8 },
      )
      .map((parts) => parts.join(''));
    const subject = 'Hello {{{profile.name}}}';
    const template = await compiled({ subject });
    await fc.assert(
      fc.asyncProperty(hostile, hostile, async (name, title) => {
        const options = composerOptions(template, {
          configuration: configuration({ from: { name, email: 'hello@news.example.com' } }),
          campaignId: title,
          list: { name: title, number: 3, title },
        });
        const { bytes } = await composed(options, recipient({ profile: { attributes: { name } } }));
        expect([...fields(bytes).keys()]).toEqual(FIELDS);
        const header = bytes.subarray(0, bytes.indexOf('\r\n\r\n')).toString('latin1');
        expect(header).toMatch(/^[\r\n\x20-\x7e]*$/);
        expect(header.replace(/\r\n/g, '')).not.toMatch(/[\r\n]/);
        for (const line of header.split('\r\n')) expect(line.length).toBeLessThanOrEqual(998);
        const want = cleanLine(Buffer.from(`Hello ${name}`).toString());
        expect(decodeWords(field(bytes, 'Subject'))).toBe(want);
        expect(field(bytes, 'From')).toMatch(/(?:^|<)hello@news\.example\.com>?$/);
      }),
      { numRuns: 60 },
    );
  });

  test('OH-20: a value that is an object is written as a text at most', async () => {
    const template = await compiled({ subject: 'x{{profile.name}}' });
    const name = { toString: 'y', value: 'Bcc', valueOf: 1 };
    const { bytes } = await composed(
      composerOptions(template),
      recipient({ profile: { attributes: { name: [name, ['\r\nBcc: a']] } } }),
    ).catch(() => composed(composerOptions(template)));
    expect(fields(bytes).has('bcc')).toBe(false);
  });

  test('OH-11: List-Id is stable, short and an atom, whatever the list or campaign is called', async () => {
    const template = await compiled({});
    const listId = async (change: Parameters<typeof composerOptions>[1]): Promise<string> =>
      field((await composed(composerOptions(template, change))).bytes, 'List-Id');
    expect(await listId({ list: { name: 'Weekly', number: 3, title: 'Weekly news' } })).toBe(
      'Weekly news <weekly.news.example.com>',
    );
    expect(await listId({ list: { name: 'für Sie', number: 3 } })).toBe('<list-3.news.example.com>');
    expect(await listId({ campaignId: 'spring-2026' })).toBe('<spring-2026.news.example.com>');
    const odd = await listId({ campaignId: 'spring 2026 <x>' });
    expect(odd).toMatch(/^<campaign-[0-9a-f]{16}\.news\.example\.com>$/);
    expect(await listId({ campaignId: 'spring 2026 <x>' })).toBe(odd);
    expect(
      (await listId({ list: { name: 'n'.repeat(250), number: 3, title: 't'.repeat(300) } })).length,
    ).toBeGreaterThan(200);
  });

  test('OH-26: Feedback-ID names campaign, configuration, kind and sender, and no person', async () => {
    const { bytes } = await composed(composerOptions(await compiled({}), { campaignId: 'spring:2026' }));
    expect(field(bytes, 'Feedback-ID')).toMatch(/^[0-9a-f]{12}:newsletter:marketing:adieu[0-9a-f]{10}$/);
  });

  test('OH-6: no encoded-word stands in List-Unsubscribe, List-Id’s brackets or Message-ID', async () => {
    const options = composerOptions(await compiled({}), { list: { name: 'ü', number: 1, title: 'ü' } });
    const { bytes } = await composed(options);
    for (const name of ['List-Unsubscribe', 'List-Unsubscribe-Post', 'Message-ID'])
      expect(field(bytes, name)).not.toContain('=?');
    expect(/<([^>]*)>$/.exec(field(bytes, 'List-Id'))?.[1]).toBe('list-1.news.example.com');
  });

  test('a From that is no address opens no composer', async () => {
    const template = await compiled({});
    for (const email of [
      'hello',
      'a@b.example, c@d.example',
      'ü@news.example.com',
      'a@b.example\r\nBcc: x@y.example',
    ]) {
      const options = composerOptions(template, {
        configuration: configuration({ from: { name: '', email } }),
      });
      await expect(composed(options)).rejects.toMatchObject({ code: 'from_invalid' });
    }
  });
});
