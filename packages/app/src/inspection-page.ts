/**
 * An inspection as a person reads it: the verdict, the way out, the signatures, then the header line by line.
 *
 * @module
 */
import type { Finding, Inspection, Level } from '@adieu/mail';
import { type Paints, printable } from './terminal.ts';

/** How the page looks. */
export interface PageOptions {
  readonly title: string;
  readonly paints: Paints;
}

const LEVELS: readonly Level[] = ['wrong', 'warn', 'ok', 'info'];
const VALUE_WIDTH = 100;

/** The page. */
export function inspectionPage(inspection: Inspection, { title, paints }: PageOptions): string {
  const sections = [
    paints.bold(printable(title)),
    verdict(inspection, paints),
    section('The way out', wayOut(inspection), paints),
    section('Signatures', signatures(inspection, paints), paints),
    section('Findings', findings(inspection, paints), paints),
    section('Links', links(inspection), paints),
    section('Header', header(inspection, paints), paints),
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

function verdict({ findings: found }: Inspection, paints: Paints): string {
  const count = (level: Level) => found.filter((finding) => finding.level === level).length;
  const [wrong, warn, ok] = [count('wrong'), count('warn'), count('ok')];
  const words = `${wrong} wrong, ${warn} to think about, ${ok} fine`;
  return wrong > 0 ? paints.red(words) : paints.green(words);
}

function section(name: string, lines: readonly string[], paints: Paints): string {
  return lines.length === 0 ? '' : [paints.bold(name), ...lines.map((line) => `  ${line}`)].join('\n');
}

function wayOut({ listUnsubscribe }: Inspection): string[] {
  const { https, mailto, post } = listUnsubscribe;
  if (https === undefined && mailto === undefined) return ['The header offers none.'];
  return [
    ...(https === undefined ? [] : [`${post ? 'POST to' : 'Link'}  ${cut(https)}`]),
    ...(mailto === undefined ? [] : [`Mail to  ${cut(mailto)}`]),
  ];
}

function signatures(inspection: Inspection, paints: Paints): string[] {
  return inspection.signatures.map(({ valid, algorithm, domain, selector, signedHeaders, reason }) => {
    const state = valid
      ? paints.green('valid')
      : paints.red(`not valid: ${printable(reason ?? 'no reason given')}`);
    const covered = ['list-unsubscribe', 'list-unsubscribe-post'].every((name) =>
      signedHeaders.includes(name),
    );
    const coverage = covered ? ', covers the way out' : '';
    return `${printable(`${selector}._domainkey.${domain}`)}  ${printable(algorithm)}  ${state}${coverage}`;
  });
}

function findings({ findings: found }: Inspection, paints: Paints): string[] {
  const marks: Readonly<Record<Level, string>> = {
    wrong: paints.red('wrong'),
    warn: paints.yellow('warn '),
    ok: paints.green('ok   '),
    info: paints.blue('info '),
  };
  const sorted = LEVELS.flatMap((level) => found.filter((finding) => finding.level === level));
  return sorted.flatMap((finding) => [
    `${marks[finding.level]} ${printable(finding.title)}${rowOf(finding, paints)}`,
    ...(finding.detail === '' ? [] : [paints.dim(`      ${cut(finding.detail, 200)}`)]),
  ]);
}

function rowOf({ row }: Finding, paints: Paints): string {
  return row === undefined ? '' : paints.dim(` (${row})`);
}

function links({ links: found }: Inspection): string[] {
  return found.map(({ part, text, url, visible }) => {
    const words = part === 'text' || text === '' ? '' : `${JSON.stringify(cut(text, 40))} `;
    return `${part.padEnd(4)}  ${words}${cut(url)}${visible ? '' : ' (not seen)'}`;
  });
}

function header({ headers }: Inspection, paints: Paints): string[] {
  return headers.flatMap(({ name, value, explanation }) => [
    `${paints.bold(printable(name))}: ${cut(value)}`,
    ...(explanation === '' ? [] : [paints.dim(`  ${explanation}`)]),
  ]);
}

function cut(text: string, width = VALUE_WIDTH): string {
  const clean = printable(text.replace(/\s+/g, ' '));
  return clean.length > width ? `${clean.slice(0, width - 1)}…` : clean;
}
