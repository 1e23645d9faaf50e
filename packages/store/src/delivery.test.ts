import { generateKeyRing, parseKeyRing } from '@adieu/core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { putChannelConfiguration } from './channel-configuration.ts';
import { loadDelivery } from './delivery.ts';
import { putSubdomain } from './subdomain.ts';
import { putTemplate } from './template.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import {
  createScratchExecution,
  createScratchTenant,
  SCRATCH,
  scratchConfiguration,
} from './testing/scratch-tenant.ts';

describe('a delivery', () => {
  let scratch: ScratchDatabase;
  beforeAll(async () => {
    scratch = await openScratchDatabase();
  });
  afterAll(() => scratch.close());

  test('S1, S3: has the versions of its execution, the subdomain and the rate of today, and whose it is', async () => {
    const { db } = scratch;
    const scope = await createScratchTenant(db);
    const subdomain = {
      domain: 'news.example.com',
      linkBaseUrl: 'https://news.example.com',
      keys: [],
      ring: parseKeyRing(generateKeyRing()),
    };
    await putSubdomain(db, scope, { ...subdomain, relay: 'plain' });
    const journey = { versionId: 'v1', actionId: 'a1' };
    const executionId = await createScratchExecution(db, scope, {
      list: SCRATCH.list,
      campaignId: 'spring',
      journey,
    });
    const rate = (messagesPerSecond: number) => ({ rate: { messagesPerSecond, perDomain: null } });
    for (const differing of [rate(7), { retryMinutes: 900, ...rate(0.5) }]) {
      await putChannelConfiguration(db, scope, scratchConfiguration(SCRATCH.marketing, differing));
    }
    await putTemplate(db, scope, { id: SCRATCH.template, subject: 'Changed', html: '<p></p>' });
    const today = await putSubdomain(db, scope, { ...subdomain, relay: 'ses' });
    expect(await loadDelivery(db, executionId)).toEqual({
      executionId,
      month: expect.stringMatching(/^\d{4}-\d{2}-01$/),
      createdAt: expect.any(Date),
      scope,
      configuration: scratchConfiguration(SCRATCH.marketing),
      configurationVersion: 1,
      messagesPerSecond: 0.5,
      template: { id: SCRATCH.template, version: 1, subject: 'Spring', html: '<p>Hello</p>' },
      subdomain: today,
      list: { number: expect.any(Number), name: SCRATCH.list, title: 'Weekly' },
      campaignId: 'spring',
      journeyVersionId: 'v1',
      journeyActionId: 'a1',
      dryRun: false,
    });
  });

  test('what is missing is named', async () => {
    const scope = await createScratchTenant(scratch.db);
    await putChannelConfiguration(
      scratch.db,
      scope,
      scratchConfiguration('elsewhere', { subdomain: 'never.put.example.com' }),
    );
    const executionId = await createScratchExecution(scratch.db, scope, {
      channelConfiguration: 'elsewhere',
    });
    await expect(loadDelivery(scratch.db, executionId)).rejects.toMatchObject({ code: 'unknown_subdomain' });
    await expect(loadDelivery(scratch.db, 999_999)).rejects.toMatchObject({ code: 'unknown_execution' });
  });
});
