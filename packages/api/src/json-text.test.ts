import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_DEPTH } from './json-syntax.ts';
import { parseJson } from './json-text.ts';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('JSON from strangers', () => {
  test('is parsed as JSON.parse does when nothing is wrong with it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const parsed = parseJson(text);
        if (text.includes('__proto__')) return;
        expect(parsed).toEqual({ ok: true, value: JSON.parse(text) });
      }),
    );
  });

  test('that is not valid is refused without a quote of it', () => {
    const parsed = parseJson('{"email":"john@example.com"');
    expect(parsed).toMatchObject({ ok: false, code: 'invalid_json' });
    expect(JSON.stringify(parsed)).not.toContain('john');
  });

  test.each([
    '{"__proto__":{"admin":true}}',
    '{"a":[{"\\u005f\\u005fproto\\u005f\\u005f":1}]}',
    '{"constructor":{"prototype":{"admin":true}}}',
    '{"\\u0063onstructor":{"prototype":1}}',
    '{"\\u005F_proto__":1}',
  ])('that reaches for a prototype is refused: %s', (text) => {
    expect(parseJson(text)).toMatchObject({ ok: false, code: 'forbidden_key' });
  });

  test('may speak of a constructor as of any other thing', () => {
    expect(parseJson('{"constructor":"Brunel"}')).toMatchObject({ ok: true });
    expect(parseJson('{"text":"__proto__"}')).toMatchObject({ ok: true });
  });

  test('is refused beyond the depth, and brackets in a string hide none', () => {
    expect(parseJson(nested(MAX_DEPTH))).toMatchObject({ ok: true });
    expect(parseJson(nested(MAX_DEPTH + 1))).toMatchObject({ ok: false, code: 'too_deep' });
    expect(parseJson(nested(100_000))).toMatchObject({ ok: false, code: 'too_deep' });
    expect(parseJson(`{"${']'.repeat(5_000)}":1,"a":${nested(5_000)}}`)).toMatchObject({
      ok: false,
      code: 'too_deep',
    });
    expect(parseJson(`{"a":"${'['.repeat(5_000)}"}`)).toMatchObject({ ok: true });
    expect(parseJson(`{"a":"\\"${'['.repeat(500)}"}`)).toMatchObject({ ok: true });
  });
});
