/**
 * A mailing from files: a template, a file of people, one or more executions.
 *
 * People are imported in chunks and become recipients in the order of the file; somebody named twice is written to
 * once. One rule: what the file says of consent only narrows what is stored, because the server keeps every no. A dry run
 * imports nobody: recipients carry their address instead.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { EMAIL_NAMESPACE, identityKey, namespaceKey } from '@adieu/core';
import type { Management } from './management.ts';
import type { PersonLine } from './people.ts';
import type { PersonRecord } from './person-column.ts';

/** What is sent. */
export interface Mailing {
  readonly template: string;
  readonly configuration: string;
  readonly campaignId?: string;
  readonly list?: string;
  /** Only count; nobody is stored. */
  readonly dryRun?: boolean;
}

/** A line of the file that nobody was written to for. */
export interface RejectedLine {
  readonly line: number;
  readonly code: string;
  readonly detail: string;
}

/** What came of the file. */
export interface Enqueued {
  readonly executions: readonly string[];
  /** People handed over. */
  readonly recipients: number;
  readonly rejected: readonly RejectedLine[];
  /** Lines that say yes for people whose no stands. */
  readonly kept: readonly RejectedLine[];
  /** Lines that name somebody who stood in the file before. */
  readonly repeated: number;
  /** Of a dry run: lines that bring consent, which counts only when they are imported. */
  readonly uncounted: number;
}

/** Recipients of one execution (wire limit), and profiles of one import. */
const EXECUTION_SIZE = 10_000;
const IMPORT_SIZE = 1_000;

interface Recipient {
  readonly namespace: string;
  readonly id: string;
  readonly address?: string;
  readonly context?: Readonly<Record<string, unknown>>;
}

/** Imports and enqueues everybody. */
export async function enqueue(
  management: Management,
  mailing: Mailing,
  people: AsyncIterable<PersonLine>,
): Promise<Enqueued> {
  // One sending is one word, so that its executions can be told from those of another.
  const word = randomUUID();
  const executions: string[] = [];
  const rejected: RejectedLine[] = [];
  const kept: RejectedLine[] = [];
  const seen = new Set<string>();
  let waiting: Recipient[] = [];
  let chunk: Extract<PersonLine, { ok: true }>[] = [];
  let recipients = 0;
  let repeated = 0;
  let uncounted = 0;

  const send = async () => {
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    const { template, configuration: channelConfiguration, ...ids } = mailing;
    const requestId = `send-${word}-${executions.length + 1}`;
    executions.push(
      await management.createExecution({
        requestId,
        channelConfiguration,
        template,
        ...ids,
        recipients: batch,
      }),
    );
  };

  const store = async () => {
    if (chunk.length === 0) return;
    const lines = chunk;
    chunk = [];
    const answer =
      mailing.dryRun === true ? { refused: unnamed(lines), kept: [] } : await importLines(management, lines);
    const { refused } = answer;
    rejected.push(...refused.values());
    kept.push(...answer.kept);
    for (const { line, person } of lines) {
      if (refused.has(line)) continue;
      waiting.push(mailing.dryRun === true ? addressed(person) : recipientOf(person));
      if (mailing.dryRun === true && person.consents !== undefined) uncounted += 1;
      recipients += 1;
      if (waiting.length >= EXECUTION_SIZE) await send();
    }
  };

  for await (const read of people) {
    if (!read.ok) {
      rejected.push({ line: read.line, code: read.code, detail: read.detail });
      continue;
    }
    const key = keyOf(read.person);
    if (seen.has(key)) {
      repeated += 1;
      continue;
    }
    seen.add(key);
    chunk.push(read);
    if (chunk.length >= IMPORT_SIZE) await store();
  }
  await store();
  await send();
  rejected.sort((a, b) => a.line - b.line);
  return { executions, recipients, rejected, kept, repeated, uncounted };
}

/** Answers what the server refused, by line of the file, and where it kept a no. */
async function importLines(
  management: Management,
  lines: readonly Extract<PersonLine, { ok: true }>[],
): Promise<{ readonly refused: ReadonlyMap<number, RejectedLine>; readonly kept: readonly RejectedLine[] }> {
  const ndjson = lines.map(({ person }) => {
    // The context belongs to the message, not to the profile.
    const { context: _context, ...record } = person;
    return JSON.stringify(record);
  });
  const { rejected, kept } = await management.importProfiles(`${ndjson.join('\n')}\n`);
  const inFile = ({ line, code, detail }: RejectedLine): RejectedLine[] => {
    const found = lines[line - 1]?.line;
    return found === undefined ? [] : [{ line: found, code, detail }];
  };
  const refused = new Map(rejected.flatMap(inFile).map((line) => [line.line, line]));
  return { refused, kept: kept.flatMap(inFile) };
}

/** Who cannot even be a recipient; an import would say so of them, too. */
function unnamed(lines: readonly Extract<PersonLine, { ok: true }>[]): ReadonlyMap<number, RejectedLine> {
  return new Map(
    lines.flatMap(({ line, person }) => {
      const ids = Object.values<unknown>(person.identities);
      if (ids.every((id) => typeof id === 'string')) return [];
      return [[line, { line, code: 'invalid_field', detail: 'an identity is not a text' }] as const];
    }),
  );
}

/** With the address that an import would give the person. */
function addressed(person: PersonRecord): Recipient {
  const [, address] =
    Object.entries(person.identities).find(
      ([namespace]) => namespaceKey(namespace) === namespaceKey(EMAIL_NAMESPACE),
    ) ?? [];
  return { ...recipientOf(person), ...(address === undefined ? {} : { address }) };
}

/** The strongest identity names the person: an own id, else the address. */
function recipientOf({ identities, context }: PersonRecord): Recipient {
  const entries = Object.entries(identities);
  const own =
    entries.find(([namespace]) => namespaceKey(namespace) !== namespaceKey(EMAIL_NAMESPACE)) ?? entries[0];
  const [namespace = EMAIL_NAMESPACE, id = ''] = own ?? [];
  return { namespace, id, ...(context === undefined ? {} : { context }) };
}

function keyOf(person: PersonRecord): string {
  const { namespace, id } = recipientOf(person);
  return `${namespaceKey(namespace)}\n${identityKey(namespace, String(id))}`;
}
