import { describe, expect, test } from '@jest/globals';
import { compileMjml } from './mjml.ts';

function document(inner: string): string {
  return `<mjml>\n<mj-body>\n<mj-section>\n<mj-column>\n${inner}\n</mj-column>\n</mj-section>\n</mj-body>\n</mjml>`;
}

async function html(inner: string): Promise<string> {
  const outcome = await compileMjml(document(inner));
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.errors));
  return outcome.html;
}

async function errors(source: string): Promise<string[]> {
  const outcome = await compileMjml(source);
  return outcome.ok ? [] : outcome.errors.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

describe('MJML', () => {
  test('U4: links are marked on buttons, pictures, navigation and in text, and no attribute of ours is left', async () => {
    const out = await html(
      '<mj-button data-link-type="one-click" href="https://brand.example/?a=1&amp;b=2" data-consent-level="identity">Bye</mj-button>' +
        '<mj-text data-personalized="block">x <a data-link-type=unsubscribe href="#">y</a></mj-text>' +
        '<mj-image src="a.png" data-link-type="unsubscribe" data-consent-level="channel" />' +
        '<mj-navbar><mj-navbar-link href="{{preferencesUrl}}">Preferences</mj-navbar-link></mj-navbar>',
    );
    expect(out).toContain('href="{{oneClickUrl page="https://brand.example/?a=1&b=2" level="identity"}}"');
    expect(out).toContain('<a href="{{unsubscribeUrl}}">y</a>');
    expect(out).toContain('href="{{unsubscribeUrl level="channel"}}"');
    expect(out).toContain('href="{{preferencesUrl}}"');
    expect(out).not.toMatch(/data-(?:link-type|consent-level|personalized)/);
  });

  test('Handlebars travels through style sheets that are inlined and attributes that are set by selector', async () => {
    const outcome = await compileMjml(
      `<mjml><mj-head><mj-style inline="inline">.x { color: red }</mj-style><mj-html-attributes><mj-selector path=".x"><mj-html-attribute name="data-link-type">one-click</mj-html-attribute></mj-selector></mj-html-attributes></mj-head><mj-body><mj-section><mj-column><mj-raw>{{#each profile.items}}</mj-raw><mj-text css-class="x">{{this}} <a class="x" href='{{oneClickUrl page="https://x.example/" level="identity"}}'>y</a></mj-text><mj-raw>{{/each}}</mj-raw></mj-column></mj-section></mj-body></mjml>`,
    );
    expect(outcome.ok && outcome.html).toContain(
      `href="{{oneClickUrl page="https://x.example/" level="identity"}}"`,
    );
    expect(outcome.ok && outcome.html).toMatch(
      /\{\{#each profile\.items\}\}[\s\S]*\{\{this\}\}[\s\S]*\{\{\/each\}\}/,
    );
    expect(outcome.ok && outcome.html).toContain('color: red');
  });

  test('S3: what MJML drops without a word is an error with line and column', async () => {
    expect(await errors(document('<mj-text>abc'))).toEqual(['5:1 <mj-text> is never closed']);
    expect(await errors(document('  <mj-foo></mj-foo>'))).toEqual([
      "5:3 Element mj-foo doesn't exist or is not registered",
    ]);
    expect(await errors(document('{{#if profile.x}}<mj-text>a</mj-text>{{/if}}'))).toEqual([
      '5:1 MJML drops text inside <mj-column>: put it into <mj-raw>',
      '5:38 MJML drops text inside <mj-column>: put it into <mj-raw>',
    ]);
    expect(await errors(document('<mj-include path="/etc/hostname" />'))).toEqual([
      '5:1 mj-include reads files; put the content itself here',
    ]);
    expect(await errors('Hello')).toEqual(['1:1 an MJML document starts with <mjml>']);
    expect(await errors('<mjml></mjml>')).toEqual([
      '1:1 MJML cannot be read: Malformed MJML. Check that your structure is correct and enclosed in <mjml> tags.',
    ]);
    expect(await errors(`<mjml><mj-body>\n <mj-text>a</mj-text></mj-body></mjml>`)).toEqual([
      '2:2 mj-text cannot be used inside mj-body, only inside: mj-attributes, mj-column, mj-hero',
    ]);
  });

  test('what MJML only grumbles about is a warning', async () => {
    const outcome = await compileMjml(
      document('lost<mj-text colour="red" color="{{profile.colour}}">a</mj-text>'),
    );
    expect(outcome.ok && outcome.warnings).toEqual([
      'mjml line 5: MJML drops text inside <mj-column>: put it into <mj-raw>',
      'mjml line 5: <mj-text> Attribute colour is illegal',
    ]);
  });

  test('a link that is none, or not known, is an error where it stands', async () => {
    expect(await errors(document('<mj-text>\n <a data-link-type="leave">x</a></mj-text>'))).toEqual([
      '6:2 "leave" is no link type; they are one-click, unsubscribe, preferences',
    ]);
  });
});
