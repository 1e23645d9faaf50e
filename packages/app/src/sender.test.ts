import { describe, expect, test } from '@jest/globals';
import { readSender } from './sender.ts';

describe('a sender', () => {
  test.each([
    ['Slow Rails <letter@news.example.com>', 'Slow Rails', 'letter@news.example.com'],
    ['"Rails, slow" <letter@news.example.com>', 'Rails, slow', 'letter@news.example.com'],
    ['letter@NEWS.example.com', 'letter@news.example.com', 'letter@news.example.com'],
    ['<letter@news.example.com>', 'letter@news.example.com', 'letter@news.example.com'],
  ])('%j has a name and an address', (text, name, email) => {
    expect(readSender(text)).toEqual({ name, email, domain: 'news.example.com' });
  });

  test.each([
    '',
    'nobody',
    'A <a@example.com> <b@example.com>',
    'a@example.com, b@example.com',
    'a@b\r\nBcc: c@d',
  ])('%j is refused', (text) => {
    expect(() => readSender(text)).toThrow(expect.objectContaining({ code: 'from_invalid' }));
  });
});
