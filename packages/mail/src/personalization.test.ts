import type { TemplateError, TemplateSource } from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openComposer } from './composer.ts';
import type { ComposeInput } from './composition.ts';
import { compileTemplate } from './template.ts';
import { PERSONAL_TEMPLATES, type PersonalTemplate } from './testing/personal-templates.ts';
import { claims, decodedHtml, field, headerUrl, parsed, urls } from './testing/reading.ts';
import {
  compiled,
  composed,
  composerOptions,
  configuration,
  recipient,
  templateSource,
} from './testing/sample.ts';

const CONTEXT = { coupon: 'LUNA' };

/** Somebody whose whole profile says one word. */
function person(secret: string): ComposeInput {
  const attributes = { secret, other: secret, items: [secret] };
  const consents = { marketing: { email: { val: 'y' as const, reason: secret } } };
  return recipient({ context: CONTEXT, profile: { attributes, consents } });
}

/** The same one, who said no to personalization. */
const refuser = (input: ComposeInput): ComposeInput => ({ ...input, personal: null });

interface Read {
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  /** All of it, and the source. */
  readonly whole: string;
}

async function read({ source }: Pick<PersonalTemplate, 'source'>, input: ComposeInput): Promise<Read> {
  const { bytes } = await composed(composerOptions(await compiled(source)), input);
  const mail = await parsed(bytes);
  const parts = { subject: mail.subject ?? '', html: String(mail.html), text: mail.text ?? '' };
  return { ...parts, whole: `${Object.values(parts).join('\n')}\n${bytes.toString()}` };
}

async function errorsOf(source: Partial<TemplateSource>): Promise<readonly TemplateError[]> {
  const outcome = await compileTemplate(templateSource(source));
  return outcome.ok ? [] : outcome.errors;
}

const LINK = '<a data-link-type="unsubscribe">x</a>';

