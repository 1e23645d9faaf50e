/**
 * `pnpm campaign`: faults under load, and a checker that compares every mail with every answered opt-out; then mutated mails and
 * dialogues at the inbound listener.
 *
 * `--faults 300 --seed N --backend postgres|redis|both --slice --sabotage standing|answer --report FILE`. Exits with 1 when
 * anything was found, which under `--sabotage` is what should happen. The whole of it ends with both sabotages.
 * `--only faults|fuzz` is one part; `--mails N --dialogues N --noises N --processes N` sizes the other, `--replay mails:SEED` repeats
 * one input of it.
 *
 * @module
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type CampaignOptions, type CampaignOutcome, lineOf, runCampaign } from './campaign.ts';
import { FUZZ_KINDS, type FuzzKind, isWhole, replay, runFuzz } from './fuzz.ts';
import { fuzzReportOf } from './fuzz-report.ts';
import { countOf, isClean, reportOf } from './report.ts';
import { SABOTAGES, type Sabotage } from './sabotage.ts';

const { values } = parseArgs({
  options: {
    faults: { type: 'string' },
    seed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'both' },
    slice: { type: 'boolean', default: false },
    sabotage: { type: 'string' },
    report: { type: 'string' },
    only: { type: 'string', default: 'both' },
    mails: { type: 'string' },
    dialogues: { type: 'string' },
    noises: { type: 'string' },
    processes: { type: 'string', default: '2' },
    replay: { type: 'string' },
  },
});
const GUARDS = Object.keys(SABOTAGES) as Sabotage[];
const seed = wholeOf('seed', values.seed);
const guard = values.sabotage === undefined ? null : oneOf('sabotage', values.sabotage, GUARDS);
const backends =
  values.backend === 'both'
    ? (['postgres', 'redis'] as const)
    : [oneOf('backend', values.backend, ['postgres', 'redis'] as const)];

// Every program that is started must be ended when this one is.
process.setMaxListeners(100);
process.once('SIGINT', () => process.exit(130));

const started = performance.now();
const say = (line: string): void => {
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)}  ${line}\n`);
};

/** For every day: fewer people, kills only. */
const SLICE = { people: 800, roundsOfBlock: 4, relayPauseMs: 30, killsOnly: true } as const;
const WHOLE = { people: 2_500, roundsOfBlock: 3, relayPauseMs: 30, killsOnly: false } as const;
const SLOW = { people: 500, roundsOfBlock: 1, relayPauseMs: 250, killsOnly: true } as const;
const wanted = values.faults === undefined ? (values.slice ? 20 : 300) : wholeOf('faults', values.faults);

/** For every day, and for the campaign. */
const FUZZ_SLICE: Readonly<Record<FuzzKind, number>> = { mails: 3_000, dialogues: 2_000, noises: 15_000 };
const FUZZ_WHOLE: Readonly<Record<FuzzKind, number>> = { mails: 150_000, dialogues: 50_000, noises: 100_000 };
const only = oneOf('only', values.only, ['both', 'faults', 'fuzz'] as const);

process.exitCode = await runAll();
process.exit();

async function runAll(): Promise<number> {
  if (values.replay !== undefined) return runReplay(values.replay);
  if (guard !== null) return runSabotage(guard);
  const faults = only === 'fuzz' ? 0 : await runWhole();
  return only === 'faults' ? faults : faults + (await runInputs());
}

async function runInputs(): Promise<number> {
  const usual = values.slice ? FUZZ_SLICE : FUZZ_WHOLE;
  const counts = Object.fromEntries(
    FUZZ_KINDS.map((kind) => [kind, wholeOf(kind, values[kind] ?? String(usual[kind]))]),
  ) as Record<FuzzKind, number>;
  const processes = wholeOf('processes', values.processes);
  const outcome = await runFuzz({ seed, counts, processes, say: (line) => say(`fuzz      ${line}`) });
  const sizes = FUZZ_KINDS.map((kind) => `--${kind} ${counts[kind]}`).join(' ');
  const report = fuzzReportOf(outcome, {
    seed,
    processes,
    command: `pnpm campaign --only fuzz --seed ${seed} ${sizes}`,
  });
  const given = only === 'fuzz' ? values.report : undefined;
  const path = given ?? (values.slice ? null : new URL('fuzz-report.md', import.meta.url));
  if (path !== null) await writeFile(path, report);
  process.stdout.write(`\n${report}\n`);
  return isWhole(outcome, counts) ? 0 : 1;
}

async function runReplay(input: string): Promise<number> {
  const [kind = '', number = ''] = input.split(':');
  const part = await replay(oneOf('replay', kind, FUZZ_KINDS), wholeOf('replay', number));
  process.stdout.write(`${JSON.stringify(part)}\n`);
  return part.findings.length === 0 ? 0 : 1;
}

async function runWhole(): Promise<number> {
  const size = values.slice ? SLICE : WHOLE;
  // Side by side: they wait for processes most of the time.
  const outcomes = await Promise.all(
    backends.map((backend, index) => {
      const faults = Math.ceil((wanted - index) / backends.length);
      return run({ ...size, backend, faults, rounds: 0, sabotage: null });
    }),
  );
  const sabotaged = new Map<Sabotage, CampaignOutcome>();
  for (const each of values.slice ? [] : GUARDS) sabotaged.set(each, await takeOut(each));
  const command = `pnpm campaign --faults ${wanted} --seed ${seed} --backend ${values.backend}`;
  const report = reportOf(outcomes, sabotaged, { seed, command });
  const path = values.report ?? (values.slice ? null : new URL('report.md', import.meta.url));
  if (path !== null) await writeFile(path, report);
  process.stdout.write(`\n${report}\n`);
  const whole = outcomes.reduce((sum, outcome) => sum + outcome.faults.length, 0) >= wanted;
  const seen = [...sabotaged.values()].every((outcome) => countOf(outcome, 'violation') > 0);
  return whole && seen && outcomes.every(isClean) ? 0 : 1;
}

async function runSabotage(which: Sabotage): Promise<number> {
  const outcome = await takeOut(which);
  process.stdout.write(`violations: ${countOf(outcome, 'violation')}\n`);
  return isClean(outcome) ? 0 : 1;
}

/** Needs no faults, but people who leave, and a relay so slow that there is time to overtake them. */
function takeOut(which: Sabotage): Promise<CampaignOutcome> {
  return run({ ...SLOW, backend: 'postgres', faults: 0, rounds: 1, sabotage: which });
}

async function run(options: Omit<CampaignOptions, 'seed' | 'say'>): Promise<CampaignOutcome> {
  const name = (options.sabotage ?? options.backend).padEnd(8);
  const outcome = await runCampaign({ ...options, seed, say: (line) => say(`${name}  ${line}`) });
  const { verdict, unknownBound, optOuts } = outcome;
  say(`${name}  ${lineOf(verdict)}, at most ${unknownBound} may be unknown, ${optOuts} opt-outs`);
  return outcome;
}

function wholeOf(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${name} takes a whole number`);
  return Number(text);
}

function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const chosen = choices.find((choice) => choice === text);
  if (chosen === undefined) throw new Error(`--${name} is one of ${choices.join(', ')}`);
  return chosen;
}
