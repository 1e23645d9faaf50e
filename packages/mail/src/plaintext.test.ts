import { describe, expect, test } from '@jest/globals';
import { deriveText } from './plaintext.ts';

describe('The derived text part', () => {
  test('OH-21: links survive, ours as helpers', () => {
    const html =
      '<p>Read <a href="https://brand.example/?a=1&amp;b=2">more</a>.</p><a href="{{unsubscribeUrl page="https://x.example/"}}">Unsubscribe</a>';
    expect(deriveText(html)).toBe(
      'Read more <https://brand.example/?a=1&b=2>.\n\nUnsubscribe <{{unsubscribeUrl page="https://x.example/"}}>\n',
    );
  });

  test('Handlebars survives, in tables too, and a block leaves no gap', () => {
    const html =
      '<p>Hi {{profile.name}},</p>{{#if profile.vip}}<p>VIP</p>{{/if}}<p>bye</p><table>{{#each profile.items}}<tr><td>{{name}}</td><td>{{price}}</td></tr>{{/each}}</table>';
    expect(deriveText(html)).toBe(
      'Hi {{profile.name}},\n\n{{#if profile.vip}}\nVIP\n\n{{/if}}\nbye\n\n{{#each profile.items}}\n{{name}} {{price}}\n{{/each}}\n',
    );
  });

  test('tables read line by line, cells apart', () => {
    const html =
      '<table><tr><td>Item</td><td align=right>5 €</td></tr><tr><td>Sum</td><td>5 €</td></tr></table>';
    expect(deriveText(html)).toBe('Item 5 €\nSum 5 €\n');
  });

  test('pictures, hidden text, comments, scripts and style sheets are left out', () => {
    const html =
      '<head><title>T</title></head><body><div style="display:none">preview</div><style>a{}</style><script>x</script><!--[if mso]>Outlook<![endif]--><img src=x alt="logo"><a href="https://x.example"><img alt="Shop"></a><p>Text</p></body>';
    expect(deriveText(html)).toBe('Shop <https://x.example>\n\nText\n');
  });

  test('braces that were text stay text', () => {
    expect(deriveText('<p>&#123;&#123;profile.x}} \\{{y}}</p>')).toBe('\\{{profile.x}} \\{{y}}\n');
  });

  test('white space that only pads a preview is gone, joined characters stay', () => {
    expect(deriveText('<p>a</p><p>\u00a0\u200c\u034f</p><p>👩\u200d💻</p>')).toBe('a\n\n👩\u200d💻\n');
  });
});
