import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import {
  acknowledgeReview,
  listReviews,
  putReview,
  REVIEW_LIMIT,
  type ReviewCursor,
  type ReviewReason,
} from './review.ts';
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

test('MT-9 of too many mails those go first that were seen to, then what asks for nothing, and a wish to leave last', async () => {
  const { db } = scratch;
  const crowded = await ensureSandbox(db, 'default', 'crowded');
  let mails = 0;
  const put = (why: ReviewReason, subject: string) => {
    mails += 1;
    return putReview(db, {
      ...{ organisation: crowded.organisation, sandbox: crowded.sandbox, why, subject, size: 1, source: 'x' },
      ...{ digest: Buffer.alloc(32, `mail ${mails}`), recipient: 'abuse', detail: null, sender: null },
      mentions: [],
    });
  };
  await put('unverified', 'a wish that was seen to');
  const [seen] = (await listReviews(db, crowded, {})).items;
  await acknowledgeReview(db, crowded, seen?.id ?? 0);
  await put('unverified', 'a wish to leave');
  await put('role', 'the oldest letter');
  await sql`INSERT INTO review_mail (sandbox_id, digest, recipient, why, size, source, mentions)
    SELECT ${crowded.sandboxId}, sha256(number::text::bytea), 'abuse', 'role', 1, 'x', '{}'
    FROM generate_series(1, ${REVIEW_LIMIT}) AS number`.execute(db);
  // It is looked at with every 64th.
  for (let more = 0; more < 64; more += 1) await put('role', 'a letter');
  const { items } = await listReviews(db, crowded, { limit: 3 });
  expect(items.map(({ subject }) => subject)).toEqual(['a wish to leave', 'a letter', 'a letter']);
  const { items: acknowledged } = await listReviews(db, crowded, { state: 'acknowledged' });
  expect(acknowledged).toEqual([]);
  const kept = await sql<{ subject: string | null; count: number }>`SELECT count(*)::integer AS count,
    max(subject) FILTER (WHERE subject LIKE '%oldest%') AS subject FROM review_mail WHERE sandbox_id = ${crowded.sandboxId}`.execute(
    db,
  );
  const [row] = kept.rows;
  expect(row?.subject).toBeNull();
  expect(row?.count).toBeGreaterThanOrEqual(REVIEW_LIMIT);
  expect(row?.count).toBeLessThan(REVIEW_LIMIT + 64);
});
