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
    expect(await count('<a data-link-type="mirror">x</a>')).toBe(0);
    expect(await count('<!--[if mso]><a data-link-type="one-click">x</a><![endif]-->')).toBe(0);
    expect(await count('<!-- <a data-link-type="one-click">{{oneClickUrl}}</a> -->')).toBe(0);
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
