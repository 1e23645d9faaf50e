/**
 * What a caller is told when something is refused: RFC 9457 problem documents with a stable `code`.
 *
 * One translator for the whole shell: a {@link Failure} from below, a schema that does not match, a body
 * that the framework refused and an error nobody foresaw all become a {@link Problem} here. Nothing of an
 * unforeseen error reaches the caller.
 *
 * @module
 */
import { STATUS_CODES } from 'node:http';
import { isFailure } from '@adieu/core';
import type { FastifyReply } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';

/** Seconds a caller is asked to wait before it tries again; the database is back within ten. */
export const RETRY_AFTER_SECONDS = 10;

/** A refusal with its HTTP status. `detail` is public text; `field` is a path such as `from.email`. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly field: string | undefined;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, options: ProblemOptions) {
    super(options.detail, { cause: options.cause });
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.detail = options.detail;
    this.field = options.field;
    this.extra = options.extra ?? {};
  }
}

export interface ProblemOptions {
  readonly detail: string;
  readonly field?: string | undefined;
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The document as the OpenAPI description shows it. */
export const ProblemDocument = z
  .looseObject({
    type: z
      .string()
      .describe('`about:blank`: the title says what the status means (RFC 9457, section 4.2.1)'),
    title: z.string(),
    status: z.number().int(),
    code: z.string().describe('Stable, for programs'),
    detail: z.string().describe('For people'),
    field: z.string().optional().describe('The field at fault, such as `recipients.0.id`'),
  })
  .describe('RFC 9457 problem document');

/** Responses that every management route may give besides its own; for the `response` of a route's schema. */
export const PROBLEMS = {
  default: {
    description: 'A refusal',
    content: { 'application/problem+json': { schema: ProblemDocument } },
  },
};

/** Statuses of failures that come from the packages below; whatever is not listed is 422, or 503 when temporary. */
const STATUS: Readonly<Record<string, number>> = {
  link_base_url_taken: 409,
  subdomain_taken: 409,
  request_id_taken: 409,
  invalid_cursor: 400,
};

/** Statuses and codes for what the framework itself refuses. */
const FRAMEWORK: Readonly<Record<string, readonly [number, string, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'body_too_large', 'The body is larger than this call takes.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    415,
    'unsupported_media_type',
    'This call does not take this Content-Type. Most take application/json; /docs says what each does.',
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    400,
    'invalid_body',
    'The body is not as long as its Content-Length says.',
  ],
  FST_ERR_BAD_URL: [400, 'invalid_url', 'The URL is not well formed.'],
  FST_ERR_MAX_PARAM_LENGTH: [414, 'url_too_long', 'A part of the path is too long.'],
};

/** Turns whatever was thrown into the problem a caller may see. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isFailure(error)) {
    const status = STATUS[error.code] ?? (error.temporary ? 503 : 422);
    return new Problem(status, error.code, { detail: error.detail, field: error.field, cause: error });
  }
  if (hasZodFastifySchemaValidationErrors(error)) return schemaProblem(error.validation);
  const code = codeOf(error);
  const known = code === undefined ? undefined : FRAMEWORK[code];
  if (known !== undefined) return new Problem(known[0], known[1], { detail: known[2], cause: error });
  const status = statusOf(error);
  if (status !== undefined && status >= 400 && status < 500) {
    return new Problem(status, 'bad_request', { detail: 'The request could not be read.', cause: error });
  }
  return new Problem(500, 'internal_error', { detail: 'Something went wrong on our side.', cause: error });
}

/** A field of the interface that this version does not act upon: refused, since ignoring it would mislead. */
export function unsupportedField(field: string, what: string): Problem {
  const detail = `${what} is not supported by this version; leave the field out.`;
  return new Problem(422, 'unsupported_field', { detail, field });
}

export function databaseAway(cause?: unknown): Problem {
  return new Problem(503, 'database_unavailable', {
    detail: 'The database cannot be reached just now. Please try again.',
    cause,
  });
}

/** Sends a problem. The bytes are ready made, so that no response schema touches them and no charset is added. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS);
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send(Buffer.from(JSON.stringify(problemDocument(problem))));
}

export function problemDocument(problem: Problem): object {
  return {
    type: 'about:blank',
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    code: problem.code,
    detail: problem.detail,
    ...(problem.field === undefined ? {} : { field: problem.field }),
    ...problem.extra,
  };
}

/** Problems named one by one in an answer; a caller with ten thousand wrong recipients needs the first few. */
const MAX_ISSUES = 10;

interface SchemaIssue {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message?: string;
  readonly params: Readonly<Record<string, unknown>>;
}

function schemaProblem(validation: readonly SchemaIssue[]): Problem {
  const issues = validation.slice(0, MAX_ISSUES).map(schemaIssue);
  // A misspelt field often makes a required one missing too: the misspelling is what helps the caller.
  const first = issues.find((issue) => issue.code === 'unknown_field') ?? issues[0];
  if (first === undefined) return new Problem(400, 'invalid_field', { detail: 'The request does not fit.' });
  const extra = issues.length > 1 ? { errors: issues } : {};
  return new Problem(400, first.code, { detail: first.detail, field: first.field, extra });
}

/** What is wrong with the body as a whole has no field. */
function schemaIssue(issue: SchemaIssue): { code: string; field?: string; detail: string } {
  const path = issue.instancePath.split('/').filter((part) => part !== '');
  const keys = issue.params.keys;
  if (issue.keyword === 'unrecognized_keys' && Array.isArray(keys)) {
    const key = String(keys[0]).slice(0, 100);
    return {
      code: 'unknown_field',
      field: [...path, key].join('.'),
      detail: `There is no field ${JSON.stringify(key)} here.`,
    };
  }
  const field = path.join('.');
  const name = field === '' ? 'The body' : field;
  const expected = String(issue.params.expected);
  return {
    code: 'invalid_field',
    ...(field === '' ? {} : { field }),
    detail: isMissing(issue, field)
      ? `${name} is missing: expected ${expected}.`
      : `${name}: ${issue.message ?? 'not valid'}.`,
  };
}

/** A request without a body has `null` in its place. */
function isMissing({ keyword, message }: SchemaIssue, field: string): boolean {
  const absent = field === '' ? /received (?:undefined|null)$/ : /received undefined$/;
  return keyword === 'invalid_type' && absent.test(message ?? '');
}

function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

function statusOf(error: unknown): number | undefined {
  const status =
    typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}
