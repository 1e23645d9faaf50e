/**
 * The management API as the command line calls it.
 *
 * The rule: what the server refuses arrives as a {@link Failure} with the server's own code and words; a server
 * that does not answer is a failure of its own, which says how to start one.
 *
 * @module
 */
import { Failure, type TemplateError } from '@adieu/core';
import { z } from 'zod';

const STATES = ['queued', 'sending', 'sent', 'deferred', 'excluded', 'bounced', 'failed', 'unknown'] as const;

const Counts = z.object({
  executionId: z.string(),
  dryRun: z.boolean().optional(),
  state: z.enum(['running', 'finished']),
  control: z.enum(['running', 'paused', 'cancelled']),
  counts: z.record(z.enum(STATES), z.int()),
  exclusions: z.record(z.string(), z.int()),
});
const Sending = z.discriminatedUnion('state', [
  z.object({ state: z.literal('running') }),
  z.object({ state: z.literal('paused'), why: z.string(), since: z.coerce.date() }),
]);
const Created = z.object({ executionId: z.string() });
const Template = z.object({ version: z.int(), warnings: z.array(z.string()) });
const Imported = z.object({
  upserted: z.int(),
  rejected: z.array(z.object({ line: z.int(), code: z.string(), detail: z.string() })),
  kept: z.array(z.object({ line: z.int(), code: z.string(), detail: z.string() })),
});
const Uploaded = z.object({
  column: z.string().nullable(),
  added: z.int(),
  alreadyThere: z.int(),
  reasons: z.object({ manual: z.int(), hard: z.int(), soft: z.int(), complaint: z.int() }),
  comments: z.int(),
  rejectedCount: z.int(),
  rejected: z.array(z.object({ line: z.int(), code: z.string(), detail: z.string() })),
  dryRun: z.boolean(),
});
const Subdomain = z.object({
  domain: z.string(),
  dns: z.array(z.object({ type: z.string(), name: z.string(), value: z.string() })),
});
const Erasure = z.object({
  receiptId: z.string(),
  erasedAt: z.string(),
  counts: z.object({
    identities: z.int(),
    addresses: z.int(),
    sharedAddresses: z.int(),
    messages: z.int(),
    stopped: z.int(),
    executions: z.int(),
    listEntries: z.int(),
  }),
});
const Messages = z.object({
  messages: z.array(z.looseObject({ namespace: z.string(), id: z.string(), code: z.string().optional() })),
});
const Explanation = z.object({
  rules: z.array(z.object({ rule: z.string(), value: z.string(), verdict: z.string() })),
});
const Problem = z.looseObject({
  code: z.string(),
  detail: z.string(),
  field: z.string().optional(),
  errors: z.array(z.looseObject({ message: z.string().optional() })).optional(),
});

export type ExecutionCounts = z.output<typeof Counts>;
export type SendingAnswer = z.output<typeof Sending>;
export type MessageState = (typeof STATES)[number];
export type ImportAnswer = z.output<typeof Imported>;
export type UploadAnswer = z.output<typeof Uploaded>;
export type SubdomainAnswer = z.output<typeof Subdomain>;
export type ErasureAnswer = z.output<typeof Erasure>;
export type SkippedMessage = z.output<typeof Messages>['messages'][number];
export type ExplainedRule = z.output<typeof Explanation>['rules'][number];

/** Which template was stored, or what is wrong with it. */
export type TemplateAnswer =
  | { readonly ok: true; readonly version: number; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly TemplateError[] };

/** Somebody, by one of their identities. */
export interface Person {
  readonly namespace: string;
  readonly id: string;
}

/** Calls of one server with one key. */
export interface Management {
  readonly url: string;
  /** Null when there is no such subdomain. */
  findSubdomain(domain: string): Promise<SubdomainAnswer | null>;
  putSubdomain(domain: string, body: object): Promise<SubdomainAnswer>;
  putConfiguration(name: string, body: object): Promise<void>;
  hasConfiguration(name: string): Promise<boolean>;
  putTemplate(id: string, body: object): Promise<TemplateAnswer>;
  /** One profile a line; lines of the answer count from 1. */
  importProfiles(ndjson: string): Promise<ImportAnswer>;
  /** A file of suppressed or allowed addresses, however long it takes; lines of the answer count from 1. */
  uploadSuppressions(query: URLSearchParams, file: AsyncIterable<Uint8Array>): Promise<UploadAnswer>;
  /** Everything held about a person; null when nobody of that identity is known. */
  exportProfile(person: Person): Promise<unknown>;
  /** Null when nobody of that identity is or was known. */
  eraseProfile(person: Person): Promise<ErasureAnswer | null>;
  createExecution(body: object): Promise<string>;
  /** Whether anything is sent at all. */
  sending(): Promise<SendingAnswer>;
  /** Null when there is no such execution. */
  findExecution(id: string): Promise<ExecutionCounts | null>;
  /** The first excluded messages of an execution. */
  listExcluded(id: string, limit: number): Promise<readonly SkippedMessage[]>;
  /** Every rule for one person; empty when it cannot be told. */
  explain(who: Person, configuration: string): Promise<readonly ExplainedRule[]>;
}

