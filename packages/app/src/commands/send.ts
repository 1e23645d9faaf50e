/**
 * `adieu send TEMPLATE --to PEOPLE`: sends a file to a file of people through a running server, and waits.
 *
 * The answer is 0 only when every line was taken and every message has its final state. A dry run counts instead, and has no
 * messages that could be listed.
 *
 * @module
 */
import { Failure } from '@adieu/core';
import type { Config } from '../config.ts';
import { type ConnectOptions, connect } from '../connection.ts';
import { type Enqueued, enqueue } from '../mailing.ts';
import type { Management, SendingAnswer } from '../management.ts';
import {
  countedCount,
  type Outcome,
  type Skipped,
  settledCount,
  waitForOutcome,
  whoWasSkipped,
} from '../outcome.ts';
import { dryRunPage, outcomePage, skippedPage } from '../outcome-page.ts';
import { answer, type Output } from '../output.ts';
import { checkPeople, readPeople } from '../people.ts';
import { startProgress } from '../progress.ts';
import { chooseSender, type SenderOptions } from '../sender.ts';
import { readTemplate, type TemplateFile, templateErrors } from '../template-file.ts';
import { type Paints, paintsFor, printable } from '../terminal.ts';
import { pauseNotice } from './sending.ts';

/** Options of the command line. */
export interface SendOptions extends Output, SenderOptions, ConnectOptions {
  readonly to: string;
  readonly subject?: string;
  readonly preheader?: string;
  readonly list?: string;
  readonly campaign?: string;
  readonly dryRun: boolean;
}

const RUNNING: SendingAnswer = { state: 'running' };
/** Lines of bad lines and of skipped people that a page shows. */
const SHOWN = 20;

/** Answers whether everything was taken and settled. */
export async function send(config: Config, path: string, options: SendOptions): Promise<boolean> {
  const paints = paintsFor(process.stdout);
  const template = await readTemplate(path);
  await checkPeople(options.to);
  const management = await connect(config, options);
  const { configuration, created } = await chooseSender(management, options);
  const warnings = await upload(management, template, options);
  if (!options.json) {
    for (const warning of warnings) process.stderr.write(`${printable(warning)}\n`);
    if (created !== null) process.stdout.write(`${recordsPage(created.dns, paints)}\n\n`);
  }
  const people = await importAll(management, { template: template.id, configuration }, options);
  const outcome = await watch(management, people, options);
  if (options.dryRun) {
    answer(options, {
      json: { dryRun: true, ...people, ...outcome, warnings },
      page: dryPage(people, outcome, paints),
    });
    return outcome.finished && people.rejected.length === 0;
  }
  const skipped = await whoWasSkipped(management, people.executions, { configuration, limit: SHOWN });
  const sending = outcome.finished ? RUNNING : await management.sending();
  if (!options.json) for (const line of pauseNotice(sending)) process.stderr.write(`${line}\n`);
  answer(options, {
    json: {
      ...people,
      ...outcome,
      sending,
      skipped,
      warnings,
      ...(created === null ? {} : { dns: created.dns }),
    },
    page: page(people, outcome, { skipped, paints }),
  });
  return outcome.finished && people.rejected.length === 0;
}

async function upload(
  management: Management,
  { path, id, title, markup }: TemplateFile,
  options: SendOptions,
): Promise<readonly string[]> {
  const subject = options.subject ?? title;
  if (subject === null) {
    const detail = `${path} has no subject: give --subject, or write one into <mj-title> (MJML) or <title> (HTML).`;
    throw new Failure('subject_missing', detail);
  }
  const preheader = options.preheader === undefined ? {} : { preheader: options.preheader };
  const stored = await management.putTemplate(id, { subject, ...preheader, ...markup });
  if (stored.ok) return stored.warnings;
  throw new Failure('template_invalid', `The template has errors.\n${templateErrors(path, stored.errors)}`);
}

