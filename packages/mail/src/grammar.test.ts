import { describe, expect, test } from '@jest/globals';
import { parseHandlebars } from './grammar.ts';

function errors(text: string): string[] {
  const parsed = parseHandlebars(text, 'html');
  return parsed.ok
    ? []
    : parsed.errors.map(({ code, line, column, message }) => `${line}:${column} ${code} ${message}`);
}

describe('The Handlebars of a template', () => {
  test('S3: an error names line and column of the tag at fault', () => {
    expect(errors('<p>\n  {{#if profile.a}}x</p>')).toEqual([
      '2:3 handlebars_syntax {{#if}} is never closed',
    ]);
    expect(errors('a\n{{#if x}}{{/each}}')).toEqual([
      '2:10 handlebars_syntax {{/each}} stands where {{/if}} is expected',
    ]);
    expect(errors('{{/if}}')).toEqual(['1:1 handlebars_syntax {{/if}} closes nothing']);
    expect(errors('ab {{else}}')).toEqual(['1:4 handlebars_syntax {{else}} stands outside of any block']);
    expect(errors('\n\n a {{profile.&x}}')).toEqual([
      '3:4 handlebars_syntax Handlebars cannot read {{profile.&x}}',
    ]);
    expect(errors('{{profile.a}}\n{{profile.b')).toEqual([
      '2:1 handlebars_syntax Handlebars cannot read a tag that starts here; is it closed?',
    ]);
  });

  test('nothing that reaches out of the template is allowed', () => {
    for (const text of [
      '{{> footer}}',
      '{{#> layout}}{{/layout}}',
      '{{* d}}',
      '{{#*inline "x"}}{{/inline}}',
      '{{{{raw}}}}{{{{/raw}}}}',
    ]) {
      expect(errors(text)[0]).toContain('handlebars_not_allowed');
    }
    for (const text of [
      '{{log "x"}}',
      '{{fetch "u"}}',
      '{{#fetch "u"}}{{/fetch}}',
      '{{#if (fetch x)}}{{/if}}',
    ]) {
      expect(errors(text)[0]).toContain('handlebars_unknown_helper');
    }
  });

  test('what would fail only when the first recipient is rendered fails now', () => {
    expect(errors('{{#if}}x{{/if}}')[0]).toContain('"if" takes one argument');
    expect(errors('{{#each a b}}x{{/each}}')[0]).toContain('"each" takes one argument');
    expect(errors('{{if profile.a}}')[0]).toContain('"if" is a block');
    expect(errors('{{#lookup a b}}{{/lookup}}')[0]).toContain('"lookup" is not a block');
    expect(errors('{{lookup profile}}')[0]).toContain('"lookup" takes 2 arguments');
  });

  test('a link takes a page and a level, both literal and both known', () => {
    expect(errors('{{oneClickUrl page="https://brand.example/bye" level="identity"}}')).toEqual([]);
    expect(errors('{{#each profile.items}}{{unsubscribeUrl}}{{/each}}')).toEqual([]);
    expect(errors('{{oneClickUrl page=profile.page}}')[0]).toContain('must be a quoted text');
    expect(errors('{{oneClickUrl level="everything"}}')[0]).toContain('no consent level');
    expect(errors('{{oneClickUrl page="javascript:alert(1)"}}')[0]).toContain('not the http(s) address');
    expect(errors('{{oneClickUrl page="/bye"}}')[0]).toContain('not the http(s) address');
    expect(errors('{{oneClickUrl page="https://user:secret@brand.example/"}}')[0]).toContain(
      'not the http(s)',
    );
    expect(errors('{{oneClickUrl colour="red"}}')[0]).toContain('not colour');
    expect(errors('{{oneClickUrl "x"}}')[0]).toContain('only');
    expect(errors('{{#oneClickUrl}}{{/oneClickUrl}}')[0]).toContain('cannot be a block');
    expect(errors(`{{oneClickUrl page="https://brand.example/${'x'.repeat(220)}"}}`)[0]).toContain('at most');
    expect(errors('{{unsubscribeUrl page="https://brand.example/?pid=1"}}')[0]).toContain('those are ours');
  });

  test('a path that is empty for everybody is warned of', () => {
    const parsed = parseHandlebars(
      '{{firstName}}{{profile.a}}{{context.b}}{{@root.x}}{{#each profile.c}}{{d}}{{/each}}',
      'html',
    );
    expect(parsed.ok && parsed.grammar.warnings).toEqual([
      'html line 1, column 1: {{firstName}} is always empty, paths start with profile or context',
    ]);
  });
});
