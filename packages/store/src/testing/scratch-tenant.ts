/**
 * A tenant for tests: a sandbox of an organisation with configurations, a template and a list, ready to be sent to.
 *
 * One rule: nothing here is written around the store's own functions, so a test starts from a state that a caller
 * could have made.
 *
 * @module
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { ChannelConfiguration, ChannelConfigurationRequest } from '@adieu/core';
import { completeChannelConfiguration } from '@adieu/core';
import { putChannelConfiguration } from '../channel-configuration.ts';
import type { Db } from '../database.ts';
import type { ExecutionRequest } from '../execution.ts';
import { createExecution } from '../execution.ts';
import { expandStep } from '../expansion.ts';
import type { Claim } from '../lease.ts';
import { claimBatch } from '../lease.ts';
import { putList } from '../list.ts';
import { importProfiles } from '../profile-import.ts';
import type { Scope } from '../scope.ts';
import { ensureSandbox } from '../scope.ts';
import { putTemplate } from '../template.ts';

/** Names of what a tenant has. */
export const SCRATCH = {
  marketing: 'newsletter',
  transactional: 'receipt',
  template: 'spring',
  list: 'weekly',
} as const;

/** Creates a tenant of its own. */
export async function createScratchTenant(db: Db): Promise<Scope> {
  const scope = await ensureSandbox(db, `org-${randomBytes(4).toString('hex')}`, 'prod');
  await putChannelConfiguration(
    db,
    scope,
    scratchConfiguration(SCRATCH.marketing, { emailType: 'marketing' }),
  );
  await putChannelConfiguration(
    db,
    scope,
    scratchConfiguration(SCRATCH.transactional, { emailType: 'transactional' }),
  );
  await putTemplate(db, scope, { id: SCRATCH.template, subject: 'Spring', html: '<p>Hello</p>' });
  await putList(db, scope, { name: SCRATCH.list, title: 'Weekly' });
  return scope;
}

/** A complete configuration that differs from the usual one only where said. */
export function scratchConfiguration(
  name: string,
  differing: Partial<ChannelConfigurationRequest> = {},
): ChannelConfiguration {
  return completeChannelConfiguration(name, {
    subdomain: 'news.example.com',
    emailType: 'marketing',
    from: { name: 'Brand', email: 'hello@news.example.com' },
    ...differing,
  });
}

/** Imports `count` profiles `p0…` with addresses `p0@example.com…`. */
export async function importScratchProfiles(db: Db, scope: Scope, count: number): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const length = Math.min(500, count - from);
    const records = Array.from({ length }, (_, index) => ({
      line: from + index + 1,
      identities: { CRMID: `p${from + index}`, Email: `p${from + index}@example.com` },
      attributes: { number: from + index },
    }));
    await importProfiles(db, scope, records);
  }
}

/** Creates an execution, by default of everybody with the marketing configuration. */
export async function createScratchExecution(
  db: Db,
  scope: Scope,
  differing: Partial<ExecutionRequest> = {},
): Promise<number> {
  const { executionId } = await createExecution(db, scope, {
    requestId: randomUUID(),
    channelConfiguration: SCRATCH.marketing,
    template: SCRATCH.template,
    ...(differing.recipients === undefined ? { audience: { all: true } } : {}),
    ...differing,
  });
  return executionId;
}

/** Expands an execution to its end and answers its batches. */
export async function expandAll(db: Db, executionId: number): Promise<number[]> {
  const batches: number[] = [];
  for (;;) {
    const step = await expandStep(db, executionId);
    batches.push(...step.batches.map(({ batch }) => batch));
    if (step.done) return batches;
  }
}

/** Claims a batch that must be there. */
export async function claimScratchBatch(db: Db, executionId: number, batch = 0): Promise<Claim> {
  const claim = await claimBatch(db, { executionId, batch, owner: 'worker-1', leaseSeconds: 60 });
  if (claim === null) throw new Error('nothing to claim');
  return claim;
}
