/**
 * The report of the fuzz campaign, in Markdown, as it is committed.
 *
 * @module
 */
import { FUZZ_KINDS, type FuzzKind, type FuzzOutcome } from './fuzz.ts';

const MEANING: Readonly<Record<FuzzKind, string>> = {
  mails: 'mutated mails, over SMTP into a real database',
  dialogues: 'mutated SMTP dialogues',
  noises: 'random octets for the readers of reports',
};
const FINDINGS_SHOWN = 50;

/** Writes it. */
export function fuzzReportOf(
  { parts, seconds }: FuzzOutcome,
  {
    seed,
    command,
    processes,
  }: { readonly seed: number; readonly command: string; readonly processes: number },
): string {
  const rows = FUZZ_KINDS.flatMap((kind) => {
    const part = parts.get(kind);
    return part === undefined ? [] : [{ kind, ...part }];
  });
  const findings = rows.flatMap((row) => row.findings);
  const total = rows.reduce((sum, { inputs }) => sum + inputs, 0);
  const count = (value: number | undefined): string =>
    value === undefined ? '–' : value.toLocaleString('en');
  return [
    '# Report of the fuzz campaign',
    '',
    `**${findings.length === 0 ? 'Clean' : `${findings.length} findings`}.** ${count(total)} inputs, seed ${seed}, ` +
      `${Math.round(seconds)} s in ${processes} processes. Written by \`${command}\`.`,
    '',
    'A finding is: a process that ended, a mail that its thread could not read (5 s, memory, a fault), an input without an answer in',
    '240 s, a turn of the event loop of 60 s, a reply that no strict server gives or that asks to come again, an opt-out, complaint or bounce beyond what a second, simpler reading of the same octets allows, a 250',
    'without the opt-out it promises, or an unchanged report that does anything but what is written down beside it.',
    '',
    '| inputs | number | answered 250 | opt-outs | suppressed | unchanged reports | connections | slowest | inputs/s of a process | findings |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...rows.map(({ kind, inputs, counts, slowestMs, seconds: own, findings: found }) =>
      [
        '',
        MEANING[kind],
        count(inputs),
        count(counts.taken),
        count(counts.optOuts),
        count(counts.suppressed),
        count(counts.unchanged),
        count(counts.connections),
        slowestMs === 0 ? '–' : `${Math.round(slowestMs)} ms`,
        count(Math.round(inputs / own)),
        found.length,
        '',
      ]
        .join(' | ')
        .trim(),
    ),
    '',
    'An input comes again with `pnpm campaign --only fuzz --replay mails:SEED`.',
    '',
    ...findings.slice(0, FINDINGS_SHOWN).map((finding) => `- ${finding}`),
    ...(findings.length > 0 ? [''] : []),
    `Node ${process.version}.`,
    '',
  ].join('\n');
}
