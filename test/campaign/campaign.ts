/**
 * The campaign over one backend of the queue: blocks of people, a quiet mailing for their links, then rounds under fire,
 * and in the end a mailing to everybody.
 *
 * @module
 */
import { createBrand, importBlock } from './brand-call.ts';
import { check, type ExecutionFact, type Facts, type Verdict } from './checker.ts';
import { type Backend, drawFault, type Fault } from './fault.ts';
import { openDepartures } from './leavers.ts';
import { openPostOffice } from './post-office.ts';
import { type RoundDeps, runRound } from './round.ts';
import type { Sabotage } from './sabotage.ts';
import { openSaboteur } from './saboteur.ts';
import { openChance } from './seed.ts';
import { openStage, type Stage } from './stage.ts';
import { readConfessions, readHistory, readLedger, readVersions } from './witness.ts';

/** What is to be done. */
export interface CampaignOptions {
  readonly backend: Backend;
  readonly seed: number;
  /** Faults that have to count. */
  readonly faults: number;
  readonly killsOnly: boolean;
  readonly people: number;
  readonly roundsOfBlock: number;
  /** What the relay takes its time before each reply to DATA and to content. */
  readonly relayPauseMs: number;
  /** At least so many rounds, faults or not. */
  readonly rounds: number;
  readonly sabotage: Sabotage | null;
  readonly say: (line: string) => void;
}

/** What was done and what came of it. */
export interface CampaignOutcome {
  readonly backend: Backend;
  readonly verdict: Verdict;
  readonly faults: readonly Fault[];
  readonly rounds: number;
  readonly optOuts: number;
  readonly refusals: ReadonlyMap<string, number>;
  /** Two for each connection to the relay that was hit, over all executions; each has its own. */
  readonly unknownBound: number;
  /** Messages that were on the wire when an opt-out was answered, by Adieu's own log; most had arrived by then. */
  readonly saidOvertaken: number;
  /** Groups of opt-outs answered although the database could not say what was being sent. */
  readonly blind: number;
  /** Processes that ended though nobody had killed them. */
  readonly surprises: number;
  readonly seconds: number;
  readonly versions: string;
}

/** A round that no fault hits any more would never bring the number up. */
const IDLE_ROUNDS = 8;

/** Runs it. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignOutcome> {
  const { backend, seed, say } = options;
  const since = performance.now();
  const stage = await openStage(options);
  let clean = false;
  try {
    const office = await openPostOffice(stage.sinkPath);
    const doors = {
      httpPort: stage.wires.get('client/api')?.port ?? 0,
      smtpPort: stage.wires.get('client/inbound')?.port ?? 0,
    };
    const departures = openDepartures(doors, openChance(seed + 1));
    const draw = openChance(seed);
    const faults: Fault[] = [];
    let due = drawFault(draw, backend, options.killsOnly);
    const deps: RoundDeps = {
      stage,
      relayPauseMs: options.relayPauseMs,
      saboteur: openSaboteur(stage),
      office,
      departures,
      chance: openChance(seed + 2),
      next: () => (faults.length < options.faults ? due : null),
      counted: (fault) => {
        faults.push(fault);
        due = drawFault(draw, backend, options.killsOnly);
      },
      say,
    };
    const executions: ExecutionFact[] = [];
    const everybody: string[] = [];
    let rounds = 0;
    let idle = 0;
    let found = 0;

    async function judge(): Promise<{ facts: Facts; verdict: Verdict; blind: number }> {
      await office.read();
      const { overtaken, blind } = await readConfessions(stage);
      const facts: Facts = {
        executions,
        mails: office.mails,
        ledger: await readLedger(stage),
        optOuts: departures.facts,
        history: await readHistory(stage),
        overtaken,
      };
      return { facts, verdict: check(facts), blind };
    }

    await createBrand(stage);
    for (let block = 1; needsMore(); block++) {
      const people = Array.from({ length: options.people }, (_, index) => `b${block}p${index}`);
      everybody.push(...people);
      await importBlock(stage, block, people);
      executions.push(await runRound({ block, people, quiet: true }, deps));
      await office.read();
      for (let round = 0; round < options.roundsOfBlock && needsMore(); round++) {
        const before = faults.length;
        executions.push(await runRound({ block, people, quiet: false }, deps));
        rounds++;
        idle = faults.length === before ? idle + 1 : 0;
        const { verdict } = await judge();
        say(`${faults.length} faults, ${lineOf(verdict)}, ${departures.facts.length} left`);
        for (const finding of verdict.findings.slice(found, found + 20)) say(`  ${JSON.stringify(finding)}`);
        found = verdict.findings.length;
      }
    }
    executions.push(await runRound({ block: null, people: everybody, quiet: true }, deps));
    const { facts, verdict, blind } = await judge();
    departures.giveUp();
    clean = verdict.findings.length === 0;

    function needsMore(): boolean {
      return (faults.length < options.faults && idle < IDLE_ROUNDS) || rounds < options.rounds;
    }

    return {
      backend,
      verdict,
      faults,
      rounds,
      optOuts: departures.facts.length,
      refusals: departures.refusals,
      unknownBound: executions.reduce((sum, execution) => sum + execution.unknownBound, 0),
      saidOvertaken: facts.overtaken.size,
      blind,
      surprises: surprisesOf(stage),
      seconds: (performance.now() - since) / 1000,
      versions: await readVersions(stage),
    };
  } finally {
    const kept = await stage.close(!clean);
    if (kept !== null) say(`logs and mails are kept in ${kept}`);
  }
}

/** A verdict in one line. */
export function lineOf(verdict: Verdict): string {
  const count = (breach: string): number =>
    verdict.findings.filter((finding) => finding.breach === breach).length;
  const named = ['lost', 'doubled', 'violation', 'resurrected', 'misreported', 'answer-without-row'];
  const shown = named.map((breach) => `${breach} ${count(breach)}`).join(', ');
  return `${verdict.mails} mails, ${shown}, unknown ${verdict.unknown}, overtaken ${verdict.overtaken}, findings ${verdict.findings.length}`;
}

function surprisesOf(stage: Stage): number {
  return [...stage.programs.values()].reduce((sum, program) => sum + program.surprises(), 0);
}
