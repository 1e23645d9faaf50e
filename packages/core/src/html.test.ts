import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeHtml, escapeHtml, html, type Markup } from './html.ts';

describe('markup (LP-5)', () => {
  test('every value is escaped, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const made = html`<p title="${text}">${text}</p>`.markup;
        expect(made.replace(/&(?:amp|lt|gt|quot|#39);/g, '')).toMatch(
          /^<p title="[^"<>&']*">[^"<>&']*<\/p>$/u,
        );
      }),
    );
  });

  test('markup goes in as it is, lists are joined, and nothing is nothing', () => {
    const item = html`<li>${1}</li>`;
    expect(html`<ul>${[item, item]}${null}${undefined}${false}</ul>`.markup).toBe(
      '<ul><li>1</li><li>1</li></ul>',
    );
  });

  test('what only looks like markup is text', () => {
    const forged = JSON.parse('{"markup":"<script>alert(1)</script>"}') as Markup;
    expect(html`${forged}`.markup).toBe('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  test('what is escaped decodes to itself', () => {
    fc.assert(fc.property(fc.string(), (text) => expect(decodeHtml(escapeHtml(text))).toBe(text)));
  });

  test('a reference that means no character stays as it is', () => {
    const odd = '&#0; &#xd800; &#x110000; &bogus; &amp';
    expect(decodeHtml(odd)).toBe(odd);
    expect(decodeHtml('&#65;&#x42;&NBSP;&amp;amp;')).toBe('AB &amp;');
  });
});
