/**
 * `POST /v1/profiles`: any number of profiles in one request, in bounded memory.
 *
 * The body is read as fast as the database takes it: a chunk is stored before the next bytes are asked for. A
 * record that cannot be read is reported with its line and does not stop the others. What was stored before a
 * failure stays stored; sending the same again changes nothing.
 *
 * @module
 */
import type { Readable } from 'node:stream';
import { type Database, importProfiles, type ProfileRecord, type Scope } from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import type { ManagementApp } from './management-app.ts';
import { ProfileRecordSchema, readRecord } from './profile-record.ts';
import { cutArray, cutLines, type RecordCutter, type RecordText } from './record-text.ts';

/** Records of one transaction, and the octets of text at which it is closed earlier. */
const CHUNK_RECORDS = 500;
const CHUNK_OCTETS = 4 * 1024 * 1024;
/** Records that an answer names, of those rejected and of those kept; the rest is counted. */
const MAX_NAMED = 1_000;
/** Characters of a detail: a path in it may be as long as a record. */
const MAX_DETAIL = 300;
/** Paths of one record. */
const MAX_PATHS = 10;

const Rejection = z.object({ line: z.number().int(), code: z.string(), detail: z.string() });
const Kept = z.object({
  line: z.number().int(),
  code: z.enum(['opt_out_kept', 'erased']).describe('`erased`: they were erased, and begin opted out'),
  detail: z.string(),
  paths: z.array(z.string()).describe('Where the record said otherwise; an address is left out of its path'),
});
const Outcome = z.object({
  upserted: z.number().int(),
  rejected: z.array(Rejection).describe('The first 1,000; `line` counts from 1'),
  rejectedCount: z.number().int(),
  kept: z
    .array(Kept)
    .describe("Taken, but for a yes where the person's no stands; the first 1,000. Only the person lifts it"),
  keptCount: z.number().int(),
});
type Outcome = z.output<typeof Outcome>;

export async function importRoutes(app: ManagementApp, database: Database): Promise<void> {
  app.removeAllContentTypeParsers();
  for (const type of ['application/x-ndjson', 'application/json']) {
    app.addContentTypeParser(type, (_request, payload, done) => done(null, payload));
  }

  app.post(
    '/v1/profiles',
    {
      config: { needs: 'profiles', streams: true },
      // The body is a stream: its records are checked one by one as they come.
      validatorCompiler: () => (body) => ({ value: body }),
      schema: {
        tags: ['Profiles'],
        summary: 'Import profiles',
        description: 'NDJSON (`application/x-ndjson`, one profile a line) or a JSON array; any length.',
        consumes: ['application/x-ndjson', 'application/json'],
        headers: TenantHeaders,
        body: z.array(ProfileRecordSchema),
        response: { 200: Outcome, ...PROBLEMS },
      },
    },
    async (request) => {
      if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
        throw new Problem(415, 'unsupported_content_encoding', { detail: 'Send the profiles uncompressed.' });
      }
      const cutter = request.headers['content-type']?.includes('ndjson') === true ? cutLines() : cutArray();
      const source = request.body as unknown as Readable | null | undefined;
      if (source === undefined || source === null) {
        const detail = 'There is no body: send NDJSON as application/x-ndjson, or a JSON array.';
        throw new Problem(400, 'body_missing', { detail });
      }
      return importStream(database, tenantOf(request), { source, cutter });
    },
  );
}

/** Imports everything a stream holds. */
async function importStream(
  database: Database,
  scope: Scope,
  input: { readonly source: AsyncIterable<Buffer>; readonly cutter: RecordCutter },
): Promise<Outcome> {
  const outcome: Outcome = { upserted: 0, rejected: [], rejectedCount: 0, kept: [], keptCount: 0 };
  let chunk: ProfileRecord[] = [];
  let octets = 0;

  const reject = (rejection: z.output<typeof Rejection>): void => {
    outcome.rejectedCount += 1;
    if (outcome.rejected.length >= MAX_NAMED) return;
    const { line, code, detail } = rejection;
    outcome.rejected.push({ line, code, detail: detail.slice(0, MAX_DETAIL) });
  };
  const flush = async (): Promise<void> => {
    if (chunk.length === 0) return;
    const records = chunk;
    chunk = [];
    octets = 0;
    const stored = await importProfiles(database.db, scope, records);
    outcome.upserted += stored.upserted;
    for (const rejection of stored.rejected) reject(rejection);
    outcome.keptCount += stored.kept.length;
    for (const { line, paths, erased } of stored.kept.slice(0, MAX_NAMED - outcome.kept.length)) {
      const shown = paths.slice(0, MAX_PATHS).map((path) => path.slice(0, MAX_DETAIL));
      const refused = `A no was kept, an import lifts none: ${shown.join(', ')}`.slice(0, MAX_DETAIL);
      const detail = erased
        ? 'This person was erased. They are left alone until they say otherwise.'
        : refused;
      outcome.kept.push({ line, code: erased ? 'erased' : 'opt_out_kept', detail, paths: shown });
    }
  };
  const take = async (record: RecordText): Promise<void> => {
    if (!('text' in record)) return reject(record);
    const read = readRecord(record.text);
    if (!read.ok) return reject({ line: record.line, code: read.code, detail: read.detail });
    chunk.push({ ...read.record, line: record.line });
    octets += record.text.length;
    if (chunk.length >= CHUNK_RECORDS || octets >= CHUNK_OCTETS) await flush();
  };

  for await (const bytes of input.source) {
    for (const record of input.cutter.push(bytes)) await take(record);
  }
  for (const record of input.cutter.end()) await take(record);
  await flush();
  outcome.rejected.sort((a, b) => a.line - b.line);
  return outcome;
}
