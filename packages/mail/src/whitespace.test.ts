import { describe, expect, test } from '@jest/globals';
import { collapseWhitespace } from './whitespace.ts';

describe('White space', () => {
  test('a run of it becomes one character, between tags, in text and between attributes', () => {
    expect(collapseWhitespace('<td\n     align="left"   class=x\n  >\n   a   b \n  c</td>\n\n   <td/>')).toBe(
      '<td align="left" class=x>\na b\nc</td>\n<td/>',
    );
  });

  test('what is shown as it stands is left alone', () => {
    for (const html of [
      '<pre>\n  a   b\n</pre>',
      '<textarea>  a  </textarea>',
      '<style>\n  a   { b: c }\n</style>',
      '<p style="white-space: pre-line">a\n  b</p>',
      '<style>.x{white-space:pre}</style><p class=x>a\n  b</p>',
    ]) {
      expect(collapseWhitespace(html)).toBe(html);
    }
  });

  test('attribute values and Handlebars tags keep theirs', () => {
    const html = '<a title="a   b" {{#if  x}}class="y"{{/if}}>{{!   kept  }}{{x   y="a   b"}}</a>';
    expect(collapseWhitespace(html)).toBe(html);
  });

  test('Outlook’s comments are collapsed inside', () => {
    expect(collapseWhitespace('<!--[if mso]><table   border="0" >\n    <tr>\n  <td><![endif]-->')).toBe(
      '<!--[if mso]><table border="0">\n<tr>\n<td><![endif]-->',
    );
  });
});