describe('O3 a person who said no to personalization', () => {
  test.each(PERSONAL_TEMPLATES)('reads what the author gave instead: $name', async (template) => {
    const canary = 'zq8canary';
    const named = await read(template, person(canary));
    expect(named.whole).toContain(canary);
    const unnamed = await read(template, refuser(person(canary)));
    expect(unnamed.whole).not.toContain(canary);
    let at = 0;
    for (const words of template.reads) {
      expect([words, unnamed.html.indexOf(words, at) >= 0]).toEqual([words, true]);
      at = unnamed.html.indexOf(words, at) + words.length;
    }
    for (const { whole } of [named, unnamed]) expect(whole).not.toContain('data-personalized');
    expect(urls(unnamed.html.replaceAll('&amp;', '&'))).toHaveLength(1);
  });

  test('gets a subject, a preheader and a text part that were written for them', async () => {
    const template = PERSONAL_TEMPLATES[1] as PersonalTemplate;
    const unnamed = await read(template, refuser(person('x')));
    expect(unnamed.subject).toBe('For you, with LUNA');
    expect(unnamed.html).toMatch(/<div style="display:none[^"]*">Look<\/div>/);
    expect(unnamed.text).toMatch(/^Hello, LUNA https:/);
    const named = await read(template, person('Ada'));
    expect([named.subject, named.text.slice(0, 7)]).toEqual(['For you, Ada', 'Hi Ada ']);
  });

  test('gets a text part derived from the HTML that is theirs', async () => {
    const html = `<p data-personalized="hi">Hi {{profile.secret}}</p>${LINK}`;
    const source = { subject: 's', html, fallbacks: { hi: '<p>Hello</p>' } };
    expect((await read({ source }, refuser(person('x')))).text).toMatch(/^Hello/);
    expect((await read({ source }, person('x'))).text).toMatch(/^Hi x/);
  });

  test('gets an empty profile also where no block is marked, and their consents do not show either', async () => {
    const source = {
      subject: 'Hi{{profile.secret}}',
      html: `<p>[{{profile.secret}}{{profile.consents.marketing.email.val}}{{#if profile}}{{lookup profile "other"}}{{/if}}]</p>${LINK}`,
    };
    const unnamed = await read({ source }, refuser(person('zq8canary')));
    expect(unnamed.subject).toBe('Hi');
    expect(unnamed.html).toContain('[]');
  });

  test('nobody gets another’s blocks, whoever is composed beside whom', async () => {
    const composers = await Promise.all(
      PERSONAL_TEMPLATES.map(async ({ source }) => openComposer(composerOptions(await compiled(source)))),
    );
    const people = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{12}$/), fc.boolean()), {
      minLength: 2,
      maxLength: 5,
      selector: ([secret]) => secret,
    });
    await fc.assert(
      fc.asyncProperty(people, fc.nat(PERSONAL_TEMPLATES.length - 1), async (drawn, which) => {
        const mails = await Promise.all(
          drawn.map(([secret, refuses]) => {
            const input = person(secret);
            return composers[which]?.compose(refuses ? refuser(input) : input);
          }),
        );
        for (const [index, mail] of mails.entries()) {
          if (mail?.ok !== true) throw new Error('not composed');
          const text = Buffer.concat(mail.content).toString().replace(/=\r\n/g, '');
          const found = drawn.map(([secret]) => secret).filter((secret) => text.includes(secret));
          const [own, refuses] = drawn[index] ?? ['', true];
          expect(found).toEqual(refuses ? [] : [own]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('is not excluded by a strict template for what their profile lacks, but for what the execution lacks', async () => {
    const source = { subject: 's', strict: true, html: `<p>{{profile.secret}}{{context.coupon}}</p>${LINK}` };
    const composer = openComposer(composerOptions(await compiled(source)));
    expect(await composer.compose(refuser(person('x')))).toMatchObject({ ok: true });
    const without = { ...refuser(person('x')), context: {} };
    expect(await composer.compose(without)).toMatchObject({ ok: false, code: '050302' });
    const named = { ...person('x'), personal: { attributes: {}, consents: {} } };
    expect(await composer.compose(named)).toMatchObject({ ok: false, code: '050302' });
  });
});

describe('O3 links in blocks', () => {
  test('U8: both variants need a way out, and the one that has fewer counts', async () => {
    const count = async (html: string, fallbacks = {}): Promise<unknown> => {
      const outcome = await compileTemplate(templateSource({ html, fallbacks }));
      return outcome.ok && [outcome.optOutLinks, outcome.warnings.filter((each) => each.includes('block'))];
    };
    const block = `<div data-personalized="a">${LINK}</div>`;
    const warned = 'every opt-out link stands inside a personalised block, and no fallback has one';
    expect(await count(block)).toEqual([0, [warned]]);
    expect(await count(block, { a: 'none' })).toEqual([0, [warned]]);
    expect(await count(block, { a: LINK })).toEqual([1, []]);
    expect(await count(`${block}${LINK}`)).toEqual([1, []]);
    expect(await count('<div data-personalized="a">x</div>', { a: LINK })).toEqual([0, []]);
  });

  test('U2: with one-click off the header borrows the link that this person’s mail has', async () => {
    const html = `<p data-personalized="a"><a data-link-type="one-click" data-consent-level="identity" href="https://x.example/">x</a></p>${LINK}`;
    const template = await compiled({
      html,
      fallbacks: { a: '<a data-link-type="one-click" data-consent-level="channel">y</a>' },
    });
    const options = composerOptions(template, {
      configuration: configuration({ unsubscribe: { oneClick: false } }),
    });
    const borrowed = async (input: ComposeInput): Promise<unknown> => {
      const { bytes } = await composed(options, input);
      expect(urls(decodedHtml(await parsed(bytes)))).toContain(headerUrl(bytes));
      const { scope, page } = claims(headerUrl(bytes), 'one-click');
      return [scope, page];
    };
    expect(await borrowed(person('x'))).toEqual(['identity', 'https://x.example/']);
    expect(await borrowed(refuser(person('x')))).toEqual(['channel', undefined]);
  });

  test('U2: without a fallback there is no link to borrow, and no URL', async () => {
    const html = `<p data-personalized="a"><a data-link-type="one-click">x</a></p>${LINK}`;
    const options = composerOptions(await compiled({ html }), {
      configuration: configuration({ unsubscribe: { oneClick: false } }),
    });
    expect(field((await composed(options, refuser(person('x')))).bytes, 'List-Unsubscribe')).toMatch(
      /^<mailto:/,
    );
  });

  test('U3: a level that only a fallback names is known', async () => {
    const html = `<p data-personalized="a">x</p>${LINK}`;
    const fallbacks = { a: '<a href="{{unsubscribeUrl level="subscription"}}">y</a>' };
    const outcome = await compileTemplate(templateSource({ html, fallbacks }));
    expect(outcome).toMatchObject({ ok: true, levels: ['subscription'] });
  });
});

describe('O3 an author is told', () => {
  test('of a fallback that reaches for the profile, where it does', async () => {
    const html = '<p data-personalized="a">x</p>';
    for (const [fallback, line, column] of [
      ['<p>\n {{profile.name}}</p>', 2, 4],
      ['{{#each context.x}}{{@root.profile.x}}{{/each}}', 1, 22],
      ['{{#with @root}}x{{/with}}', 1, 9],
      ['{{#if profile}}x{{/if}}', 1, 7],
      ['{{#with context}}{{../profile.x}}{{/with}}', 1, 20],
      ['{{lookup this.profile "x"}}', 1, 10],
    ] as const) {
      expect([fallback, await errorsOf({ html, fallbacks: { a: fallback } })]).toMatchObject([
        fallback,
        [{ code: 'fallback_personalized', line, column, part: 'fallbacks.a' }],
      ]);
    }
    for (const key of ['subject', 'preheader', 'text']) {
      expect(await errorsOf({ html, fallbacks: { [key]: 'Hi {{profile.x}}' } })).toMatchObject([
        { code: 'fallback_personalized', line: 1, column: 6, part: `fallbacks.${key}` },
      ]);
    }
    expect(await errorsOf({ html, fallbacks: { a: '{{context.profile.x}}' } })).toEqual([]);
  });

  test('of everything else that is wrong with a fallback, where it stands', async () => {
    const html = '<p data-personalized="a">x</p>';
    for (const [fallback, code, line, column] of [
      ['<p>{{#if context.x}}</p>', 'handlebars_syntax', 1, 4],
      ['a\n{{> partial}}', 'handlebars_not_allowed', 2, 1],
      ['<img src="{{oneClickUrl}}">', 'link_invalid', 1, 11],
      ['<td data-link-type="one-click">x</td>', 'link_invalid', 1, 1],
      ['<a data-link-type="leave">x</a>', 'link_invalid', 1, 1],
      ['<p><b data-personalized="b">x</b></p>', 'block_invalid', 1, 4],
    ] as const) {
      expect([fallback, await errorsOf({ html, fallbacks: { a: fallback } })]).toMatchObject([
        fallback,
        [{ code, line, column, part: 'fallbacks.a' }],
      ]);
    }
    expect(await errorsOf({ html, fallbacks: { subject: '{{oneClickUrl}}' } })).toMatchObject([
      { code: 'link_invalid', part: 'fallbacks.subject' },
    ]);
    expect(await errorsOf({ html, fallbacks: { a: 5 } as never })).toMatchObject([
      { code: 'template_invalid', part: 'fallbacks.a' },
    ]);
  });

  test('of a fallback whose block is not there', async () => {
    expect(await errorsOf({ html: '<p data-personalized="a">x</p>', fallbacks: { b: 'y' } })).toEqual([
      { code: 'fallback_unknown', message: 'there is no block data-personalized="b"', part: 'fallbacks.b' },
    ]);
    const comment = '<!-- <p data-personalized="a">x</p> -->';
    expect(await errorsOf({ html: comment, fallbacks: { a: 'y' } })).toMatchObject([
      { code: 'fallback_unknown' },
    ]);
  });

  test('of a block of which nobody knows what it is or where it ends', async () => {
    for (const html of [
      '<p>\n <b data-personalized="">x</b></p>',
      '<p>\n <b data-personalized="a b">x</b></p>',
      '<p>\n <b data-personalized="{{profile.x}}">x</b></p>',
      '<p>\n <b data-personalized="subject">x</b></p>',
      '<p>\n <b data-personalized="a">x</p>',
      '<p>\n <b data-personalized="a" />x</p>',
      '{{#if profile.x}}\n <b data-personalized="a">x{{/if}}</b>',
      '<p>\n <b data-personalized="a">{{#if profile.x}}</b>{{/if}}',
    ]) {
      expect([html, await errorsOf({ html })]).toMatchObject([
        html,
        [{ code: 'block_invalid', line: 2, column: 2, part: 'html' }],
      ]);
    }
    const head =
      '<mjml><mj-head><mj-attributes>\n <mj-text data-personalized="a" /></mj-attributes></mj-head>';
    const body = '<mj-body><mj-section><mj-column></mj-column></mj-section></mj-body></mjml>';
    expect(await errorsOf({ mjml: `${head}${body}` })).toMatchObject([
      { code: 'block_invalid', line: 2, column: 2, part: 'mjml' },
    ]);
    expect(
      await errorsOf({ mjml: body.replace('<mj-body', '<mjml>\n <mj-body data-personalized="a"') }),
    ).toMatchObject([{ code: 'block_invalid', line: 2, column: 2, part: 'mjml' }]);
  });

  test('of a mark that MJML would set by itself', async () => {
    const mjml =
      '<mjml><mj-head><mj-html-attributes><mj-selector path=".x div"><mj-html-attribute name="data-personalized">a</mj-html-attribute></mj-selector></mj-html-attributes></mj-head><mj-body><mj-section><mj-column><mj-text css-class="x">{{profile.x}}</mj-text></mj-column></mj-section></mj-body></mjml>';
    expect(await errorsOf({ mjml })).toMatchObject([{ code: 'block_invalid', part: 'mjml' }]);
  });

  test('of fallbacks that fit nowhere or grow beyond every mail', async () => {
    const social = `<mjml><mj-body><mj-section><mj-column><mj-social>\n <mj-social-element data-personalized="a" name="x" href="https://x.example/">x</mj-social-element></mj-social></mj-column></mj-section></mj-body></mjml>`;
    expect(await errorsOf({ mjml: social, fallbacks: { a: '<b>x</b>' } })).toMatchObject([
      { code: 'block_invalid', line: 2, column: 2, part: 'mjml' },
    ]);
    expect(await errorsOf({ mjml: social })).toEqual([]);
    const html = '<p data-personalized="a">x</p>'.repeat(2_000);
    expect(await errorsOf({ html, fallbacks: { a: 'x'.repeat(500_000) } })).toMatchObject([
      { code: 'template_invalid', message: expect.stringContaining('with its fallbacks in place') },
    ]);
    const broken = '<mj-text>never closed';
    const text = `<mjml><mj-body><mj-section><mj-column><mj-text data-personalized="a">x</mj-text></mj-column></mj-section></mj-body></mjml>`;
    const [error] = await errorsOf({ mjml: text, fallbacks: { a: broken } });
    expect(error).toMatchObject({ message: expect.stringContaining('with the fallbacks in place') });
    expect(error).not.toHaveProperty('line');
  });

  test('of parts that name the profile and have no fallback, once blocks are marked', async () => {
    const warnings = async (source: Partial<TemplateSource>): Promise<readonly string[]> => {
      const outcome = await compileTemplate(templateSource(source));
      return outcome.ok ? outcome.warnings.filter((each) => each.includes('gets gaps')) : ['broken'];
    };
    const html = '<p data-personalized="a">x</p>';
    expect(await warnings({ html, subject: '{{profile.x}}', text: '{{context.x}}' })).toEqual([
      'the subject names the profile: without fallbacks.subject, who said no to personalization gets gaps',
    ]);
    expect(await warnings({ html, subject: '{{profile.x}}', fallbacks: { subject: 's' } })).toEqual([]);
    expect(await warnings({ html: '<p>x</p>', subject: '{{profile.x}}' })).toEqual([]);
  });
});
