/**
 * `/v1/lists/{name}`: a subscription list, which messages and subscriptions refer to by its name.
 *
 * What people see of it is text and only that: pages escape it, headers get none of it but the name.
 *
 * @module
 */
import { type Database, findList, type ListBody, putList } from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import { headerText, PlainName } from './field.ts';
import type { ManagementApp } from './management-app.ts';
import { present } from './present.ts';

const TITLE_LIMIT = 200;
const DESCRIPTION_LIMIT = 1_000;
const LANGUAGE_LIMIT = 100;

/** A BCP 47 tag in its usual form: `fr`, `pt-BR`, `zh-Hant`. */
const LanguageTag = z
  .string()
  .regex(/^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$/, 'a language tag such as fr or pt-BR');

const byLanguage = (max: number) =>
  z
    .record(LanguageTag, headerText(max))
    .refine((texts) => Object.keys(texts).length <= LANGUAGE_LIMIT, `at most ${LANGUAGE_LIMIT} languages`);

const Texts = {
  titles: byLanguage(TITLE_LIMIT).optional().describe('By language, as `{"fr":"Nouvelles"}`'),
  description: headerText(DESCRIPTION_LIMIT).optional().describe('What one gets who is on it'),
  descriptions: byLanguage(DESCRIPTION_LIMIT).optional(),
  topic: headerText(TITLE_LIMIT)
    .optional()
    .describe('Heading under which it stands in the preference centre'),
  topics: byLanguage(TITLE_LIMIT).optional(),
};
const Body = z.strictObject({
  title: headerText(TITLE_LIMIT).optional().describe('What people see. Default: the name'),
  ...Texts,
  open: z.boolean().default(false).describe('Anybody may join it at the preference centre'),
});
const List = z.object({ name: z.string(), title: z.string(), ...Texts, open: z.boolean() });

export async function listRoutes(app: ManagementApp, database: Database): Promise<void> {
  const shared = {
    tags: ['Configuration'],
    params: z.object({ name: PlainName }),
    headers: TenantHeaders,
    response: { 200: List, ...PROBLEMS },
  };

  app.put(
    '/v1/lists/:name',
    {
      config: { needs: 'configuration' },
      schema: {
        ...shared,
        summary: 'Store a subscription list',
        description: 'What is not given is taken away. Who is on the list stays on it.',
        body: Body,
      },
    },
    async (request) => {
      const { name } = request.params;
      const { title = name, ...rest } = request.body;
      const body: ListBody = present(rest);
      await putList(database.db, tenantOf(request), { name, title, body });
      return { name, title, ...body, open: rest.open };
    },
  );

  app.get(
    '/v1/lists/:name',
    { config: { needs: 'configuration' }, schema: { ...shared, summary: 'Read a subscription list' } },
    async (request) => {
      const list = await findList(database.db, tenantOf(request), request.params.name);
      if (list === null) throw new Problem(404, 'unknown_list', { detail: 'There is no such list.' });
      const { name, title, body } = list;
      return { name, title, ...body, open: body.open ?? false };
    },
  );
}
