import { randomUUID } from 'node:crypto';
import { Failure } from '@adieu/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { putChannelConfiguration } from './channel-configuration.ts';
import type { ExecutionParts, ExecutionRequest } from './execution.ts';
import { createExecution, executionCounts, findExecution } from './execution.ts';
import { commitIntent } from './intent.ts';
import { releaseBatch } from './lease.ts';
import { listMessages } from './message-list.ts';
import { exclude, settle } from './outcome.ts';
import type { Scope } from './scope.ts';
import { putTemplate } from './template.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
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

beforeAll(async () => {
  scratch = await openScratchDatabase();
});
afterAll(() => scratch.close());
beforeEach(async () => {
  scope = await createScratchTenant(scratch.db);
});

function request(differing: Partial<ExecutionRequest> = {}): ExecutionRequest {
  return {
    requestId: randomUUID(),
    channelConfiguration: SCRATCH.marketing,
    template: SCRATCH.template,
    ...(differing.recipients === undefined ? { audience: { all: true } } : {}),
    ...differing,
  };
}

describe('creating an execution', () => {
  test('S4: a request id is an execution: the second call answers with the first', async () => {
    const first = await createExecution(scratch.db, scope, request({ requestId: 'r1' }));
    expect(first).toEqual({ executionId: expect.any(Number), requestId: 'r1', created: true });
    const second = await createExecution(
      scratch.db,
      scope,
      request({ requestId: 'r1', template: 'gone by now' }),
    );
    expect(second).toEqual({ ...first, created: false });
  });

  test('S4: of ten calls at once with one request id, one creates', async () => {
    const calls = Array.from({ length: 10 }, () =>
      createExecution(scratch.db, scope, request({ requestId: 'race' })),
    );
    const answers = await Promise.all(calls);
    expect(answers.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(answers.map(({ executionId }) => executionId)).size).toBe(1);
  });

  test('S4: a request id belongs to its sandbox', async () => {
    const other = await createScratchTenant(scratch.db);
    const mine = await createExecution(scratch.db, scope, request({ requestId: 'same' }));
    const theirs = await createExecution(scratch.db, other, request({ requestId: 'same' }));
    expect(theirs.created).toBe(true);
    expect(await findExecution(scratch.db, other, mine.executionId)).toBeNull();
    expect(await executionCounts(scratch.db, other, mine.executionId)).toBeNull();
    expect(await listMessages(scratch.db, other, mine.executionId)).toBeNull();
  });

  test('S1: an execution keeps the versions it was created with', async () => {
    const { executionId } = await createExecution(scratch.db, scope, request({ list: SCRATCH.list }));
    await putChannelConfiguration(
      scratch.db,
      scope,
      scratchConfiguration(SCRATCH.marketing, { retryMinutes: 700 }),
    );
    await putTemplate(scratch.db, scope, { id: SCRATCH.template, subject: 'Changed', html: '<p></p>' });
    expect(await findExecution(scratch.db, scope, executionId)).toMatchObject({
      executionId,
      configurationVersion: 1,
      templateVersion: 1,
      listNumber: expect.any(Number),
      dryRun: false,
      expandedAt: null,
    });
  });

  test.each<[string, Partial<ExecutionRequest>, string]>([
    ['unknown_channel_configuration', { channelConfiguration: 'nothing' }, 'channelConfiguration'],
    ['unknown_template', { template: 'nothing' }, 'template'],
    ['unknown_list', { list: 'nothing' }, 'list'],
    ['recipients_invalid', { recipients: [] }, 'recipients'],
    ['recipients_invalid', { recipients: Array.from({ length: 10_001 }, () => ({})) }, 'recipients'],
    ['recipients_invalid', { recipients: [{}], audience: { all: true } }, 'recipients'],
    ['audience_invalid', { audience: {} }, 'audience'],
    ['audience_invalid', { audience: { all: true, attributes: {} } as never }, 'audience'],
    ['audience_invalid', { audience: { consents: { idSpecific: {} } } }, 'audience'],
    ['audience_invalid', { audience: { attributes: { a: '\0' } } }, 'audience'],
    ['audience_invalid', { audience: { country: 'fr' } as never }, 'audience'],
    ['request_id_invalid', { requestId: '' }, 'requestId'],
  ])('what does not fit is refused: %s %#', async (code, differing, field) => {
    await expect(createExecution(scratch.db, scope, request(differing))).rejects.toMatchObject({
      code,
      field,
      temporary: false,
    });
  });

  test('a check sees the versions that are kept, its refusal creates nothing, and a repeat is not checked', async () => {
    const { db } = scratch;
    const seen: unknown[] = [];
    const refusal = new Failure('list_required', 'x');
    const refused = createExecution(db, scope, {
      ...request({ requestId: 'checked' }),
      check: () => Promise.reject(refusal),
    });
    await expect(refused).rejects.toBe(refusal);
    const check = (parts: ExecutionParts) => void seen.push(parts);
    const first = await createExecution(db, scope, { ...request({ requestId: 'checked' }), check });
    expect(first.created).toBe(true);
    expect(seen).toMatchObject([
      {
        configurationVersion: 1,
        configuration: { name: SCRATCH.marketing },
        template: { id: SCRATCH.template, version: 1 },
      },
    ]);
    const again = await createExecution(db, scope, {
      ...request({ requestId: 'checked' }),
      check: () => Promise.reject(refusal),
    });
    expect(again).toEqual({ ...first, created: false });
  });
});

