/**
 * `POST /ajo/config/suppression/uploads`: a file of suppressed or allowed addresses, from whatever system.
 *
 * The body is read as fast as the database takes it. A line that is no entry is reported with its number and does not stop
 * the others; a file whose first lines are mostly none is refused before anything is stored. What was stored before
 * a failure stays stored; sending the same again changes nothing.
 *
 * @module
 */
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import {
  type CsvRow,
  cutCsv,
  type DeliveryList,
  type FilePlan,
  faultOfFile,
  isCommentRow,
  planFile,
  readFileRow,
  SUPPRESSION_REASONS,
  type SuppressionReason,
} from '@adieu/core';
import { compareEntries, type Database, type ListEntry, putEntries, type Scope } from '@adieu/store';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import { textOf } from './file-text.ts';
import type { ManagementApp } from './management-app.ts';
import { fileOfForm } from './multipart-file.ts';
import { ListType, listOf } from './suppression-entry.ts';

/** Entries of one transaction; no more lines than that are looked at before the first is stored. */
const CHUNK = 1_000;
/** Rejected lines that an answer names; the rest is counted. */
const MAX_REJECTED = 10_000;
const TEXT = { schema: { type: 'string', description: 'Without or with a header line' } };
const FORM = {
  type: 'object',
  properties: { file: { type: 'string', format: 'binary' } },
  required: ['file'],
};
const BODY = {
  'text/csv': TEXT,
  'text/plain': TEXT,
  'application/octet-stream': TEXT,
  'multipart/form-data': { schema: FORM },
};

const Query = z.strictObject({
  type: ListType,
  reason: z
    .enum(SUPPRESSION_REASONS)
    .optional()
    .describe(
      'For lines that give none; without it, lines of people who unsubscribed, are subscribed or have an unknown status are rejected',
    ),
  column: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('The column of the addresses. Default: found by its name'),
  dryRun: z.stringbool().default(false).describe('Tell what would be done, and store nothing'),
});
const Outcome = z.object({
  column: z.string().nullable().describe('What the column of the addresses is called; null: no header'),
  added: z.number().int(),
  alreadyThere: z.number().int(),
  reasons: z
    .object({ manual: z.int(), hard: z.int(), soft: z.int(), complaint: z.int() })
    .describe('How many were added for which reason'),
  comments: z.number().int().describe('Lines that begin with #'),
  rejectedCount: z.number().int(),
  rejected: z
    .array(z.object({ line: z.number().int(), code: z.string(), detail: z.string() }))
    .describe('The first 10,000; `line` counts from 1'),
  dryRun: z.boolean(),
});
type Outcome = z.output<typeof Outcome>;

