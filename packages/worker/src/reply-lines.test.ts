import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openReplyLines } from './reply-lines.ts';

function read(chunks: readonly (string | Buffer)[]): { replies: (readonly string[])[]; ok: boolean } {
  const replies: (readonly string[])[] = [];
  const lines = openReplyLines((reply) => replies.push(reply));
  let ok = true;
  for (const chunk of chunks) ok = lines.feed(Buffer.from(chunk));
  return { replies, ok };
}

describe('replies', () => {
  test('several replies in one chunk are several replies', () => {
    expect(read(['250 one\r\n354 two\r\n']).replies).toEqual([['250 one'], ['354 two']]);
  });

  test('a multi-line reply is one reply', () => {
    expect(read(['550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 user\r\n']).replies).toEqual([
      ['550-5.1.1 no', '550-5.1.1 such', '550 5.1.1 user'],
    ]);
  });

  test('a code alone is a reply, and a bare LF ends a line', () => {
    expect(read(['250\r\n', '221 bye\n']).replies).toEqual([['250'], ['221 bye']]);
  });

  test('however the stream is cut, the replies are the same', () => {
    const stream = Buffer.from('250-é\r\n250 ok\r\n421 4.3.2 bye\r\n');
    fc.assert(
      fc.property(fc.array(fc.nat({ max: stream.length }), { maxLength: 40 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const chunks = at.slice(1).map((end, index) => stream.subarray(at[index], end));
        expect(read(chunks).replies).toEqual([['250-é', '250 ok'], ['421 4.3.2 bye']]);
      }),
    );
  });

  test('a huge reply is cut to its first lines and keeps its end', () => {
    const { replies, ok } = read([`${'550-x\r\n'.repeat(5000)}550 end\r\n`, '250 next\r\n']);
    expect(ok).toBe(true);
    expect(replies[0]).toHaveLength(32);
    expect(replies[0]?.at(-1)).toBe('550 end');
    expect(replies[1]).toEqual(['250 next']);
  });

  test('a huge line is cut', () => {
    expect(read([`550 ${'x'.repeat(100_000)}\r\n`]).replies[0]?.[0]).toHaveLength(1024);
  });

  test.each([
    ['a reply that never ends', ['550-x\r\n'.repeat(60_000)]],
    ['a line that never ends', ['5'.repeat(300_000)]],
    ['another protocol', ['HTTP/1.1 400 Bad Request\r\n']],
    ['a code that is none', ['999 x\r\n']],
    ['lines that disagree', ['250-a\r\n550 b\r\n']],
  ])('%s breaks the connection', (_, chunks) => {
    expect(read(chunks)).toEqual({ replies: [], ok: false });
  });

  test('control characters do not reach whoever reads the text', () => {
    expect(read(['550 a\u0000b\tc\u001bd\r\n']).replies).toEqual([['550 a b c d']]);
  });
});