describe('progress of an execution', () => {
  test('S8: finished when the counts say so, never by a cursor', async () => {
    await importScratchProfiles(scratch.db, scope, 4);
    const executionId = await createScratchExecution(scratch.db, scope);
    const state = async () => (await executionCounts(scratch.db, scope, executionId))?.state;
    expect(await state()).toBe('running');
    await expandAll(scratch.db, executionId);
    expect(await state()).toBe('running');
    const { lease, messages } = await claimScratchBatch(scratch.db, executionId);
    const [a, b, c, d] = messages.map(({ messageId }) => messageId) as [string, string, string, string];
    await exclude(scratch.db, lease, [{ messageId: a, code: '050101' }]);
    const attemptId = randomUUID();
    await commitIntent(scratch.db, lease, { attemptId, messages });
    expect((await executionCounts(scratch.db, scope, executionId))?.counts.sending).toBe(3);
    await settle(scratch.db, [
      { messageId: b, attemptId, state: 'sent', reply: '250 2.0.0 OK' },
      { messageId: c, attemptId, state: 'deferred', notBefore: new Date(Date.now() + 60_000) },
      { messageId: d, attemptId, state: 'unknown' },
    ]);
    await releaseBatch(scratch.db, lease, {});
    expect(await executionCounts(scratch.db, scope, executionId)).toEqual({
      executionId,
      requestId: expect.any(String),
      configurationName: SCRATCH.marketing,
      templateId: SCRATCH.template,
      createdAt: expect.any(Date),
      expiresAt: expect.any(Date),
      dryRun: false,
      state: 'running',
      control: 'running',
      counts: { queued: 0, sending: 0, sent: 1, deferred: 1, excluded: 1, bounced: 0, failed: 0, unknown: 1 },
      exclusions: { '050101': 1 },
    });
  });

  test('an execution of nobody is finished once it is expanded', async () => {
    const executionId = await createScratchExecution(scratch.db, scope);
    await expandAll(scratch.db, executionId);
    expect(await executionCounts(scratch.db, scope, executionId)).toMatchObject({
      state: 'finished',
      exclusions: {},
    });
  });

  test('messages are listed page by page, each once, while their states change', async () => {
    await importScratchProfiles(scratch.db, scope, 450);
    const executionId = await createScratchExecution(scratch.db, scope);
    await expandAll(scratch.db, executionId);
    const { lease, messages } = await claimScratchBatch(scratch.db, executionId, 1);
    const seen: string[] = [];
    let cursor: string | undefined;
    for (;;) {
      const page = await listMessages(scratch.db, scope, executionId, {
        limit: 70,
        ...(cursor === undefined ? {} : { cursor }),
      });
      seen.push(...(page?.messages ?? []).map(({ messageId }) => messageId));
      await exclude(
        scratch.db,
        lease,
        messages.splice(0, 20).map(({ messageId }) => ({ messageId, code: '050101' })),
      );
      if (page === null || page.next === null) break;
      cursor = page.next;
    }
    expect(seen).toHaveLength(450);
    expect(new Set(seen).size).toBe(450);
    const excluded = await listMessages(scratch.db, scope, executionId, { state: 'excluded', limit: 5_000 });
    expect(excluded?.messages).toHaveLength(140);
    expect(excluded?.messages[0]).toEqual({
      messageId: expect.any(String),
      namespace: 'CRMID',
      id: expect.stringMatching(/^p\d+$/),
      address: expect.stringMatching(/^p\d+@example\.com$/),
      state: 'excluded',
      code: '050101',
      attempts: 0,
      updatedAt: expect.stringMatching(/Z$/),
    });
    expect(
      (await listMessages(scratch.db, scope, executionId, { cursor: "1.'; --", limit: 0 }))?.messages,
    ).toHaveLength(1);
  });
});
