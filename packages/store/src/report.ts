/**
 * Reports, as they are written down: one transaction from the report to the message, the suppression and the opt-out.
 *
 * One rule: the report itself is noted first, so that one which comes twice, at once or a week later, has one effect (IN-21).
 * Then rows are locked in the order of every door: profile, address, message.
 *
 * @module
 */
import type { BounceVerdict, OptOut, Report, ReportReceipt } from '@adieu/core';
import { judgeBounce } from '@adieu/core';
import { countBounces, suppressAddresses } from './bounce.ts';
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import type { Recorded } from './opt-out.ts';
import { recordOptOuts } from './opt-out.ts';
import { findMonthOf, withPartitions } from './partition.ts';
import { endMessage, findReported, type ReportedMessage } from './reported-message.ts';
import { prepared, run } from './statement.ts';
import { storableJson } from './storable.ts';
import { MAILED_BY, MAILED_COLUMNS, SUBJECT_COLUMNS, SUBJECT_OF, subjectColumns } from './subject.ts';

/** What a report did, and the opt-outs whose messages on the wire are to be waited for. */
export interface RecordedReport {
  readonly receipt: ReportReceipt;
  readonly recorded: readonly Recorded[];
  /** Of a bounce that is recorded. */
  readonly bounce?: BounceVerdict['kind'];
}

interface Subject {
  readonly sandboxId: number;
  readonly profileId: number | null;
  readonly addressId: number | null;
}

/** Rows that an erasure took stay away: nobody is made anew by what comes back. */
const FIND = prepared<Subject>(
  'find_reported',
  `WITH given AS MATERIALIZED (
     SELECT g.*, s.id AS sandbox_id, ${MAILED_COLUMNS}
     FROM jsonb_to_recordset($1::jsonb) AS g (organisation text, sandbox text, month date, message_id uuid, ${SUBJECT_COLUMNS})
     JOIN organisation o ON o.name = g.organisation
     JOIN sandbox s ON s.organisation_id = o.id AND s.name = g.sandbox
     ${MAILED_BY('g')}
   )
   SELECT g.sandbox_id AS "sandboxId", f.profile_id AS "profileId", f.address_id AS "addressId"
   FROM given g CROSS JOIN LATERAL (SELECT ${SUBJECT_OF('g')}) f`,
);

const HEAR = prepared<{ readonly heard: boolean }>(
  'hear_report',
  `INSERT INTO heard_report (sandbox_id, digest) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true AS heard`,
);

const LOCK_PROFILE = prepared<{ readonly id: number }>(
  'lock_reported_profile',
  `SELECT id FROM profile WHERE id = $1 FOR NO KEY UPDATE`,
);

const LOCK_ADDRESS = prepared<{ readonly id: number; readonly spelling: string }>(
  'lock_reported_address',
  `SELECT id, spelling FROM address WHERE id = $1 FOR NO KEY UPDATE`,
);

/**
 * Whether a complaint about the same message (null: about none that is known) by the same token is on record, and all that follows
 * from one still stands. A token is of a day, so that those of two messages may be equal.
 */
const STANDS = prepared<{ readonly stands: boolean }>(
  'complaint_stands',
  `SELECT EXISTS (SELECT FROM consent_history WHERE profile_id = $1 AND source = 'complaint' AND fingerprint = $3
       AND message_id IS NOT DISTINCT FROM $4::uuid)
     AND EXISTS (SELECT FROM profile WHERE id = $1 AND consents #>> '{marketing,email,val}' = 'n')
     AND EXISTS (SELECT FROM address a JOIN delivery_list d ON d.sandbox_id = a.sandbox_id AND d.key = a.key
       WHERE a.id = $2 AND d.list = 'suppressed' AND d.kind = 'email') AS stands`,
);

const COMPLAINED = prepared<never>(
  'note_complaint',
  `INSERT INTO event (month, sandbox_id, type, at, message_id, execution_id, profile_id, source)
   VALUES (coalesce($1::date, date_trunc('month', now() AT TIME ZONE 'UTC')::date), $2, 'complained', $3, $4, $5, $6, 'complaint')`,
);

/** Reports that are known again; some 200 octets each. Who has a token can make one a mail, so that days alone are no bound. */
export const HEARD_LIMIT = 1_000_000;

const FORGOTTEN = prepared<{ readonly until: string }>(
  'forgotten_reports',
  // As text: it is finer than a Date.
  `SELECT greatest(now() - make_interval(days => $1),
     (SELECT heard_at FROM heard_report ORDER BY heard_at DESC OFFSET $2 LIMIT 1))::text AS until`,
);

/** Some at a time, so that no statement is long. */
const FORGET = prepared<{ readonly n: number }>(
  'forget_reports',
  `WITH gone AS (DELETE FROM heard_report WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM heard_report WHERE heard_at <= $1::timestamptz ORDER BY heard_at LIMIT 50000)) RETURNING 1)
   SELECT count(*) AS n FROM gone`,
);

