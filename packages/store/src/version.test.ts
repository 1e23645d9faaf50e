import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findChannelConfiguration, putChannelConfiguration } from './channel-configuration.ts';
import { findList, putList } from './list.ts';
import type { Scope } from './scope.ts';
import { ensureSandbox } from './scope.ts';
import { findTemplate, putTemplate } from './template.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import { scratchConfiguration } from './testing/scratch-tenant.ts';

describe('versioned documents', () => {
  let scratch: ScratchDatabase;
  let scope: Scope;
  let other: Scope;
  beforeAll(async () => {
    scratch = await openScratchDatabase();
    scope = await ensureSandbox(scratch.db, 'default', 'prod');
    other = await ensureSandbox(scratch.db, 'default', 'dev');
  });
  afterAll(() => scratch.close());

  test('S1: a put that changes something makes a version, one that changes nothing makes none', async () => {
    const { db } = scratch;
    const first = scratchConfiguration('newsletter');
    expect(await putChannelConfiguration(db, scope, first)).toEqual({ version: 1 });
    expect(await putChannelConfiguration(db, scope, { ...first })).toEqual({ version: 1 });
    const second = { ...first, retryMinutes: 600 };
    expect(await putChannelConfiguration(db, scope, second)).toEqual({ version: 2 });
    expect(await findChannelConfiguration(db, scope, 'newsletter')).toEqual({
      version: 2,
      configuration: second,
    });
    expect(await findChannelConfiguration(db, scope, 'newsletter', 1)).toEqual({
      version: 1,
      configuration: first,
    });
    expect(await findChannelConfiguration(db, scope, 'newsletter', 3)).toBeNull();
    // Going back is a change too.
    expect(await putChannelConfiguration(db, scope, first)).toEqual({ version: 3 });
  });

  test('versions of another sandbox are its own', async () => {
    await putChannelConfiguration(scratch.db, scope, scratchConfiguration('shared'));
    expect(await findChannelConfiguration(scratch.db, other, 'shared')).toBeNull();
    expect(await putChannelConfiguration(scratch.db, other, scratchConfiguration('shared'))).toEqual({
      version: 1,
    });
  });

  test('puts at once make one version each, without a gap', async () => {
    const versions = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        putTemplate(scratch.db, scope, { id: 'race', subject: `Subject ${index}`, html: '<p></p>' }),
      ),
    );
    expect(versions.map(({ version }) => version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('S3: a template comes back as its author wrote it', async () => {
    const source = {
      id: 'spring',
      subject: 'Spring ✿',
      mjml: '<mjml/>',
      fallbacks: { hero: 'Hi' },
      strict: true,
    };
    expect(await putTemplate(scratch.db, scope, { ...source, version: 99 })).toEqual({ version: 1 });
    expect(await findTemplate(scratch.db, scope, 'spring')).toEqual({ ...source, version: 1 });
    expect(await findTemplate(scratch.db, scope, 'Spring')).toBeNull();
    expect(await findTemplate(scratch.db, other, 'spring')).toBeNull();
  });

  test('what cannot be kept is refused, and asked for it is not there', async () => {
    const { db } = scratch;
    const nul = { id: 'nul', subject: 'a\0b', html: '<p></p>' };
    await expect(putTemplate(db, scope, nul)).rejects.toMatchObject({
      code: 'character_invalid',
      temporary: false,
    });
    await expect(putList(db, scope, { name: 'x', title: '\ud800' })).rejects.toMatchObject({
      code: 'character_invalid',
    });
    expect(await findTemplate(db, scope, 'spring\0')).toBeNull();
    expect(await findChannelConfiguration(db, scope, '\0')).toBeNull();
    expect(await findList(db, scope, '\0')).toBeNull();
  });

  test('a list keeps its number while its title changes', async () => {
    const { number } = await putList(scratch.db, scope, { name: 'weekly', title: 'Weekly' });
    expect(await putList(scratch.db, scope, { name: 'weekly', title: 'Every week' })).toEqual({ number });
    const list = { number, name: 'weekly', title: 'Every week', body: {} };
    expect(await findList(scratch.db, scope, 'weekly')).toEqual(list);
    expect(await findList(scratch.db, scope, number)).toEqual(list);
    expect(await findList(scratch.db, other, number)).toBeNull();
  });
});
