import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { html } from './markup.ts';

test('LP-5: text never becomes markup', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const { markup } = html`<p title="${text}">${text}</p>`;
      expect(markup.replace(/^<p title="|<\/p>$/g, '').replace('">', '')).not.toMatch(/[<>"']/);
    }),
  );
});

test('markup nests, and nothing stays nothing', () => {
  expect(html`<ul>${html`<li>${'a & b'}</li>`}${null}</ul>`.markup).toBe('<ul><li>a &amp; b</li></ul>');
});
