/**
 * `/ajo/config/suppression/addresses` and `/domains`: the suppression list and the allowed list, as Journey Optimizer has
 * them (X10, X11).
 *
 * The answer follows the commit: from then on no intent to send to a suppressed address is made. A POST is taken whole or
 * not at all, so that an answer never has to be searched for what is missing.
 *
 * @module
 */
import { type ListedKind, parseListedValue } from '@adieu/core';
import {
  type Database,
  findEntries,
  type ListEntry,
  listEntries,
  putEntries,
  removeEntry,
} from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import type { ManagementApp } from './management-app.ts';
import {
  EntityDocument,
  EntityPage,
  entityDocument,
  entityPage,
  ListType,
  listOf,
  NewEntries,
  PageQuery,
  pageRequest,
} from './suppression-entry.ts';

const BODY_LIMIT = 8 * 1024 * 1024;
const KINDS = [
  ['addresses', 'email'],
  ['domains', 'domain'],
] as const satisfies readonly (readonly [string, ListedKind])[];

export async function suppressionRoutes(app: ManagementApp, database: Database): Promise<void> {
  for (const [path, kind] of KINDS) kindRoutes(app, database, { path, kind });
}

function kindRoutes(
  app: ManagementApp,
  database: Database,
  { path, kind }: { readonly path: string; readonly kind: ListedKind },
): void {
  const { db } = database;
  const url = `/ajo/config/suppression/${path}`;
  const config = { needs: 'profiles' } as const;
  const shared = { tags: ['Suppression'], headers: TenantHeaders };
  const Type = z.strictObject({ type: ListType });
  const Value = z.object({ value: z.string().min(1).max(1_000) });

  app.post(
    url,
    {
      config,
      bodyLimit: BODY_LIMIT,
      schema: {
        ...shared,
        summary: `Put ${path} on a list`,
        description: 'All or none: a value that is wrong refuses the call. Repeating changes nothing.',
        querystring: Type,
        body: NewEntries,
        response: { 201: z.array(EntityDocument), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const scope = tenantOf(request);
      const list = listOf(request.query.type);
      const entries = request.body.map((given, at) => readEntry(kind, given, at));
      await putEntries(db, scope, { list, source: 'admin', entries });
      const keys = entries.map(({ key }) => key);
      const stored = new Map(
        (await findEntries(db, scope, { list, kind, keys })).map((entry) => [entry.key, entry]),
      );
      const documents = entries.flatMap(({ key }) => stored.get(key) ?? []);
      return reply.code(201).send(documents.map((entry) => entityDocument(scope, list, entry)));
    },
  );

  app.get(
    url,
    {
      config,
      schema: {
        ...shared,
        summary: `Page through the ${path} of a list`,
        querystring: PageQuery,
        response: { 200: EntityPage, ...PROBLEMS },
      },
    },
    async (request) => {
      const scope = tenantOf(request);
      const page = { ...pageRequest(request.query), list: listOf(request.query.type), kind };
      return entityPage(scope, page, await listEntries(db, scope, page));
    },
  );

  app.get(
    `${url}/:value`,
    {
      config,
      schema: {
        ...shared,
        summary: 'Read an entry',
        params: Value,
        querystring: Type,
        response: { 200: EntityDocument, ...PROBLEMS },
      },
    },
    async (request) => {
      const scope = tenantOf(request);
      const list = listOf(request.query.type);
      const key = keyOf(kind, request.params.value);
      const [found] = await findEntries(db, scope, { list, kind, keys: [key] });
      if (found === undefined) throw unknownEntry();
      return entityDocument(scope, list, found);
    },
  );

  app.delete(
    `${url}/:value`,
    {
      config,
      schema: {
        ...shared,
        summary: 'Take an entry off a list',
        params: Value,
        querystring: Type,
        response: { 204: z.null(), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const key = keyOf(kind, request.params.value);
      const entry = { list: listOf(request.query.type), kind, key };
      if (!(await removeEntry(db, tenantOf(request), entry))) throw unknownEntry();
      return reply.code(204).send(null);
    },
  );
}

function readEntry(kind: ListedKind, given: z.output<typeof NewEntries>[number], at: number): ListEntry {
  const { entity, comment = null, user = null } = given;
  if (entity.type !== undefined && entity.type !== kind) {
    const detail = `This path takes entries of the type ${kind}.`;
    throw new Problem(400, 'entity_type_mismatch', { detail, field: `${at}.entity.type` });
  }
  const parsed = parseListedValue(kind, entity.entityValue);
  if (parsed.ok) return { kind, ...parsed.value, reason: 'manual', comment, author: user };
  const field = `${at}.entity.entityValue`;
  throw new Problem(400, parsed.code, { detail: `${field}: ${parsed.detail}.`, field });
}

/** A value that could not be on a list is not on it. */
function keyOf(kind: ListedKind, value: string): string {
  const parsed = parseListedValue(kind, value);
  if (!parsed.ok) throw unknownEntry();
  return parsed.value.key;
}

function unknownEntry(): Problem {
  return new Problem(404, 'unknown_entry', { detail: 'This is not on the list.' });
}
