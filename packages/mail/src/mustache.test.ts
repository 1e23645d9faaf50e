import { describe, expect, test } from '@jest/globals';
import {
  applyEdits,
  decodeTagEntities,
  mask,
  originOf,
  positionAt,
  readMustaches,
  tokenise,
} from './mustache.ts';

function tags(text: string): string[] {
  return readMustaches(text).map(({ kind, name, start, end }) => `${kind} ${name} ${text.slice(start, end)}`);
}

describe('Handlebars tags', () => {
  test('are found with their kind, and a string may hold braces', () => {
    expect(tags('{{a.b}} {{{c}}} {{&d}} {{~e~}} {{f x="}}" y=[}}]}}')).toEqual([
      'value a.b {{a.b}}',
      'value c {{{c}}}',
      'value d {{&d}}',
      'value e {{~e~}}',
      'value f {{f x="}}" y=[}}]}}',
    ]);
    expect(
      tags('{{#if a}}{{else if b}}{{^}}{{else}}{{/if}}{{^x}}{{/x}}').map((tag) => tag.split(' ')[0]),
    ).toEqual(['open', 'else', 'else', 'else', 'close', 'open', 'close']);
  });

  test('escaped tags are text, comments end where they end', () => {
    expect(tags('\\{{a}} \\\\{{b}}')).toEqual(['value b {{b}}']);
    expect(tags('{{! a }}{{!-- }} {{b}} --}}{{!--}}{{c}}')).toEqual([
      'comment  {{! a }}',
      'comment  {{!-- }} {{b}} --}}',
      'comment  {{!--}}',
      'value c {{c}}',
    ]);
  });

  test('what reaches out is told apart', () => {
    const kinds = readMustaches('{{> p}}{{#> q}}{{* d}}{{#*inline "x"}}{{{{raw}}}}').map(({ kind }) => kind);
    expect(kinds).toEqual(['refused', 'refused', 'refused', 'refused', 'refused']);
  });

  test('masking keeps every offset', () => {
    const text = '<a href="{{x y="z"}}"{{#if a}} b="c"{{/if}}>';
    const masked = mask(text, readMustaches(text));
    expect(masked).toHaveLength(text.length);
    expect(masked.indexOf('b="c"')).toBe(text.indexOf('b="c"'));
    expect(masked).not.toContain('{{');
  });

  test('tokens occur nowhere else, and lead back', () => {
    const text = 'qzmustache0e {{a}} {{b}}';
    const tokens = tokenise(text, readMustaches(text));
    expect(tokens.text).not.toContain('{{');
    expect(tokens.restore(tokens.text)).toBe(text);
    expect(tokens.restore(`${tokens.text}${tokens.text}`)).toBe(text + text);
  });

  test('entities in a tag are decoded, elsewhere they stay', () => {
    expect(decodeTagEntities('<a href="{{x page=&quot;a&amp;b&#39;&quot;}}">&amp;</a>')).toBe(
      '<a href="{{x page="a&b\'"}}">&amp;</a>',
    );
  });

  test('places are counted from one', () => {
    expect([0, 4, 7].map((offset) => positionAt('ab\ncd\nef', offset))).toEqual([
      { line: 1, column: 1 },
      { line: 2, column: 2 },
      { line: 3, column: 2 },
    ]);
  });

  test('an offset of an edited text leads back to where it came from', () => {
    const edits = [
      { start: 4, end: 5, text: '' },
      { start: 1, end: 2, text: 'long' },
      { start: 6, end: 6, text: '!' },
    ];
    expect(applyEdits('abcdefgh', edits)).toBe('alongcdf!gh');
    const origins = [...'alongcdf!gh'].map((_, offset) => originOf(edits, offset));
    expect(origins).toEqual([0, 1, 1, 1, 1, 2, 3, 5, 6, 6, 7]);
  });
});
