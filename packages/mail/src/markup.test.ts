import { describe, expect, test } from '@jest/globals';
import { readMarkup } from './markup.ts';

describe('Markup', () => {
  test('tags and attributes are found at their offsets, in conditional comments too', () => {
    const html =
      '<body><!--[if mso]><v:roundrect href="a&amp;b" arcsize=\'8%\'><w:anchorlock/></v:roundrect><![endif]-->' +
      '<!--[if !mso]><!--><a  href=x disabled >y</a><!--<![endif]--></body>';
    const { tags, comments } = readMarkup(html);
    expect(tags.map(({ name, audience }) => `${name} ${audience}`)).toEqual([
      'body everybody',
      'v:roundrect conditional',
      'w:anchorlock conditional',
      'a everybody',
    ]);
    for (const tag of tags) {
      expect(html.slice(tag.start, tag.nameEnd)).toBe(`<${tag.name}`);
      expect(html[tag.end - 1]).toBe('>');
      for (const attribute of tag.attributes) {
        expect(html.slice(attribute.start, attribute.end)).toContain(attribute.name);
        expect(html.slice(attribute.start, attribute.end)).toContain(attribute.value);
      }
    }
    expect(comments).toHaveLength(1);
  });

  test('a comment that nobody reads is told apart from one that Outlook reads', () => {
    const { tags, comments } = readMarkup(
      '<!-- <a href="x">old</a> --><!--[if gte mso 9]><a href="y"><![endif]-->',
    );
    expect(tags.map(({ audience }) => audience)).toEqual(['nobody', 'conditional']);
    expect(comments.map(({ audience }) => audience)).toEqual(['nobody', 'conditional']);
  });

  test('nothing is moved out of a table', () => {
    const { texts } = readMarkup('<table>each<tr><td>x</td></tr>/each</table>');
    expect(texts.map(({ parent }) => parent)).toEqual(['table', 'td', 'table']);
  });

  test('text that is shown as it stands is known', () => {
    const { texts } = readMarkup('<pre>a<b>b</b></pre><p style="white-space:pre-wrap">c</p><p>d</p>');
    expect(texts.map(({ preformatted }) => preformatted)).toEqual([true, true, true, false]);
  });

  test('deep nesting does not exhaust the stack', () => {
    const { tags } = readMarkup('<div>'.repeat(20_000));
    expect(tags).toHaveLength(20_000);
  });
});
