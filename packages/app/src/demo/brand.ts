/**
 * The demo brand: a newsletter about night trains, sent the way any brand would send it, through the management API.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Failure } from '@adieu/core';
import type { Management } from '../management.ts';
import { readTemplate, templateErrors } from '../template-file.ts';

const FOLDER = new URL('../../demo/', import.meta.url);

/** Names and files of the demo. */
export const DEMO = {
  brand: 'Slow Rails',
  letter: 'The Night Train Letter',
  subdomain: 'news.slowrails.example',
  configuration: 'newsletter',
  template: fileURLToPath(new URL('newsletter.mjml', FOLDER)),
  people: fileURLToPath(new URL('people.ndjson', FOLDER)),
} as const;

/** The first sending of an installation has one request id, so that no restart sends it twice. */
const FIRST_REQUEST = 'demo-first-letter';

/** Stores subdomain, configuration, template and people; all of it may be there already. */
export async function loadBrand(management: Management): Promise<{ readonly people: number }> {
  await management.putSubdomain(DEMO.subdomain, {});
  await management.putConfiguration(DEMO.configuration, {
    subdomain: DEMO.subdomain,
    emailType: 'marketing',
    from: { name: DEMO.brand, email: `letter@${DEMO.subdomain}` },
    replyTo: 'care@slowrails.example',
  });
  const { id, path, title, markup } = await readTemplate(DEMO.template);
  const stored = await management.putTemplate(id, { subject: title ?? DEMO.letter, ...markup });
  if (!stored.ok) throw new Failure('template_invalid', templateErrors(path, stored.errors));
  const { upserted, rejected } = await management.importProfiles(await readFile(DEMO.people, 'utf8'));
  const [first] = rejected;
  if (first !== undefined)
    throw new Failure('people_invalid', `${DEMO.people}:${first.line}: ${first.detail}`);
  return { people: upserted };
}

/** Sends the letter to everybody; the first time under a name of its own. Answers the execution. */
export function sendLetter(management: Management, request = FIRST_REQUEST): Promise<string> {
  return management.createExecution({
    requestId: request,
    channelConfiguration: DEMO.configuration,
    template: 'newsletter',
    campaignId: 'spring-timetable',
    audience: { all: true },
  });
}
