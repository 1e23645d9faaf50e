/**
 * `/v1/templates/{id}`: a template is compiled before it is stored, so that what is stored can be sent (S3).
 *
 * @module
 */
import type { CompileTemplate, TemplateError, TemplateSource } from '@adieu/core';
import { type Database, findTemplate, putTemplate } from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import { isStorable, PlainName } from './field.ts';
import type { ManagementApp } from './management-app.ts';
import { present } from './present.ts';

/** Octets of a template with its texts. */
const TEMPLATE_LIMIT = 2 * 1024 * 1024;
const STORABLE = 'holds a NUL or text that is not well-formed Unicode';
/** Control characters in a subject are mail's to remove: a template language leaves line breaks behind. */
const Subject = z.string().min(1).max(2_000).refine(isStorable, STORABLE);
const Markup = z.string().min(1).max(TEMPLATE_LIMIT).refine(isStorable, STORABLE);

const Body = z.strictObject({
  subject: Subject,
  preheader: Subject.optional(),
  mjml: Markup.optional().describe('Either this or `html`'),
  html: Markup.optional(),
  text: Markup.optional().describe('Derived from the HTML when absent'),
  fallbacks: z
    .record(z.string(), z.string().max(TEMPLATE_LIMIT).refine(isStorable, STORABLE))
    .optional()
    .describe(
      'What stands in the place of a block `data-personalized="id"` for who said no to personalization, by its id: HTML, or MJML in the place of a component. `subject`, `preheader` and `text` replace those parts. May use `context`, never `profile`. A block without a fallback is removed',
    ),
  strict: z.boolean().optional().describe('An unknown path is an error instead of empty'),
});

const Stored = z.object({ id: z.string(), version: z.number().int(), warnings: z.array(z.string()) });
const Template = z.looseObject({ id: z.string(), version: z.number().int(), subject: z.string() });

export interface TemplateDeps {
  readonly database: Database;
  readonly compile: CompileTemplate;
}

export async function templateRoutes(app: ManagementApp, { database, compile }: TemplateDeps): Promise<void> {
  const shared = { tags: ['Configuration'], params: z.object({ id: PlainName }), headers: TenantHeaders };
  const config = { needs: 'configuration' } as const;

  app.put(
    '/v1/templates/:id',
    {
      config,
      bodyLimit: TEMPLATE_LIMIT,
      schema: { ...shared, summary: 'Store a template', body: Body, response: { 200: Stored, ...PROBLEMS } },
    },
    async (request) => {
      const { id } = request.params;
      // The version is not known before it is stored, and no compile error depends on it.
      const source = readSource(id, request.body);
      const outcome = await compile(source);
      if (!outcome.ok) throw invalidTemplate(outcome.errors);
      const { version } = await putTemplate(database.db, tenantOf(request), source);
      return { id, version, warnings: [...outcome.warnings, ...optOutWarning(outcome.optOutLinks)] };
    },
  );

  app.get(
    '/v1/templates/:id',
    { config, schema: { ...shared, summary: 'Read a template', response: { 200: Template, ...PROBLEMS } } },
    async (request) => {
      const found = await findTemplate(database.db, tenantOf(request), request.params.id);
      if (found === null)
        throw new Problem(404, 'unknown_template', { detail: 'There is no such template.' });
      return { ...found };
    },
  );
}

function readSource(id: string, body: z.output<typeof Body>): TemplateSource {
  if ((body.mjml === undefined) === (body.html === undefined)) {
    throw new Problem(422, 'mjml_or_html', { detail: 'Give either mjml or html.', field: 'mjml' });
  }
  return { ...present(body), id, version: 0 };
}

function optOutWarning(optOutLinks: number): string[] {
  if (optOutLinks > 0) return [];
  return ['No opt-out link in the body: a marketing configuration will refuse this template.'];
}

/** The first error is the answer's own; all of them stand beside it. */
function invalidTemplate(errors: readonly TemplateError[]): Problem {
  const [first] = errors;
  const { line, column, part } = first ?? {};
  const place =
    line === undefined ? '' : ` (line ${line}${column === undefined ? '' : `, column ${column}`})`;
  return new Problem(422, 'template_invalid', {
    detail: `${first?.message ?? 'The template does not compile.'}${place}`,
    field: part,
    extra: { ...present({ line, column }), errors },
  });
}
