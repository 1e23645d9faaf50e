import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { openLinkRegistry } from './link.ts';
import { type Piece, renderPieces } from './slot.ts';
import { compileTemplate } from './template.ts';
import { templateSource } from './testing/sample.ts';

const FIXTURES = new URL('fixtures/', import.meta.url);

/** The compiled template as a text: constants as they are, links by number. */
function show(pieces: readonly Piece[], data: object): string {
  return renderPieces(pieces, { data, url: (link) => `https://link/${link}?a&b` });
}

describe('A template', () => {
  for (const name of readdirSync(FIXTURES).filter((file) => /^\d\d-.*\.template\.json$/.test(file))) {
    test(`compiles as its golden twin says: ${name}`, async () => {
      const { data, ...source } = JSON.parse(readFileSync(new URL(name, FIXTURES), 'utf8'));
      const want = JSON.parse(readFileSync(new URL(name.replace('.template.', '.want.'), FIXTURES), 'utf8'));
      const outcome = await compileTemplate(templateSource(source));
      if (!outcome.ok) expect(outcome.errors).toEqual(want.errors);
      else {
        const { template, warnings, optOutLinks } = outcome;
        expect({
          subject: show(template.subject, data),
          html: show(template.html, data).split('\n'),
          text: show(template.text, data).split('\n'),
          links: template.links,
          optOutLinks,
          warnings,
        }).toEqual(want);
      }
    });
  }

  test('U4: links are made in HTML, in blocks, in tables and inside Outlook’s comments', async () => {
    const outcome = await compileTemplate(
      templateSource({
        html: `<table>{{#each profile.items}}<tr><td><a href="#" data-link-type="unsubscribe">{{this}}</a></td></tr>{{/each}}</table>
<!--[if mso]><v:roundrect href="https://brand.example/bye" data-link-type="one-click" style="x"><w:anchorlock/></v:roundrect><![endif]-->
<!--[if !mso]><!--><a data-link-type='one-click' href='https://brand.example/bye'>Bye</a><!--<![endif]-->`,
      }),
    );
    if (!outcome.ok) throw new Error(JSON.stringify(outcome.errors));
    expect(outcome.template.links).toEqual([
      { type: 'unsubscribe' },
      { type: 'one-click', page: 'https://brand.example/bye' },
    ]);
    const html = show(outcome.template.html, { profile: { items: ['a', 'b'] } });
    expect(html).toContain(
      '<tr><td><a href="https://link/0?a&amp;b">a</a></td></tr><tr><td><a href="https://link/0?a&amp;b">b</a></td></tr>',
    );
    expect(html).toContain('<v:roundrect href="https://link/1?a&amp;b" style="x">');
    expect(html).toContain('<a href="https://link/1?a&amp;b">Bye</a>');
  });

  test('U8: a link counts as a way out only where everybody sees it', async () => {
    const count = async (html: string): Promise<number> => {
      const outcome = await compileTemplate(templateSource({ html }));
      if (!outcome.ok) throw new Error(JSON.stringify(outcome.errors));
      return outcome.optOutLinks;
    };
    expect(await count('<p>Hello</p>')).toBe(0);
    expect(await count('<a data-link-type="one-click">x</a>')).toBe(1);
    expect(await count('<a href="{{preferencesUrl}}">x</a> {{unsubscribeUrl}}')).toBe(2);
    expect(await count('<!--[if mso]><a data-link-type="one-click">x</a><![endif]-->')).toBe(0);
    expect(await count('<!-- <a data-link-type="one-click">{{oneClickUrl}}</a> -->')).toBe(0);
  });

  test('U8: a link without content, or one that is hidden, is no way out', async () => {
    const count = async (html: string): Promise<number> => {
      const outcome = await compileTemplate(templateSource({ html }));
      if (!outcome.ok) throw new Error(JSON.stringify(outcome.errors));
      return outcome.optOutLinks;
    };
    expect(await count('<a href="{{oneClickUrl}}"></a>')).toBe(0);
    expect(await count('<a href="{{oneClickUrl}}"> &nbsp;<span> </span>\u200b</a>after')).toBe(0);
    expect(await count('<a href="{{oneClickUrl}}"><!--[if mso]>Bye<![endif]--></a>')).toBe(0);
    expect(await count('<a href="{{oneClickUrl}}"><b style="display: none">x</b></a>')).toBe(0);
    expect(await count('<div hidden><a href="{{oneClickUrl}}">x</a> {{oneClickUrl}}</div>')).toBe(0);
    expect(await count('<a href="{{oneClickUrl}}"><img src="x.png"></a>')).toBe(1);
    expect(await count("<a href='{{oneClickUrl}}'>{{profile.label}}</a>")).toBe(1);
    expect(await count('<a href={{oneClickUrl}}>x</a>')).toBe(1);
    expect(await count('<img usemap="#m"><map name="m"><area href="{{oneClickUrl}}"></map>')).toBe(1);
  });

  test('U8: a link helper where no link can be is an error where it stands', async () => {
    for (const html of [
      '<img src="{{oneClickUrl}}">',
      '<form action="{{unsubscribeUrl}}">x</form>',
      '<a href="http://{{oneClickUrl}}">x</a>',
      '<a href="{{oneClickUrl}}?x=1">x</a>',
      '<a href="{{#if profile.x}}https://x.example/{{/if}}{{oneClickUrl}}">x</a>',
      '<a title="{{oneClickUrl}}" href="#">x</a>',
      '<a href="https://www.facebook.com/sharer/sharer.php?u={{unsubscribeUrl}}">x</a>',
      '<link href="{{preferencesUrl}}">',
      '<style>a { background: url({{oneClickUrl}}) }</style>',
      '<script>{{oneClickUrl}}</script>',
      '<title>{{oneClickUrl}}</title>',
      '<!--[if mso]><img src="{{oneClickUrl}}"><![endif]-->',
      '<p {{oneClickUrl}}>x</p>',
      '<p>x</p {{oneClickUrl}}>',
      '<a href="{{{["oneClickUrl"]}}}"">{{lookup profile (oneClickUrl)}}</a>',
      '<img src=\'{{"oneClickUrl"}}\'>',
    ]) {
      const outcome = await compileTemplate(templateSource({ html: `<p>\n${html}</p>` }));
      expect([html, outcome.ok || outcome.errors.map(({ code }) => code)]).toEqual([html, ['link_invalid']]);
    }
    const placed = await compileTemplate(templateSource({ html: '<p>a</p>\n <img src="{{oneClickUrl}}">' }));
    expect(placed).toMatchObject({ ok: false, errors: [{ line: 2, column: 12, part: 'html' }] });
  });

  test('U8: in MJML the error stands at the component that makes something else of the link', async () => {
    const head = '<mjml><mj-body><mj-section><mj-column>\n';
    const foot = '</mj-column></mj-section></mj-body></mjml>';
    const errors = async (inner: string): Promise<unknown> => {
      const outcome = await compileTemplate(templateSource({ mjml: `${head}${inner}${foot}` }));
      return outcome.ok || outcome.errors;
    };
    const bye = '<mj-button data-link-type="one-click" href="https://brand.example/bye">Bye</mj-button>\n';
    const share =
      '<mj-social><mj-social-element name="facebook" href="{{unsubscribeUrl}}">x</mj-social-element>';
    expect(await errors(`${bye}${share}</mj-social>`)).toMatchObject([
      { code: 'link_invalid', line: 3, column: 53, part: 'mjml' },
    ]);
    expect(await errors(`${bye}  <mj-image src="{{oneClickUrl}}" />`)).toMatchObject([
      { code: 'link_invalid', line: 3, column: 18, part: 'mjml' },
    ]);
    expect(await errors(bye)).toBe(true);
  });

  test('U8: links that stand only inside blocks count, with a warning', async () => {
    const warned = 'every opt-out link stands inside a Handlebars block: some recipients may get none';
    const link = '<a href="{{oneClickUrl}}">x</a>';
    for (const html of [`{{#if profile.x}}${link}{{/if}}`, `{{#each profile.x}}${link}{{/each}}`]) {
      const outcome = await compileTemplate(templateSource({ html }));
      expect(outcome).toMatchObject({ ok: true, optOutLinks: 1, warnings: [warned] });
    }
    const both = await compileTemplate(templateSource({ html: `{{#if profile.x}}${link}{{/if}}${link}` }));
    expect(both).toMatchObject({ ok: true, optOutLinks: 2, warnings: [] });
  });

  test('U4: a link to the mail in the browser is refused: this version serves no such page', async () => {
    const refused = { code: 'link_unsupported', message: expect.stringContaining('viewing in the browser') };
    const compile = async (parts: Parameters<typeof templateSource>[0]): Promise<unknown> => {
      const outcome = await compileTemplate(templateSource(parts));
      return outcome.ok || outcome.errors;
    };
    expect(await compile({ html: '<p>\n <a data-link-type="mirror">x</a></p>' })).toEqual([
      { ...refused, part: 'html', line: 2, column: 2 },
    ]);
    expect(await compile({ html: '<p>x</p>', text: 'see {{mirrorUrl}}' })).toEqual([
      { ...refused, part: 'text', line: 1, column: 5 },
    ]);
    const mjml =
      '<mjml><mj-body><mj-section><mj-column>\n<mj-button data-link-type="mirror">x</mj-button></mj-column></mj-section></mj-body></mjml>';
    expect(await compile({ mjml })).toEqual([{ ...refused, part: 'mjml', line: 2, column: 1 }]);
  });

  test('OH-21: helpers that an editor encoded work', async () => {
    for (const spelled of [
      '%7B%7BoneClickUrl%7D%7D',
      '%7b%7b%20oneClickUrl%20%7d%7d',
      '&#123;&#123;oneClickUrl&#125;&#125;',
      '&#x7B;&#x7b;oneClickUrl&#x7D;&#x7D;',
      '&lbrace;&lcub;oneClickUrl&rcub;&rbrace;',
    ]) {
      const html = `<p><a href="${spelled}">bye</a></p>`;
      const outcome = await compileTemplate(templateSource({ html }));
      if (!outcome.ok) throw new Error(JSON.stringify(outcome.errors));
      expect(show(outcome.template.html, {})).toBe('<p><a href="https://link/0?a&amp;b">bye</a></p>');
      expect(outcome.optOutLinks).toBe(1);
    }
    const page = '%7B%7BoneClickUrl%20page=%22https://brand.example/bye%22%7D%7D';
    const bound = await compileTemplate(templateSource({ html: `<a href="${page}">x</a>`, text: page }));
    expect(bound.ok && bound.template.links).toEqual([
      { type: 'one-click', page: 'https://brand.example/bye' },
    ]);
    const mjml = `<mjml><mj-body><mj-section><mj-column><mj-button href="%7B%7BunsubscribeUrl%7D%7D">x</mj-button></mj-column></mj-section></mj-body></mjml>`;
    expect(await compileTemplate(templateSource({ mjml }))).toMatchObject({ ok: true, optOutLinks: 1 });
  });

  test('OH-21: a helper that would be delivered as it stands is an error where it stands', async () => {
    for (const left of ['\\{{oneClickUrl}}', '%257B%257BoneClickUrl%257D%257D', '%7B%7BoneClickUrl']) {
      const outcome = await compileTemplate(templateSource({ html: `<p>a</p>\n <p>${left}</p>` }));
      expect(outcome).toMatchObject({ ok: false, errors: [{ code: 'link_invalid', line: 2, part: 'html' }] });
    }
  });

  test('no attribute of ours reaches the recipient, not even in a comment', async () => {
    const html =
      '<p data-personalized="x">a</p><!-- <a data-link-type="one-click" data-consent-level=identity href="/old">b</a> -->';
    const outcome = await compileTemplate(templateSource({ html }));
    expect(outcome.ok && show(outcome.template.html, {})).toBe('<p>a</p><!-- <a href="/old">b</a> -->');
  });

  test('the preheader is escaped once and stands behind the body tag', async () => {
    const outcome = await compileTemplate(
      templateSource({
        html: '<html><body class="x"><p>y</p></body></html>',
        preheader: 'Tom & {{profile.name}}',
      }),
    );
    expect(outcome.ok && show(outcome.template.html, { profile: { name: '<Al>' } })).toMatch(
      /^<html><body class="x"><div style="display:none[^"]*">Tom &amp; &lt;Al&gt;<\/div><p>y/,
    );
    expect(outcome.ok && show(outcome.template.text, {})).toBe('y\n');
  });

  test('OH-21: a text part without a way out is warned of when the HTML has one', async () => {
    const html = '<a data-link-type="unsubscribe">x</a>';
    const without = await compileTemplate(templateSource({ html, text: 'Hello' }));
    expect(without.ok && without.warnings).toEqual(['the text part has no opt-out link, the HTML part has']);
    const withLink = await compileTemplate(templateSource({ html, text: 'Hello {{unsubscribeUrl}}' }));
    expect(withLink.ok && withLink.warnings).toEqual([]);
    expect(withLink.ok && withLink.template.links).toEqual([{ type: 'unsubscribe' }]);
  });

  test('OH-24: a part that Gmail would clip is warned of', async () => {
    const outcome = await compileTemplate(templateSource({ html: `<p>${'word '.repeat(25_000)}</p>` }));
    expect(outcome.ok && outcome.warnings[0]).toContain('Gmail clips it at 102400');
  });

  test('OH-20: what is not a text is refused before anything looks at it', async () => {
    for (const wrong of [
      { subject: { x: 1 } },
      { html: ['<p>'] },
      { text: 5 },
      { html: '', mjml: '' },
      { html: undefined },
    ]) {
      const outcome = await compileTemplate({ ...templateSource({}), ...wrong } as never);
      expect(outcome.ok || outcome.errors[0]?.code).toBe('template_invalid');
    }
  });

  test('a part beyond a megabyte is refused, and a senseless one takes no time worth telling', async () => {
    const long = await compileTemplate(templateSource({ html: 'x'.repeat(1_048_577) }));
    expect(long.ok || long.errors[0]?.code).toBe('template_invalid');
    for (const html of [
      '{{'.repeat(200_000),
      '{{"'.repeat(100_000),
      `{{${'&'.repeat(200_000)}`,
      ' '.repeat(500_000),
    ]) {
      await compileTemplate(templateSource({ html }));
    }
  });

  test('errors of every part come together', async () => {
    const outcome = await compileTemplate(
      templateSource({ subject: '{{#if}}', html: '{{/x}}', text: '{{> y}}', preheader: '{{oneClickUrl}}' }),
    );
    expect(outcome.ok || outcome.errors.map(({ part }) => part)).toEqual([
      'subject',
      'preheader',
      'html',
      'text',
    ]);
  });

  test('a block that holds half a structure still has a text part', async () => {
    const html = '<table><tr><td>{{#if profile.x}}<img alt="{{/if}}">a {{profile.name}}</td></tr></table>';
    const outcome = await compileTemplate(templateSource({ html }));
    expect(outcome.ok && outcome.warnings[0]).toContain('could not keep the blocks');
    expect(outcome.ok && show(outcome.template.text, { profile: { name: 'Al' } })).toBe('a Al\n');
  });

  test('the same link at two places is one link', () => {
    const registry = openLinkRegistry();
    expect(registry.add({ type: 'one-click' })).toBe(0);
    expect(registry.add({ type: 'one-click', level: 'identity' })).toBe(1);
    expect(registry.add({ type: 'one-click' })).toBe(0);
  });
});