async function importAll(
  management: Management,
  given: { readonly template: string; readonly configuration: string },
  options: SendOptions,
): Promise<Enqueued> {
  const { list, campaign } = options;
  const mailing = {
    ...given,
    ...(list === undefined ? {} : { list }),
    ...(campaign === undefined ? {} : { campaignId: campaign }),
    ...(options.dryRun ? { dryRun: true } : {}),
  };
  const people = await enqueue(management, mailing, readPeople(options.to));
  if (people.recipients > 0) return people;
  const { rejected } = people;
  const lines = rejected.length === 0 ? '' : `\n${shownLines(rejected)}`;
  throw new Failure('nobody', `${options.to} names nobody to write to.${lines}`);
}

async function watch(management: Management, people: Enqueued, options: SendOptions): Promise<Outcome> {
  const progress = startProgress(options.dryRun ? 'counted' : 'settled', { quiet: options.json });
  const settled = options.dryRun ? countedCount : settledCount;
  try {
    return await waitForOutcome(management, people.executions, (outcome) =>
      progress.update(settled(outcome), people.recipients),
    );
  } finally {
    progress.stop();
  }
}

function page(
  people: Enqueued,
  outcome: Outcome,
  { skipped, paints }: { readonly skipped: readonly Skipped[]; readonly paints: Paints },
): string {
  const hidden = outcome.counts.excluded - skipped.length;
  const more =
    hidden > 0
      ? [`  … and ${hidden} more: GET /v1/executions/${people.executions[0]}/messages?state=excluded`]
      : [];
  return [
    outcomePage(outcome, paints),
    ...(skipped.length === 0 ? [] : ['', paints.bold('Skipped'), skippedPage(skipped, paints), ...more]),
    ...linesOf(people, paints),
    ...afterwards(outcome),
  ].join('\n');
}

function dryPage(people: Enqueued, outcome: Outcome, paints: Paints): string {
  return [
    dryRunPage(outcome, paints),
    ...(people.uncounted === 0
      ? []
      : [
          '',
          `Lines with consent of their own, which counts only once they are imported: ${people.uncounted}.`,
        ]),
    ...linesOf(people, paints),
    ...(outcome.finished ? [] : ['', 'Not all are counted.']),
  ].join('\n');
}

/** What is to be said of lines of the file. */
function linesOf(people: Enqueued, paints: Paints): readonly string[] {
  return [
    ...(people.repeated === 0
      ? []
      : ['', `Lines that name somebody a second time: ${people.repeated}. Everybody is written to once.`]),
    ...(people.kept.length === 0
      ? []
      : ['', 'Lines that say yes for people who left: they stay out', shownLines(people.kept)]),
    ...(people.rejected.length === 0
      ? []
      : ['', paints.red('Lines that were not taken'), shownLines(people.rejected)]),
  ];
}

/** What is left to happen, and who has to say so. */
function afterwards({ finished, paused, cancelled }: Outcome): string[] {
  const lines = [
    ...cancelled.map((id) => `Execution ${id} was cancelled: what has not left is not sent any more.`),
    ...paused.map((id) => `Execution ${id} is paused: POST /v1/executions/${id}/resume goes on.`),
    ...(finished || cancelled.length + paused.length > 0
      ? []
      : ['Not settled yet; the server goes on by itself.']),
  ];
  return lines.length === 0 ? [] : ['', ...lines];
}

function shownLines(all: Enqueued['rejected']): string {
  const lines = all.slice(0, SHOWN).map(({ line, detail }) => `  line ${line}: ${printable(detail)}`);
  const hidden = all.length - lines.length;
  return [...lines, ...(hidden > 0 ? [`  … and ${hidden} more`] : [])].join('\n');
}

function recordsPage(
  records: readonly { type: string; name: string; value: string }[],
  paints: Paints,
): string {
  const lines = records.map(({ type, name, value }) => `  ${name}  ${type}  ${paints.dim(value)}`);
  return ['Publish these records before mail to real people leaves:', ...lines].join('\n');
}
