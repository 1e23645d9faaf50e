/**
 * Who is calling the management API, for which sandbox, and whether they may.
 *
 * Decided from the headers alone, before a byte of the body is read. The organisation is the key's: a header
 * can only agree with it. Every query below takes the scope that is found here.
 *
 * @module
 */
import { type ApiKey, type Database, ensureSandbox, findApiKey, findScope, type Scope } from '@adieu/store';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Problem } from '../problem.ts';

/**
 * What a key may be allowed: each covers reading and writing; `admin` covers all and creates sandboxes. `consents` is all that
 * a landing page of somebody else needs: it means the people whose links it is shown.
 */
export const API_SCOPES = ['admin', 'configuration', 'profiles', 'executions', 'consents'] as const;
export type ApiScope = (typeof API_SCOPES)[number];

declare module 'fastify' {
  interface FastifyRequest {
    /** The sandbox the call is for; every management route has one. */
    tenant: Scope | null;
    /** The id of the key; empty where none was asked for. */
    caller: string;
  }
  interface FastifyContextConfig {
    /** The API scope that a route asks of a key. */
    needs?: ApiScope;
  }
}

/** The sandbox that every organisation has. */
const DEFAULT_SANDBOX = 'prod';
const SANDBOX_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const BEARER = /^Bearer +([\x21-\x7e]{1,512})$/i;

/** The headers, for the description; they are checked by hand, since they decide before any schema does. */
export const TenantHeaders = z.looseObject({
  'x-gw-ims-org-id': z
    .string()
    .optional()
    .describe("Default: the key's organisation; another one is refused"),
  'x-sandbox-name': z.string().optional().describe('Default: `prod`'),
  'x-api-key': z.string().optional().describe("The key's id; must match when given"),
});

/** Guards every route of a part of the API. */
export function guard(app: FastifyInstance, database: Database): void {
  app.decorateRequest('tenant', null);
  app.decorateRequest('caller', '');
  app.addHook('onRequest', async (request) => {
    const key = await authorise(request, database);
    request.caller = key.id;
    const admin = key.scopes.includes('admin');
    const writes = request.method !== 'GET' && request.method !== 'HEAD';
    request.tenant = await findTenant(database, {
      organisation: key.organisation,
      sandbox: namedSandbox(request) ?? DEFAULT_SANDBOX,
      mayCreate: admin && writes,
    });
  });
}

/** The key of a request that it may make. Throws the 401 or 403 of every other. */
export async function authorise(request: FastifyRequest, database: Database): Promise<ApiKey> {
  const key = await authenticate(request, database);
  const organisation = header(request, 'x-gw-ims-org-id');
  if (organisation !== undefined && organisation !== key.organisation) {
    throw new Problem(403, 'wrong_organisation', {
      detail: 'The key belongs to another organisation.',
      field: 'x-gw-ims-org-id',
    });
  }
  const needs = request.routeOptions.config.needs;
  if (needs !== undefined && !key.scopes.includes('admin') && !key.scopes.includes(needs)) {
    throw new Problem(403, 'scope_missing', { detail: `The key lacks the scope ${needs}.` });
  }
  return key;
}

/** The sandbox that a request names, as it is; undefined when it names none. */
export function namedSandbox(request: FastifyRequest): string | undefined {
  return header(request, 'x-sandbox-name');
}

/** The scope of a guarded request. */
export function tenantOf(request: FastifyRequest): Scope {
  if (request.tenant === null) throw new Error('The route is not guarded.');
  return request.tenant;
}

/** The id of the key of a guarded request. */
export function callerOf(request: FastifyRequest): string {
  return request.caller;
}

async function authenticate(request: FastifyRequest, database: Database): Promise<ApiKey> {
  const secret = BEARER.exec(request.headers.authorization ?? '')?.[1];
  const key = secret === undefined ? null : await findApiKey(database.db, secret);
  if (key === null)
    throw new Problem(401, 'unauthenticated', { detail: 'Give a valid key: Authorization: Bearer <key>.' });
  const id = header(request, 'x-api-key');
  if (id !== undefined && id !== key.id) {
    throw new Problem(401, 'unauthenticated', { detail: 'The key has another id.', field: 'x-api-key' });
  }
  return key;
}

async function findTenant(
  database: Database,
  wanted: { readonly organisation: string; readonly sandbox: string; readonly mayCreate: boolean },
): Promise<Scope> {
  const { organisation, sandbox } = wanted;
  if (!SANDBOX_NAME.test(sandbox)) {
    const detail = 'A sandbox is named by letters, digits and _ . - only, at most 64.';
    throw new Problem(400, 'invalid_sandbox', { detail, field: 'x-sandbox-name' });
  }
  const found = await findScope(database.db, organisation, sandbox);
  if (found !== null) return found;
  if (sandbox === DEFAULT_SANDBOX || wanted.mayCreate)
    return ensureSandbox(database.db, organisation, sandbox);
  throw new Problem(404, 'unknown_sandbox', { detail: 'There is no such sandbox.', field: 'x-sandbox-name' });
}

/** A header given once; an empty one counts as absent. */
function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
