import { decide, gateMessage, type Policy } from '@adieu/core';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { putChannelConfiguration } from './channel-configuration.ts';
import { setConsentDefaults } from './consent-defaults.ts';
import { executionCounts } from './execution.ts';
import { releaseBatch } from './lease.ts';
import { listPolicies, marketingActionsInUse, putPolicy, removePolicy } from './policy.ts';
import type { Scope } from './scope.ts';
import { standingOf } from './standing.ts';
import { openScratchDatabase, type ScratchDatabase } from './testing/scratch-database.ts';
import {
  claimScratchBatch,
  createScratchExecution,
  createScratchTenant,
  expandAll,
  importScratchProfiles,
  SCRATCH,
  scratchConfiguration,
} from './testing/scratch-tenant.ts';

let scratch: ScratchDatabase;
let scope: Scope;

const EARLY: Policy = {
  id: 'early',
  enabled: true,
  marketingActions: ['newsletter'],
  condition: { path: 'attributes.number', less: 2 },
};
const CONFIGURATION = scratchConfiguration(SCRATCH.marketing, { marketingActions: ['newsletter'] });

beforeAll(async () => {
  scratch = await openScratchDatabase();
  scope = await createScratchTenant(scratch.db);
  await putChannelConfiguration(scratch.db, scope, CONFIGURATION);
  await importScratchProfiles(scratch.db, scope, 5);
});
afterAll(() => scratch?.close());

/** How many of a claim would be sent. */
async function sendable(executionId: number): Promise<number> {
  const { lease, messages, defaults } = await claimScratchBatch(scratch.db, executionId);
  await releaseBatch(scratch.db, lease, {});
  const gate = gateMessage(CONFIGURATION, null);
  return messages.filter((message) => decide(gate, standingOf(message, defaults)).kind === 'send').length;
}

test('X6 a policy counts from the next claim and the next dry run, and no longer once it is gone', async () => {
  const executionId = await createScratchExecution(scratch.db, scope);
  await expandAll(scratch.db, executionId);
  const dryRun = async () => {
    const id = await createScratchExecution(scratch.db, scope, { dryRun: true });
    await expandAll(scratch.db, id);
    return (await executionCounts(scratch.db, scope, id))?.exclusions;
  };
  expect([await sendable(executionId), await dryRun()]).toEqual([5, {}]);
  await putPolicy(scratch.db, scope, EARLY);
  expect([await sendable(executionId), await dryRun()]).toEqual([2, { '050101': 3 }]);
  await putPolicy(scratch.db, scope, { ...EARLY, enabled: false });
  expect([await sendable(executionId), await dryRun()]).toEqual([5, {}]);
  await putPolicy(scratch.db, scope, EARLY);
  expect(await removePolicy(scratch.db, scope, EARLY.id)).toBe(true);
  expect(await removePolicy(scratch.db, scope, EARLY.id)).toBe(false);
  expect([await sendable(executionId), await dryRun()]).toEqual([5, {}]);
  await setConsentDefaults(scratch.db, scope, { strict: true, meanings: {} });
  expect([await sendable(executionId), await dryRun()]).toEqual([0, { '050101': 5 }]);
  await setConsentDefaults(scratch.db, scope, { strict: false, meanings: {} });
});

test('X6 policies of another tenant are not asked, and actions in use are those of the latest versions', async () => {
  const other = await createScratchTenant(scratch.db);
  await putPolicy(scratch.db, other, EARLY);
  expect(await listPolicies(scratch.db, scope)).toEqual([]);
  expect(await listPolicies(scratch.db, other)).toEqual([EARLY]);
  expect(await marketingActionsInUse(scratch.db, scope)).toEqual(new Set(['newsletter']));
  await putChannelConfiguration(scratch.db, scope, { ...CONFIGURATION, marketingActions: ['upsell'] });
  expect(await marketingActionsInUse(scratch.db, scope)).toEqual(new Set(['upsell']));
});
