/**
 * The report: what was done, what came of it, in Markdown.
 *
 * @module
 */
import type { CampaignOutcome } from './campaign.ts';
import type { Breach } from './checker.ts';
import { nameOf } from './fault.ts';
import type { Sabotage } from './sabotage.ts';

const BREACHES: readonly (readonly [Breach, string])[] = [
  ['lost', 'lost: nobody excluded them, nothing is unknown, and nothing arrived'],
  [
    'unknown-beyond-bound',
    'executions with more unknown than 2 for each connection to the relay that their faults hit',
  ],
  ['not-asked-for', 'messages for somebody the execution was not for'],
  ['doubled', 'doubled: a Message-ID twice, or two mails of one execution'],
  ['violation', 'violated: a mail after the answer to an opt-out'],
  ['resurrected', 'resurrected: a mail of an execution asked for after the answer'],
  ['overtaken-without-delay', 'overtaken though no wire was slower than 2 s'],
  ['answer-without-row', '200 or 250 without a row in the history'],
  ['row-without-request', 'rows twice, or that nobody asked for'],
  ['never-answered', 'opt-outs asked again and again, and never answered'],
  ['misreported', 'ledger and sink disagree'],
];

/** Nothing that must not be. */
export function isClean({ verdict }: CampaignOutcome): boolean {
  return verdict.findings.length === 0;
}

/** One number of an outcome. */
export function countOf({ verdict }: CampaignOutcome, breach: Breach): number {
  return verdict.findings.filter((finding) => finding.breach === breach).length;
}

/** Writes it. */
export function reportOf(
  outcomes: readonly CampaignOutcome[],
  sabotaged: ReadonlyMap<Sabotage, CampaignOutcome>,
  { seed, command }: { readonly seed: number; readonly command: string },
): string {
  const backends = outcomes.map((outcome) => `queue on ${outcome.backend}`);
  const row = (name: string, read: (outcome: CampaignOutcome) => string | number): string =>
    `| ${name} | ${outcomes.map(read).join(' | ')} |`;
  const head = (name: string): string[] => [
    `| ${[name, ...backends].join(' | ')} |`,
    `|---|${'---|'.repeat(outcomes.length)}`,
  ];
  const total = outcomes.reduce((sum, outcome) => sum + outcome.faults.length, 0);
  return [
    '# Report of the fault campaign',
    '',
    `${outcomes.every(isClean) ? '**Clean.**' : '**Not clean.**'} ${total} faults, seed ${seed}. Written by \`${command}\`.`,
    '',
    'A fault counts only if it met something, and if 100 messages or more were `sending` or `sent` and more were to come when it struck.',
    'Mails are counted by `Message-ID` at the sink; an opt-out counts as answered when the client had read the 200 or the 250.',
    '',
    ...head('what must be 0'),
    ...BREACHES.map(([breach, name]) => row(name, (outcome) => countOf(outcome, breach))),
    '',
    ...head('what is counted'),
    row('faults', (outcome) => outcome.faults.length),
    row('rounds', (outcome) => outcome.rounds),
    row('mails at the sink', (outcome) => outcome.verdict.mails),
    row('opt-outs answered', (outcome) => outcome.optOuts - countOf(outcome, 'never-answered')),
    row(
      'attempts refused or unanswered before that',
      ({ refusals }) =>
        [...refusals]
          .sort()
          .map(([code, count]) => `${code}: ${count}`)
          .join(', ') || 'none',
    ),
    row('messages excluded', (outcome) => outcome.verdict.excluded),
    row(
      'unknown (bound: 2 for each connection to the relay that a fault hit)',
      (outcome) => `${outcome.verdict.unknown} (${outcome.unknownBound})`,
    ),
    row('of these, arrived', (outcome) => outcome.verdict.unknownArrived),
    row(
      'overtaken: arrived after the answer on a wire slower than 2 s, and said so',
      (outcome) => outcome.verdict.overtaken,
    ),
    row(
      'arrived after the answer, unknown when it was given',
      (outcome) => outcome.verdict.unknownAfterAnswer,
    ),
    row('messages on the wire when an opt-out was answered, by the log', (outcome) => outcome.saidOvertaken),
    row('answers given without a look at the wire, by the log', (outcome) => outcome.blind),
    row('processes that ended unasked', (outcome) => outcome.surprises),
    row('seconds', (outcome) => Math.round(outcome.seconds)),
    '',
    ...head('faults'),
    ...faultRows(outcomes),
    '',
    ...sabotageRows(sabotaged),
    `${[...new Set(outcomes.map((outcome) => outcome.versions))].join('; ')}.`,
    '',
  ].join('\n');
}

function faultRows(outcomes: readonly CampaignOutcome[]): string[] {
  const counts = outcomes.map(({ faults }) => {
    const count = new Map<string, number>();
    for (const fault of faults) {
      const { kind, where } = nameOf(fault);
      count.set(`${kind}: ${where}`, (count.get(`${kind}: ${where}`) ?? 0) + 1);
    }
    return count;
  });
  const names = [...new Set(counts.flatMap((count) => [...count.keys()]))].sort();
  return names.map((name) => `| ${name} | ${counts.map((count) => count.get(name) ?? 0).join(' | ')} |`);
}

const GUARDS: Readonly<Record<Sabotage, string>> = {
  standing: 'the standing version, compared when the intent is committed',
  answer: 'the wait for the wire, before an opt-out is answered',
};

function sabotageRows(sabotaged: ReadonlyMap<Sabotage, CampaignOutcome>): string[] {
  if (sabotaged.size === 0) return [];
  const rows = [...sabotaged].map(
    ([guard, outcome]) => `| ${GUARDS[guard]} | ${outcome.optOuts} | ${countOf(outcome, 'violation')} |`,
  );
  return [
    'The checker can fail. The same without faults, with one guard of Adieu taken out as it is loaded:',
    '',
    '| taken out | opt-outs | violations found |',
    '|---|---|---|',
    ...rows,
    '',
  ];
}