interface Call {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: string | AsyncIterable<Uint8Array>;
  readonly type?: string;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const TIMEOUT_MILLISECONDS = 120_000;

/** Opens the calls. Nothing is asked before the first of them. */
export function openManagement(url: string, key: string): Management {
  const base = url.replace(/\/+$/, '');

  async function ask({ method, path, body, type = 'application/json' }: Call): Promise<Answer> {
    const headers = {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': type }),
    };
    try {
      const response = await fetch(`${base}${path}`, {
        method,
        headers,
        redirect: 'error',
        // A stream takes as long as it takes.
        signal: typeof body === 'object' ? null : AbortSignal.timeout(TIMEOUT_MILLISECONDS),
        ...(body === undefined ? {} : { body, duplex: 'half' }),
      });
      return { status: response.status, body: parseJson(await response.text()) };
    } catch (cause) {
      throw unreachable(base, cause);
    }
  }

  async function get<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
    const answer = await ask({ method: 'GET', path });
    return answer.status === 404 ? null : read(answer, schema);
  }

  const json = async <T>(
    method: 'PUT' | 'POST',
    path: string,
    given: { body: object; schema: z.ZodType<T> },
  ) => read(await ask({ method, path, body: JSON.stringify(given.body) }), given.schema);

  return {
    url: base,
    findSubdomain: (domain) => get(`/v1/subdomains/${encodeURIComponent(domain)}`, Subdomain),
    putSubdomain: (domain, body) =>
      json('PUT', `/v1/subdomains/${encodeURIComponent(domain)}`, { body, schema: Subdomain }),
    putConfiguration: async (name, body) => {
      await json('PUT', `/v1/channel-configurations/${encodeURIComponent(name)}`, {
        body,
        schema: z.unknown(),
      });
    },
    hasConfiguration: async (name) =>
      (await get(`/v1/channel-configurations/${encodeURIComponent(name)}`, z.unknown())) !== null,
    putTemplate: async (id, body) => {
      const path = `/v1/templates/${encodeURIComponent(id)}`;
      const answer = await ask({ method: 'PUT', path, body: JSON.stringify(body) });
      const problem = Problem.safeParse(answer.body);
      if (answer.status === 422 && problem.data?.errors !== undefined) {
        return { ok: false, errors: problem.data.errors as unknown as TemplateError[] };
      }
      return { ok: true, ...read(answer, Template) };
    },
    sending: async () => read(await ask({ method: 'GET', path: '/v1/sending' }), Sending),
    importProfiles: async (ndjson) =>
      read(
        await ask({ method: 'POST', path: '/v1/profiles', body: ndjson, type: 'application/x-ndjson' }),
        Imported,
      ),
    uploadSuppressions: async (query, file) => {
      const path = `/ajo/config/suppression/uploads?${query}`;
      return read(await ask({ method: 'POST', path, body: file, type: 'text/csv' }), Uploaded);
    },
    exportProfile: (person) => get(`${pathOf(person)}/export`, z.unknown()),
    eraseProfile: async (person) => {
      const erased = await ask({ method: 'DELETE', path: pathOf(person) });
      return erased.status === 404 ? null : read(erased, Erasure);
    },
    createExecution: async (body) =>
      (await json('POST', '/v1/executions', { body, schema: Created })).executionId,
    findExecution: (id) => get(`/v1/executions/${encodeURIComponent(id)}`, Counts),
    listExcluded: async (id, limit) => {
      const path = `/v1/executions/${encodeURIComponent(id)}/messages?state=excluded&limit=${limit}`;
      return (await get(path, Messages))?.messages ?? [];
    },
    explain: async (person, configuration) => {
      const query = `channelConfiguration=${encodeURIComponent(configuration)}`;
      return (await get(`${pathOf(person)}/explain?${query}`, Explanation))?.rules ?? [];
    },
  };
}

function pathOf({ namespace, id }: Person): string {
  return `/v1/profiles/${encodeURIComponent(namespace)}/${encodeURIComponent(id)}`;
}

function read<T>({ status, body }: Answer, schema: z.ZodType<T>): T {
  if (status >= 200 && status < 300) return schema.parse(body);
  const problem = Problem.safeParse(body);
  if (!problem.success)
    throw new Failure('unexpected_answer', `The server answered ${status} in words of its own.`);
  const { code, detail, field } = problem.data;
  if (status === 401) {
    throw new Failure(code, 'The server does not know this API key. Give --key, or set ADIEU_API_KEY.');
  }
  throw new Failure(code, detail, field === undefined ? {} : { field });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unreachable(url: string, cause: unknown): Failure {
  const detail = `No Adieu server answers at ${url}. Start one with "adieu demo" or "adieu serve", or say where it is with --server.`;
  return new Failure('server_unreachable', detail, { temporary: true, cause });
}
