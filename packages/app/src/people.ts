/**
 * A file of people: CSV with a header line, or NDJSON as `POST /v1/profiles` takes it.
 *
 * Read line by line, so a file may be of any length. One rule: a line that cannot be read is reported with its
 * number and never stops the others.
 *
 * @module
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { Failure } from '@adieu/core';
import { type CsvError, type Info, parse } from 'csv-parse';
import { findConflict, type PersonRecord, type Place, placeOf, readRow } from './person-column.ts';

/** What one line says. Lines count from 1; a record over several lines has the number of its last. */
export type PersonLine =
  | { readonly ok: true; readonly line: number; readonly person: PersonRecord }
  | { readonly ok: false; readonly line: number; readonly code: string; readonly detail: string };

const RECORD_LIMIT = 1024 * 1024;

/**
 * Reads the file once, before anything is stored: throws `file_unreadable`, or `file_not_utf8` for names that would arrive
 * as garbage.
 */
export async function checkPeople(path: string): Promise<void> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of createReadStream(path)) decoder.decode(chunk, { stream: true });
    decoder.decode();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      throw new Failure('file_unreadable', `${path} cannot be read.`, { cause });
    }
    throw new Failure('file_not_utf8', `${path} is not UTF-8. Save it as "CSV UTF-8".`, { cause });
  }
}

/** Reads a file by its ending: `.csv`, `.tsv`, `.ndjson`, `.jsonl`. */
export async function* readPeople(path: string): AsyncGenerator<PersonLine> {
  const ending = extname(path).toLowerCase();
  if (ending === '.csv' || ending === '.tsv') yield* readCsv(path);
  else if (ending === '.ndjson' || ending === '.jsonl') yield* readNdjson(path);
  else throw new Failure('people_format', `${path} is neither .csv nor .ndjson.`);
}

async function* readCsv(path: string): AsyncGenerator<PersonLine> {
  const delimiter = await findDelimiter(path);
  const skipped: PersonLine[] = [];
  let lastError: unknown;
  const text = Readable.from(linesEndedByOne(path));
  const parser = text.pipe(
    parse({
      bom: true,
      delimiter,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      max_record_size: RECORD_LIMIT,
      on_skip: (error) => {
        // One record may err more than once.
        if (error !== undefined && error.lines !== lastError) skipped.push(unreadable(error));
        lastError = error?.lines;
        return undefined;
      },
    }),
  );
  text.on('error', (error) => parser.destroy(error));
  let places: readonly Place[] | null = null;
  for await (const { info, record } of parser as AsyncIterable<{ info: Info; record: string[] }>) {
    yield* skipped.splice(0);
    if (places === null) places = readHeader(record, path);
    else yield readCells(places, record, info.lines);
  }
  yield* skipped.splice(0);
  if (places === null) throw new Failure('people_empty', `${path} has no header line.`);
}

/** The file's text with one character for the end of a line: the parser counts two within a quoted cell. */
async function* linesEndedByOne(path: string): AsyncGenerator<string> {
  let held = '';
  for await (const chunk of createReadStream(path, 'utf8')) {
    const text = `${held}${chunk}`;
    held = text.endsWith('\r') ? '\r' : '';
    yield text.slice(0, text.length - held.length).replaceAll('\r\n', '\n');
  }
  if (held !== '') yield held;
}

function readHeader(columns: readonly string[], path: string): readonly Place[] {
  const places = columns.map((column, index) => {
    const place = placeOf(column);
    if (place !== null) return place;
    throw new Failure(
      'column_unknown',
      `${path}:1: column ${index + 1}, ${JSON.stringify(column)}, leads nowhere.`,
    );
  });
  const conflict = findConflict(places);
  if (conflict !== null) {
    throw new Failure('column_conflict', `${path}:1: two columns fill ${conflict}.`);
  }
  if (!places.some(([root]) => root === 'identities')) {
    const detail = `${path}:1: no column says who somebody is. Name one "email" or "id". Found: ${columns.join(', ')}.`;
    throw new Failure('column_missing', detail);
  }
  return places;
}

function readCells(places: readonly Place[], cells: readonly string[], line: number): PersonLine {
  if (cells.length > places.length) {
    const detail = `${cells.length} cells, but ${places.length} columns; is a comma not quoted?`;
    return { ok: false, line, code: 'too_many_cells', detail };
  }
  const person = readRow(places, cells);
  if (person !== null) return { ok: true, line, person };
  return { ok: false, line, code: 'identities_required', detail: 'neither an email nor an id' };
}

function unreadable(error: CsvError): PersonLine {
  const line = typeof error.lines === 'number' ? error.lines : 0;
  return { ok: false, line, code: 'line_unreadable', detail: error.message };
}

/** The one that the header has most of. */
async function findDelimiter(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16_384), 0, 16_384, 0);
    const [header = ''] = buffer.toString('utf8', 0, bytesRead).split(/\r?\n/, 1);
    const counted = [',', ';', '\t'].map((mark) => ({ mark, count: header.split(mark).length }));
    return counted.reduce((best, next) => (next.count > best.count ? next : best)).mark;
  } finally {
    await file.close();
  }
}

async function* readNdjson(path: string): AsyncGenerator<PersonLine> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  let line = 0;
  for await (const text of lines) {
    line += 1;
    const json = text.replace(/^\uFEFF/, '').trim();
    if (json !== '') yield readJson(json, line);
  }
}

function readJson(json: string, line: number): PersonLine {
  const value = parseJson(json);
  if (value === undefined) return { ok: false, line, code: 'line_unreadable', detail: 'this is not JSON' };
  if (isObject(value) && isObject(value.identities) && Object.keys(value.identities).length > 0) {
    return { ok: true, line, person: value as unknown as PersonRecord };
  }
  return { ok: false, line, code: 'identities_required', detail: 'no "identities"' };
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
