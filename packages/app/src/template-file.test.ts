import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readTemplate, templateErrors } from './template-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'adieu-template-'));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('a template file', () => {
  test('has its subject in its title and its id in its name', async () => {
    const content = '<mjml><mj-head><mj-title>\n Tea &amp; trains\n</mj-title></mj-head></mjml>';
    const template = await readTemplate(file('Frühling 2026!.mjml', content));
    expect(template).toMatchObject({
      id: 'Fruhling-2026-',
      title: 'Tea & trains',
      markup: { mjml: content },
    });
  });

  test('may be HTML, and may have no title', async () => {
    const template = await readTemplate(file('letter.html', '<p>Hello</p>'));
    expect(template).toMatchObject({ id: 'letter', title: null, markup: { html: '<p>Hello</p>' } });
  });

  test('has an id even when its name has no letter that a name may have', async () => {
    expect((await readTemplate(file('春.mjml', '<mjml></mjml>'))).id).toBe('template');
  });

  test('of another ending, or one that is not there, is refused', async () => {
    await expect(readTemplate(file('letter.txt', ''))).rejects.toMatchObject({ code: 'template_format' });
    await expect(readTemplate(join(folder, 'none.mjml'))).rejects.toMatchObject({ code: 'file_unreadable' });
  });

  test('has its errors told as compilers do, those of the subject apart', () => {
    expect(
      templateErrors('a.mjml', [
        { code: 'x', part: 'mjml', line: 3, column: 7, message: 'no such tag' },
        { code: 'x', part: 'subject', line: 1, column: 2, message: 'never closed' },
        { code: 'x', part: 'mjml', message: 'empty' },
      ]),
    ).toBe('a.mjml:3:7: no such tag\nsubject:1:2: never closed\na.mjml: empty');
  });
});