export async function uploadRoutes(app: ManagementApp, database: Database): Promise<void> {
  app.removeAllContentTypeParsers();
  // The body is a stream: its lines are checked one by one as they come.
  app.setValidatorCompiler<z.ZodType>((part) =>
    part.httpPart === 'body' ? (body) => ({ value: body }) : validatorCompiler(part),
  );
  app.addContentTypeParser(Object.keys(BODY), (_request, payload, done) => done(null, payload));

  app.post(
    '/ajo/config/suppression/uploads',
    {
      config: { needs: 'profiles', streams: true },
      schema: {
        tags: ['Suppression'],
        summary: 'Upload a file of suppressed or allowed addresses',
        description:
          'CSV of Journey Optimizer (`TYPE,VALUE,COMMENTS`), Amazon SES, SendGrid, Mailgun, Mailchimp, Postmark, or one ' +
          'address a line; as the body, or as the `file` of a form. Any length; answered when all of it is stored.',
        headers: TenantHeaders,
        querystring: Query,
        body: { content: BODY },
        response: { 201: Outcome, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
        throw new Problem(415, 'unsupported_content_encoding', { detail: 'Send the file uncompressed.' });
      }
      const body: unknown = request.body;
      if (body === undefined || body === null) {
        throw new Problem(400, 'file_empty', { detail: 'There is no file in the request.' });
      }
      const type = request.headers['content-type'] ?? '';
      const stream = body as Readable;
      const bytes: AsyncIterable<Buffer> = stream.iterator({ destroyOnReturn: false });
      const source = /^multipart\//i.test(type) ? fileOfForm(bytes, type) : bytes;
      try {
        const outcome = await takeFile(database, tenantOf(request), { ...request.query, source });
        return reply.code(201).send(outcome);
      } catch (error) {
        // A client that is still sending would lose the refusal with the connection.
        await finished(stream.resume(), { writable: false }).catch(() => undefined);
        throw error;
      }
    },
  );
}

type Upload = z.output<typeof Query> & { readonly source: AsyncIterable<Buffer> };

async function takeFile(database: Database, scope: Scope, upload: Upload): Promise<Outcome> {
  const { source, dryRun, reason } = upload;
  const cutter = cutCsv();
  const outcome: Outcome = {
    column: null,
    added: 0,
    alreadyThere: 0,
    reasons: { manual: 0, hard: 0, soft: 0, complaint: 0 },
    comments: 0,
    rejectedCount: 0,
    rejected: [],
    dryRun,
  };
  const list = listOf(upload.type);
  const write = openWrite(database, scope, { list, dryRun });
  let plan: FilePlan | null = null;
  let entries: ListEntry[] = [];
  let stored = false;

  const flush = async (): Promise<void> => {
    if (!stored && outcome.rejectedCount > entries.length) throw doubtful(plan, outcome);
    const chunk = entries;
    entries = [];
    stored = true;
    for (const [at, isNew] of (await write(chunk)).entries()) {
      const entry = chunk[at];
      outcome[isNew ? 'added' : 'alreadyThere'] += 1;
      if (isNew && entry !== undefined) outcome.reasons[entry.reason] += 1;
    }
  };
  const reject = (
    line: number,
    { code, detail }: { readonly code: string; readonly detail: string },
  ): void => {
    outcome.rejectedCount += 1;
    if (outcome.rejected.length < MAX_REJECTED) outcome.rejected.push({ line, code, detail });
  };
  const take = async (row: CsvRow): Promise<void> => {
    if (!('cells' in row)) reject(row.line, row);
    else if (isCommentRow(row.cells, plan, upload.column)) outcome.comments += 1;
    else if (plan === null) {
      plan = planned(row.cells, upload.column);
      cutter.keepInLine(plan.value);
      outcome.column = plan.column;
      if (plan.column === null) return take(row);
    } else {
      const read = entryOf(plan, row.cells, { list, given: reason });
      if ('code' in read) reject(row.line, read);
      else entries.push(read);
    }
    if (entries.length >= CHUNK || (!stored && outcome.rejectedCount > CHUNK)) await flush();
  };

  for await (const text of textOf(source)) {
    for (const row of cutter.push(text)) await take(row);
  }
  for (const row of cutter.end()) await take(row);
  if (plan === null && outcome.rejectedCount > 0) throw doubtful(plan, outcome);
  if (plan === null) throw new Problem(422, 'file_empty', { detail: 'The file holds no line to be read.' });
  await flush();
  return outcome;
}

/** Answers for each entry whether it is new. A dry run remembers what it has seen, since nothing is stored. */
function openWrite(
  { db }: Database,
  scope: Scope,
  { list, dryRun }: { readonly list: DeliveryList; readonly dryRun: boolean },
): (entries: readonly ListEntry[]) => Promise<boolean[]> {
  if (!dryRun) return (entries) => putEntries(db, scope, { list, source: 'import', entries });
  const seen = new Set<string>();
  return async (entries) => {
    const isNew = await compareEntries(db, scope, { list, entries });
    return entries.map(({ kind, key }, at) => {
      const name = `${kind} ${key}`;
      const first = isNew[at] === true && !seen.has(name);
      if (first) seen.add(name);
      return first;
    });
  };
}

function planned(first: readonly string[], column: string | undefined): FilePlan {
  const found = planFile(first, column);
  if (found.ok) return found.plan;
  throw new Problem(422, found.code, {
    detail: `The file cannot be read: ${found.detail}.`,
    field: 'column',
  });
}

function entryOf(
  plan: FilePlan,
  cells: readonly string[],
  { list, given }: { readonly list: DeliveryList; readonly given: SuppressionReason | undefined },
): ListEntry | { readonly code: string; readonly detail: string } {
  const row = readFileRow(plan, cells);
  if (!row.ok) return row;
  const { kind, value, comment } = row;
  const entry = { kind, ...value, comment, author: null };
  // Reasons are those of suppressions; to be allowed needs none.
  if (list === 'allowed') return { ...entry, reason: given ?? 'manual' };
  if (row.reason === null) return { ...entry, reason: given ?? 'manual' };
  const refusal = REFUSED[row.reason as keyof typeof REFUSED];
  if (refusal === undefined) return { ...entry, reason: row.reason as SuppressionReason };
  return given === undefined ? refusal : { ...entry, reason: given };
}

/** Rows about people whom nobody should suppress by mistake. */
const REFUSED = {
  unsubscribe: {
    code: 'unsubscribe_is_no_suppression',
    detail:
      'somebody who unsubscribed: POST /v1/profiles takes their consent; a reason would suppress all mail, receipts included',
  },
  subscribed: {
    code: 'subscriber_is_no_suppression',
    detail: 'somebody who is subscribed or gets mail: give a reason to suppress all mail all the same',
  },
  unknown: {
    code: 'status_unknown',
    detail: 'a status that is not known here: give a reason to suppress all mail',
  },
};

function doubtful(plan: FilePlan | null, { rejected, rejectedCount }: Outcome): Problem {
  const extra = { rejectedCount, rejected: rejected.slice(0, 20) };
  const fault = faultOfFile(rejected.map(({ code }) => code));
  if (fault !== null) {
    const detail = `Most of the first lines are ${fault.holds}. Nothing was stored.`;
    return new Problem(422, fault.code, { detail, field: 'reason', extra });
  }
  const where = plan?.column == null ? 'without a header' : `in the column ${JSON.stringify(plan.column)}`;
  const [first] = rejected;
  const why = first === undefined ? '' : ` Line ${first.line}: ${first.detail}.`;
  const detail = `Most of the first lines ${where} are no entries: nothing was stored.${why}`;
  return new Problem(422, 'file_doubtful', { detail, field: 'column', extra });
}
