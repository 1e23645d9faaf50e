/**
 * Mail that a person has to read: role mail, wishes to leave that nobody could verify, reports that say nothing clear (IN-7,
 * MT-9, BC-12).
 *
 * One rule: it is bounded whoever sends it, in size and in number, and shown nowhere but in its own list.
 *
 * @module
 */
import { withoutControlCharacters } from '@adieu/core';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import type { Schema } from './schema.ts';
import { ensureSandbox, type Scope } from './scope.ts';
import { prepared, run } from './statement.ts';
import { storableText } from './storable.ts';

/** Why a mail is for a person to read. */
export type ReviewReason = Schema['review_mail']['why'];

/** A mail on its way in. */
export interface ReviewMail {
  readonly organisation: string;
  readonly sandbox: string;
  /** 32 bytes, the same whenever the same mail comes again. */
  readonly digest: Buffer;
  /** The address it came to, without a token. */
  readonly recipient: string;
  readonly why: ReviewReason;
  readonly detail: string | null;
  /** The From field as it stands. */
  readonly sender: string | null;
  readonly subject: string | null;
  /** Octets of the whole mail. */
  readonly size: number;
  /** Its beginning. */
  readonly source: string;
  /** Every address in it, in lower case. */
  readonly mentions: readonly string[];
}

/** A mail as it is kept. */
export interface StoredReview
  extends Omit<ReviewMail, 'organisation' | 'sandbox' | 'digest' | 'source' | 'mentions'> {
  readonly id: number;
  readonly receivedAt: Date;
  readonly acknowledgedAt: Date | null;
  /** Somebody wants to leave, and nobody could vouch for who it is. */
  readonly asksToLeave: boolean;
}

/** Which page. `limit` is clamped to 1…1,000 (default 100). */
export interface ReviewPageRequest {
  /** Default: what nobody has acknowledged. */
  readonly state?: 'open' | 'acknowledged';
  readonly cursor?: ReviewCursor;
  readonly limit?: number;
}

/** The last mail of a page. */
export interface ReviewCursor {
  readonly id: number;
  readonly asksToLeave: boolean;
}

/** Mails of a sandbox; of more those go first that somebody has seen to, then what asks for nothing, then the oldest. */
export const REVIEW_LIMIT = 10_000;
/** Characters of a mail's beginning. */
export const REVIEW_SOURCE_LIMIT = 65_536;
const FIELD_LIMIT = 500;
/** What a wish to leave is kept for (MT-9, MT-13). */
const ASKING = `why IN ('unverified', 'unknown_sender')`;
const ASKS = sql<boolean>`(${sql.raw(ASKING)})`;

const PUT = prepared<{ readonly id: number }>(
  'put_review',
  `INSERT INTO review_mail (sandbox_id, digest, recipient, why, detail, sender, subject, size, source, mentions)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
   ON CONFLICT (sandbox_id, digest) DO NOTHING RETURNING id`,
);

const TRIM = prepared<never>(
  'trim_reviews',
  `DELETE FROM review_mail WHERE id IN (
     SELECT id FROM review_mail WHERE sandbox_id = (SELECT sandbox_id FROM review_mail WHERE id = $1)
     ORDER BY acknowledged_at IS NULL DESC, ${ASKING} DESC, id DESC OFFSET ${REVIEW_LIMIT})`,
);

/** Keeps a mail; the same one a second time is kept once. */
export async function putReview(db: Db, mail: ReviewMail): Promise<void> {
  const short = (text: string | null) =>
    text === null ? null : storableText(withoutControlCharacters(text).slice(0, FIELD_LIMIT));
  // Mail to the postmaster of no domain may be the first thing that an installation hears.
  const { sandboxId } = await ensureSandbox(db, mail.organisation, mail.sandbox);
  const [row] = await run(db, PUT, [
    sandboxId,
    mail.digest,
    short(mail.recipient),
    mail.why,
    short(mail.detail),
    short(mail.sender),
    short(mail.subject),
    mail.size,
    storableText(mail.source.slice(0, REVIEW_SOURCE_LIMIT)),
    mail.mentions.map(storableText),
  ]);
  // Looked at now and then only: the bound is for floods.
  if (row !== undefined && row.id % 64 === 0) await run(db, TRIM, [row.id]);
}

/** A page: who asks to leave first, then the newest; `next` is null at the end. */
export async function listReviews(
  db: Db,
  scope: Scope,
  { state = 'open', cursor, limit = 100 }: ReviewPageRequest,
): Promise<{ readonly items: StoredReview[]; readonly next: ReviewCursor | null }> {
  const most = Math.min(Math.max(Math.trunc(limit) || 1, 1), 1_000);
  const rows = await stored(db, scope)
    .where('acknowledged_at', state === 'open' ? 'is' : 'is not', null)
    .$if(cursor !== undefined, (query) =>
      query.where(sql<boolean>`(${ASKS}, id) < (${cursor?.asksToLeave}::boolean, ${cursor?.id}::bigint)`),
    )
    .orderBy(ASKS, 'desc')
    .orderBy('id', 'desc')
    .limit(most + 1)
    .execute();
  const items = rows.slice(0, most);
  const last = items.at(-1);
  const more = rows.length > most && last !== undefined;
  return { items, next: more ? { id: last.id, asksToLeave: last.asksToLeave } : null };
}

/** A mail with its beginning, or null. */
export async function findReview(
  db: Db,
  scope: Scope,
  id: number,
): Promise<(StoredReview & { readonly source: string }) | null> {
  return (await stored(db, scope).select('source').where('id', '=', id).executeTakeFirst()) ?? null;
}

/** Says that somebody has seen to it; false when there is no such mail. Saying it again changes nothing. */
export async function acknowledgeReview(db: Db, scope: Scope, id: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('review_mail')
    .set({ acknowledged_at: sql<Date>`coalesce(acknowledged_at, now())` })
    .where('sandbox_id', '=', scope.sandboxId)
    .where('id', '=', id)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Takes a mail away; false when there is no such mail. */
export async function removeReview(db: Db, scope: Scope, id: number): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('review_mail')
    .where('sandbox_id', '=', scope.sandboxId)
    .where('id', '=', id)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** Forgets mails that are older than that many days. */
export async function dropOldReviews(db: Db, days: number): Promise<void> {
  const old = sql<Date>`now() - make_interval(days => ${days})`;
  await db.deleteFrom('review_mail').where('received_at', '<', old).execute();
}

function stored(db: Db, { sandboxId }: Scope) {
  return db
    .selectFrom('review_mail')
    .select(['id', 'received_at as receivedAt', 'recipient', 'why', 'detail', 'sender', 'subject', 'size'])
    .select(['acknowledged_at as acknowledgedAt', ASKS.as('asksToLeave')])
    .where('sandbox_id', '=', sandboxId);
}