/** Forgets which reports were heard more than so many days ago, or before the newest so many. */
export async function forgetReports(db: Db, days: number, most: number): Promise<void> {
  const [forgotten] = await run(db, FORGOTTEN, [days, most]);
  while (((await run(db, FORGET, [forgotten?.until]))[0]?.n ?? 0) > 0);
}

/** Records a report. Asked again with the same one, it changes nothing. */
export async function recordReport(db: Db, report: Report): Promise<RecordedReport> {
  return withPartitions(db, () =>
    retrying(() => db.transaction().execute((transaction) => write(transaction, report))),
  );
}

async function write(db: Db, report: Report): Promise<RecordedReport> {
  const { organisation, sandbox, who, digest, messageId } = report;
  const month = messageId === undefined ? null : findMonthOf(messageId);
  const message = month === null ? {} : { month, message_id: messageId };
  const named = { organisation, sandbox, ...message, ...subjectColumns(who) };
  const [subject] = await run(db, FIND, [storableJson([named])]);
  if (subject === undefined) return answer('nobody');
  const [heard] = await run(db, HEAR, [subject.sandboxId, digest]);
  if (heard === undefined) return answer('repeated');
  return report.reported.kind === 'bounce'
    ? writeBounce(db, report, subject)
    : writeLeaving(db, report, subject);
}

async function writeBounce(
  db: Db,
  report: Report,
  { profileId, addressId }: Subject,
): Promise<RecordedReport> {
  if (report.reported.kind !== 'bounce') return answer('noted');
  const [address] = await run(db, LOCK_ADDRESS, [addressId]);
  if (address === undefined) return answer('nobody');
  const verdict = judgeBounce(report.reported.fates, address.spelling);
  if (verdict === null) return answer('noted');
  const message = await findReported(db, { ...report, profileId, addressId: address.id });
  const repeats = message !== null && !(await endMessage(db, message, verdict));
  // Refused for who sends or how: nothing is said about the address.
  if (verdict.kind === 'sender') return { ...answer('recorded'), bounce: verdict.kind };
  // Of a message that has come back before, in session or in another report, a soft bounce was counted then.
  if (verdict.kind === 'soft' && repeats) return answer('noted');
  const suppressed = await countBounces(db, [
    { ...named(message), addressId: address.id, kind: verdict.kind, status: verdict.status },
  ]);
  return { ...answer('recorded', suppressed.has(address.id)), bounce: verdict.kind };
}

/** A complaint, or the mere wish to leave: the whole channel, as a person says it at the door (I3). */
async function writeLeaving(db: Db, report: Report, subject: Subject): Promise<RecordedReport> {
  const { sandboxId, profileId, addressId } = subject;
  const [profile] = await run(db, LOCK_PROFILE, [profileId]);
  const [address] = await run(db, LOCK_ADDRESS, [addressId]);
  if (profile === undefined && address === undefined) return answer('nobody');
  const message = await findReported(db, { ...report, profileId, addressId });
  const [told] = await run(db, STANDS, [profileId, addressId, report.fingerprint, message?.id ?? null]);
  // Said once more: whoever has a token could else fill the history, which is kept for good.
  const complains = report.reported.kind === 'complaint' && told?.stands !== true;
  const recorded =
    profile === undefined ? [] : await recordOptOuts(db, [optOut({ report, complains }, subject, message)]);
  if (!complains) return { ...answer('recorded'), recorded };
  const { month = null } = message ?? {};
  const { messageId, executionId } = named(message);
  await run(db, COMPLAINED, [month, sandboxId, report.at, messageId, executionId, profile?.id ?? null]);
  if (address === undefined) return { ...answer('recorded'), recorded };
  const entry = { messageId, executionId, addressId: address.id, reason: 'complaint', status: null } as const;
  const suppressed = await suppressAddresses(db, [entry]);
  return { ...answer('recorded', suppressed.has(address.id)), recorded };
}

function optOut(
  { report, complains }: { readonly report: Report; readonly complains: boolean },
  { profileId, addressId }: Subject,
  message: ReportedMessage | null,
): OptOut {
  const { organisation, sandbox, fingerprint, at } = report;
  return {
    organisation,
    sandbox,
    who: { by: 'number', profile: profileId ?? 0, address: addressId ?? 0 },
    scope: 'channel',
    source: complains ? 'complaint' : 'header_mailto',
    ...(message === null ? {} : { messageId: message.id }),
    fingerprint,
    at,
  };
}

function named(message: ReportedMessage | null) {
  return { messageId: message?.id ?? null, executionId: message?.executionId ?? null };
}

function answer(outcome: ReportReceipt['outcome'], suppressed = false): RecordedReport {
  return { receipt: { outcome, suppressed }, recorded: [] };
}
