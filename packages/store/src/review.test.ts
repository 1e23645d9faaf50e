import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { listReviews, putReview, type ReviewCursor, type ReviewReason } from './review.ts';
import { ensureSandbox, type Scope } from './scope.ts';
import { openScratchDatabase, type ScratchDatabase } from './testing/index.ts';

let scratch: ScratchDatabase;
let scope: Scope;
beforeAll(async () => {
  scratch = await openScratchDatabase();
  scope = await ensureSandbox(scratch.db, 'default', 'prod');
});
afterAll(() => scratch.close());

test('MT-13 who asks to leave is read first, then the newest, page by page', async () => {
  const reasons: ReviewReason[] = ['unverified', 'role', 'unknown_sender', 'no_report', 'role', 'unverified'];
  for (const [index, why] of reasons.entries()) {
    await putReview(scratch.db, {
      ...{ organisation: scope.organisation, sandbox: scope.sandbox, digest: Buffer.alloc(32, index), why },
      ...{ recipient: 'abuse', detail: null, sender: null, subject: String(index), size: 1, source: 'x' },
      mentions: [],
    });
  }
  const seen: [string | null, boolean][] = [];
  let cursor: ReviewCursor | undefined;
  for (let page = 0; page < 3; page += 1) {
    const { items, next } = await listReviews(scratch.db, scope, { limit: 2, ...(cursor && { cursor }) });
    seen.push(...items.map(({ subject, asksToLeave }) => [subject, asksToLeave] as [string, boolean]));
    cursor = next ?? undefined;
  }
  expect(cursor).toBeUndefined();
  expect(seen).toEqual([
    ...['5', '2', '0'].map((subject) => [subject, true]),
    ...['4', '3', '1'].map((subject) => [subject, false]),
  ]);
});
