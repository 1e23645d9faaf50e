/**
 * Entries of the suppression and the allowed list as Journey Optimizer's API writes them, and its way to page.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { DeliveryList } from '@adieu/core';
import type { EntryOrder, EntryPage, EntryPageRequest, Scope, StoredEntry } from '@adieu/store';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import { headerText } from './field.ts';

/** Entries of one call. */
const POST_LIMIT = 10_000;
const PAGE_LIMIT = 1_000;

/** Which list: `client` are the suppressed. */
export const ListType = z
  .enum(['client', 'allowed'])
  .default('client')
  .describe('`client`: suppressed; `allowed`: the allowed list');

/** The body of a POST; one value that is wrong refuses all. */
export const NewEntries = z
  .array(
    z.strictObject({
      entity: z.strictObject({
        type: z.enum(['email', 'domain']).optional(),
        entityValue: z.string().max(1_000),
      }),
      comment: headerText(500).optional(),
      user: headerText(200).optional(),
    }),
  )
  .min(1)
  .max(POST_LIMIT);

const Suppressed = z.object({
  type: z.enum(['MANUAL', 'HARD', 'SOFT', 'COMPLAINT']),
  user: z.string().optional(),
  comment: z.string().optional(),
  date: z.number().describe('Milliseconds since 1970'),
});
export const EntityDocument = z.object({
  id: z.string().describe('The same for as long as the entry is'),
  entity: z.object({ type: z.enum(['email', 'domain']), entityValue: z.string() }),
  suppressed: Suppressed,
  creationDate: z.number(),
  lastModifiedDate: z.number(),
  status: z.enum(['active']),
  listType: z.enum(['client', 'allowed']),
  client: z.object({ imsOrgId: z.string(), sandboxId: z.string() }),
});

export const PageQuery = z.strictObject({
  type: ListType,
  limit: z
    .string()
    .regex(/^0*[1-9]\d*$/, 'a whole number from 1')
    .max(100)
    .default('20')
    .describe(`Clamped at ${PAGE_LIMIT}`),
  start: z.string().max(500).optional().describe('`_page.next` of the page before'),
  orderby: z
    .string()
    .default('-creationdate')
    .describe('`creationdate` or `entityvalue`; `-` (default) newest or last first, `+` the other way'),
});
export const EntityPage = z.object({
  items: z.array(EntityDocument),
  total: z.number().int(),
  _page: z.object({ orderby: z.string(), next: z.string().nullable(), count: z.number().int() }),
});

export function listOf(type: z.output<typeof ListType>): DeliveryList {
  return type === 'allowed' ? 'allowed' : 'suppressed';
}

export function entityDocument(
  scope: Scope,
  list: DeliveryList,
  entry: StoredEntry,
): z.output<typeof EntityDocument> {
  const { kind, key, spelling, reason, comment, author, createdAt } = entry;
  const date = createdAt.getTime();
  return {
    id: entryId(`${scope.sandboxId} ${list} ${kind} ${key}`),
    entity: { type: kind, entityValue: spelling },
    suppressed: {
      type: reason.toUpperCase() as 'MANUAL',
      ...(author === null ? {} : { user: author }),
      ...(comment === null ? {} : { comment }),
      date,
    },
    creationDate: date,
    lastModifiedDate: date,
    status: 'active',
    listType: list === 'allowed' ? 'allowed' : 'client',
    client: { imsOrgId: scope.organisation, sandboxId: scope.sandbox },
  };
}

/** Reads `limit`, `start` and `orderby`. Throws the problem that names the field. */
export function pageRequest(query: z.output<typeof PageQuery>): Omit<EntryPageRequest, 'list' | 'kind'> {
  const { limit, orderby, start } = query;
  // A plus in a query is a space, unless it was written %2B.
  const found = /^([+\- ]?)(creationdate|lastmodifieddate|suppresseddate|entityvalue)$/i.exec(orderby);
  if (found === null) {
    const detail = 'The order is creationdate or entityvalue, with + or - before it.';
    throw new Problem(400, 'invalid_orderby', { detail, field: 'orderby' });
  }
  const order: EntryOrder = found[2]?.toLowerCase() === 'entityvalue' ? 'key' : 'created';
  const page = {
    order,
    descending: ['', '-'].includes(found[1] ?? ''),
    limit: Math.min(Number(limit), PAGE_LIMIT),
  };
  if (start === undefined || start === '') return page;
  return { ...page, start: order === 'key' ? { key: start.toLowerCase() } : readPlace(start) };
}

export function entityPage(
  scope: Scope,
  request: Pick<EntryPageRequest, 'list' | 'order' | 'descending'>,
  { items, next, total }: EntryPage,
): z.output<typeof EntityPage> {
  const { list, order, descending } = request;
  const orderby = `${descending ? '-' : '+'}${order === 'key' ? 'entityvalue' : 'creationdate'}`;
  const place = order === 'key' ? next?.key : `${next?.micros}:${next?.key}`;
  return {
    items: items.map((entry) => entityDocument(scope, list, entry)),
    total,
    _page: { orderby, next: next === null ? null : (place ?? null), count: items.length },
  };
}

/** Milliseconds as Journey Optimizer has them, or our own place: microseconds and a key. */
function readPlace(start: string): { micros: number; key?: string } {
  // Nothing that is stored has a longer number, and PostgreSQL has no time for it.
  const [, digits = '', key] = /^(\d{1,16}(?=:)|\d{1,15})(?::(.+))?$/s.exec(start) ?? [];
  if (digits === '') {
    const detail = 'This is no start of a page: give _page.next of the page before.';
    throw new Problem(400, 'invalid_cursor', { detail, field: 'start' });
  }
  return key === undefined ? { micros: Number(digits) * 1_000 } : { micros: Number(digits), key };
}

/** A UUID of version 8 (RFC 9562): made from what names the entry. */
function entryId(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
