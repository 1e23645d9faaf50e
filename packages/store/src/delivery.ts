/**
 * Everything about an execution that is the same for all of its messages.
 *
 * One rule: configuration and template are the versions the execution was created with, whatever was put since; the
 * subdomain is today's, because keys rotate, and so is the rate, because what is too fast has to be slowed down under way.
 *
 * @module
 */
import type { ChannelConfiguration, TemplateSource } from '@adieu/core';
import { Failure } from '@adieu/core';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import type { StoredList } from './list.ts';
import type { Scope } from './scope.ts';
import type { StoredSubdomain } from './subdomain.ts';
import { findSubdomain } from './subdomain.ts';

/** What a worker needs to deliver an execution. */
export interface Delivery {
  readonly executionId: number;
  readonly month: string;
  readonly createdAt: Date;
  readonly scope: Scope;
  readonly configuration: ChannelConfiguration;
  readonly configurationVersion: number;
  /** Of the configuration's latest version; null is no limit. */
  readonly messagesPerSecond: number | null;
  readonly template: TemplateSource;
  readonly subdomain: StoredSubdomain;
  readonly list: Omit<StoredList, 'body'> | null;
  readonly campaignId: string | null;
  readonly journeyVersionId: string | null;
  readonly journeyActionId: string | null;
  readonly dryRun: boolean;
}

/** Loads a delivery. Throws `unknown_execution`, or `unknown_subdomain` when the configuration's was never put. */
export async function loadDelivery(db: Db, executionId: number): Promise<Delivery> {
  const row = await db
    .selectFrom('execution as e')
    .innerJoin('sandbox as s', 's.id', 'e.sandbox_id')
    .innerJoin('organisation as o', 'o.id', 's.organisation_id')
    .innerJoin('channel_configuration as c', (join) =>
      join
        .onRef('c.sandbox_id', '=', 'e.sandbox_id')
        .onRef('c.name', '=', 'e.configuration_name')
        .onRef('c.version', '=', 'e.configuration_version'),
    )
    .innerJoin('template as t', (join) =>
      join
        .onRef('t.sandbox_id', '=', 'e.sandbox_id')
        .onRef('t.id', '=', 'e.template_id')
        .onRef('t.version', '=', 'e.template_version'),
    )
    .leftJoin('list as l', 'l.number', 'e.list_number')
    .where('e.id', '=', executionId)
    .select(['e.month', 'e.created_at as createdAt', 'e.campaign_id as campaignId', 'e.dry_run as dryRun'])
    .select(['e.journey_version_id as journeyVersionId', 'e.journey_action_id as journeyActionId'])
    .select(['s.id as sandboxId', 's.name as sandbox', 'o.id as organisationId', 'o.name as organisation'])
    .select(['c.body as configuration', 'c.version as configurationVersion'])
    .select(({ selectFrom }) =>
      selectFrom('channel_configuration as n')
        .select(
          sql<number | null>`(n.body -> 'rate' ->> 'messagesPerSecond')::float8`.as('messagesPerSecond'),
        )
        .whereRef('n.sandbox_id', '=', 'e.sandbox_id')
        .whereRef('n.name', '=', 'e.configuration_name')
        .orderBy('n.version', 'desc')
        .limit(1)
        .as('messagesPerSecond'),
    )
    .select(['t.id as templateId', 't.version as templateVersion', 't.body as template'])
    .select(['l.number as listNumber', 'l.name as listName', 'l.title as listTitle'])
    .executeTakeFirst();
  if (row === undefined) throw new Failure('unknown_execution', 'There is no such execution.');
  const { organisation, organisationId, sandbox, sandboxId, templateId, templateVersion, ...rest } = row;
  const { listNumber, listName, listTitle, template, ...own } = rest;
  const scope = { organisation, organisationId, sandbox, sandboxId };
  const subdomain = await findSubdomain(db, scope, own.configuration.subdomain);
  if (subdomain === null) {
    throw new Failure('unknown_subdomain', 'The subdomain of the channel configuration does not exist.');
  }
  const list =
    listNumber === null || listName === null || listTitle === null
      ? null
      : { number: listNumber, name: listName, title: listTitle };
  return {
    ...own,
    executionId,
    scope,
    template: { ...template, id: templateId, version: templateVersion },
    subdomain,
    list,
  };
}
