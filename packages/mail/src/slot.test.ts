import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import Handlebars from 'handlebars';
import { parseHandlebars } from './grammar.ts';
import { openLinkRegistry } from './link.ts';
import { openPieces, renderPieces, type SlotStyle } from './slot.ts';

function render(
  text: string,
  data: object,
  style: { html?: boolean; strict?: SlotStyle['strict'] } = {},
): string {
  const parsed = parseHandlebars(text, 'html');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  const registry = openLinkRegistry();
  const pieces = openPieces(parsed.grammar, registry, {
    html: style.html ?? true,
    strict: style.strict ?? 'no',
  });
  const url = (index: number): string => `https://x.example/${registry.links[index]?.type}?a=1&b=${index}`;
  return renderPieces(pieces, { data, url });
}

describe('Slots', () => {
  test('values are escaped in HTML and left alone in text', () => {
    const data = { profile: { name: '<b>"Tom" & \'Al\'</b>' } };
    expect(render('{{profile.name}}', data)).toBe('&lt;b&gt;&quot;Tom&quot; &amp; &#x27;Al&#x27;&lt;/b&gt;');
    expect(render('{{profile.name}}', data, { html: false })).toBe(data.profile.name);
    expect(render('{{{profile.name}}}', data)).toBe(data.profile.name);
  });

  test('an unknown path is empty; strict makes it an error', () => {
    expect(render('a{{profile.x.y}}b{{context.z}}c', { profile: {} })).toBe('abc');
    expect(() => render('{{profile.x}}', { profile: {} }, { strict: 'all' })).toThrow('not defined');
    expect(render('{{#if profile.x}}y{{else}}n{{/if}}', { profile: {} }, { strict: 'all' })).toBe('n');
  });

  test('prototypes stay out of reach', () => {
    for (const path of [
      'profile.constructor',
      'profile.__proto__',
      'profile.toString',
      'profile.a.constructor.name',
    ]) {
      expect(render(`{{${path}}}`, { profile: { a: [] } })).toBe('');
    }
    expect(render('{{lookup profile "constructor"}}', { profile: {} })).toBe('');
    expect(render('{{#with profile.constructor}}x{{/with}}', { profile: {} })).toBe('');
  });

  test('blocks, the root and the parent work across slots', () => {
    const data = { profile: { items: ['a', 'b'], city: 'Rome' }, context: { c: 1 } };
    expect(
      render(
        '{{#each profile.items}}{{this}}{{@index}}{{../profile.city}}{{@root.context.c}};{{/each}}',
        data,
      ),
    ).toBe('a0Rome1;b1Rome1;');
  });

  test('sections without a helper, block parameters and nested look-ups work', () => {
    const data = { profile: { items: [{ n: 1 }, { n: 2 }], o: { a: 1 } }, context: { k: 'o' } };
    expect(
      render('{{#profile.items}}{{n}}{{/profile.items}}{{^profile.none}}none{{/profile.none}}', data),
    ).toBe('12none');
    expect(render('{{#each profile.o as |value key|}}{{key}}={{value}}{{@last}}{{/each}}', data)).toBe(
      'a=1true',
    );
    expect(render('{{#with (lookup profile (lookup context "k"))}}{{a}}{{else}}no{{/with}}', data)).toBe('1');
    expect(
      render('{{#if profile.x}}a{{else if context.k}}b{{else}}c{{/if}}{{! never }}{{~profile.o.a~}} .', data),
    ).toBe('b1.');
  });

  test('OH-22: a link is escaped once in HTML, and not in text, inside blocks as outside', () => {
    const text = '{{oneClickUrl}} {{#if profile}}{{oneClickUrl}} {{unsubscribeUrl level="identity"}}{{/if}}';
    expect(render(text, { profile: { x: 1 } })).toBe(
      'https://x.example/one-click?a=1&amp;b=0 https://x.example/one-click?a=1&amp;b=0 https://x.example/unsubscribe?a=1&amp;b=1',
    );
    expect(render('{{{oneClickUrl}}}', {})).toBe('https://x.example/one-click?a=1&amp;b=0');
    expect(render(text, { profile: { x: 1 } }, { html: false })).not.toContain('&amp;');
  });

  test('a value is written as Handlebars writes it, whatever it is and wherever it is looked for', () => {
    const names = ['a', 'if', 'each', 'constructor', '__proto__', 'toString', 'hasOwnProperty', 'length'];
    const name = fc.constantFrom(...names);
    const odd = fc.constantFrom<unknown>(
      ...[undefined, 0, -0, Number.NaN, 1e21, 10n, new Date(0), () => 'called', Symbol.iterator],
      ...[{ toString: () => '<&>' }, { toHTML: () => '<b>' }, Object.create(null, { a: { value: '<' } })],
      ...[new Handlebars.SafeString('<i>'), '&<>"\'`=', [[1, '<'], null], JSON.parse('{"__proto__":"own"}')],
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof({ depthSize: 'small' }, fc.string(), fc.jsonValue(), odd, tie('object')),
      object: fc.dictionary(name, tie('any'), { noNullPrototype: false }),
    }));
    const tag = fc.constantFrom('{{', '{{{', '{{~', '{{&');
    const start = fc.constantFrom('', 'this.', './', '@root.', '../', '@');
    const path = fc
      .array(name, { minLength: 1, maxLength: 3 })
      .map((parts) => parts.map((part) => `[${part}]`).join('.'));
    const style = fc.record({
      html: fc.boolean(),
      strict: fc.constantFrom<SlotStyle['strict']>('no', 'all'),
    });
    const attempt = (write: () => string): string => {
      try {
        return write();
      } catch (error) {
        return String(error);
      }
    };
    const plain = Handlebars.create();
    fc.assert(
      fc.property(value.object, tag, start, path, style, (data, opening, from, rest, { html, strict }) => {
        const text = `${opening}${from}${rest}${opening === '{{{' ? '}}}' : '}}'}`;
        const options = { noEscape: !html, strict: strict === 'all', knownHelpersOnly: true };
        // What Adieu refuses is not compiled.
        fc.pre(parseHandlebars(text, 'html').ok);
        expect([text, attempt(() => render(text, data as object, { html, strict }))]).toEqual([
          text,
          attempt(() => plain.compile(text, options)(data)),
        ]);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a text without tags is one constant, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!text.includes('{{') && !text.includes('\\'));
        expect(render(text, {})).toBe(text);
      }),
    );
  });
});
