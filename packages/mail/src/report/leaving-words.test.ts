import { describe, expect, test } from '@jest/globals';
import { asksToLeave } from './leaving-words.ts';

const mail = (body: string, fields = 'Content-Type: text/plain; charset=utf-8') =>
  asksToLeave(Buffer.from(`From: john@example.com\n${fields}\n\n${body}`.replace(/\n/g, '\r\n')));

describe('MT-13 the first line of an answer', () => {
  test.each([
    'unsubscribe',
    'UNSUBSCRIBE!',
    'Please unsubscribe me.',
    'Stop',
    'opt-out, please',
    'Désabonnez-moi',
    'me desabonner',
    'désinscription svp',
    'Bitte abmelden',
    'Newsletter abbestellen',
    'darme de baja',
    'Baja, por favor',
    'disiscrivimi grazie',
    'cancelar inscrição',
    'Descadastre-me',
    'uitschrijven aub',
    'schrijf me uit',
    'Proszę o wypisanie',
    'wypisz mnie',
    '配信停止してください',
    '購読解除をお願いします。',
    'إلغاء الاشتراك',
    'الغاء الاشتراك، رجاءً',
  ])('%s asks to leave', (line) => {
    expect(mail(`\n${line}\n\nOn Monday Brand wrote:\n> Spring sale`)).toBe(true);
  });

  test.each([
    '',
    'Thanks!',
    'do not unsubscribe me',
    'never unsubscribe',
    'unsubscribe?',
    'hello please unsubscribe thanks',
    'I want to unsubscribe my mother',
    'stop shipping',
    'nonstop',
    'Bajamar',
    '> unsubscribe',
    '| unsubscribe',
    'Unsubscribe:',
    '停止しないでください',
    'لا إلغاء الاشتراك',
  ])('%j does not', (line) => {
    expect(mail(line)).toBe(false);
  });
});

describe('MT-13 is not asked', () => {
  test.each([
    ['of what follows the first line', 'Hello\nunsubscribe'],
    ['of a quotation', 'On Monday Brand wrote:\n> Hello\n> unsubscribe'],
    ['of a quotation alone', '> unsubscribe\n> here'],
    ['of a signature', '-- \nunsubscribe'],
    ['of a forwarded message', '-----Original Message-----\nFrom: Brand\n\nunsubscribe'],
  ])('%s', (_, body) => {
    expect(mail(body)).toBe(false);
  });

  const multipart = (...parts: string[]) =>
    mail(
      `${parts.map((part) => `--b\n${part}`).join('\n')}\n--b--\n`,
      'Content-Type: multipart/mixed; boundary=b',
    );

  test('BC-13 of a message inside the message, an attachment, HTML, a reaction or a report', () => {
    const own = 'Content-Type: text/plain\n\nunsubscribe';
    const inside = 'Content-Type: message/rfc822\n\nFrom: a@b.example\n\nunsubscribe';
    expect(multipart(own)).toBe(true);
    expect(multipart(own, inside)).toBe(true);
    expect(multipart(inside)).toBe(false);
    expect(multipart(inside, own)).toBe(false);
    expect(multipart('Content-Type: text/plain\n\nHello', inside, own)).toBe(false);
    for (const disposition of ['attachment; filename=a.txt', 'reaction'])
      expect(multipart(`Content-Type: text/plain\nContent-Disposition: ${disposition}\n\nstop`)).toBe(false);
    expect(multipart('Content-Type: text/html\n\n<p>unsubscribe</p>')).toBe(false);
    expect(
      mail(`--b\n${own}\n--b--\n`, 'Content-Type: multipart/report; report-type=delivery-status; boundary=b'),
    ).toBe(false);
  });

  test('in vain where the text is encoded, long or torn', () => {
    const base64 = 'Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64';
    expect(mail(Buffer.from('Désabonner\n\n> x').toString('base64'), base64)).toBe(true);
    expect(mail(`unsubscribe\n${'> x\n'.repeat(100_000)}`)).toBe(true);
    expect(mail(`${'stop '.repeat(100_000)}`)).toBe(false);
    expect(asksToLeave(Buffer.alloc(0))).toBe(false);
    expect(asksToLeave(Buffer.alloc(2_000_000, 0xff))).toBe(false);
  });
});
