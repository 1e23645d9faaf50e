/**
 * Does a fault to the stage, and puts things right again.
 *
 * One rule: it tells whether the fault met anything. A cut of no connection, or the death of somebody who is dead, is no fault.
 *
 * @module
 */
import type { Fault } from './fault.ts';
import type { Actor, Stage } from './stage.ts';

/** Does faults. */
export interface Saboteur {
  /** Whoever the fault is for works, and a wire carries something, so that it can be hit. */
  canHit(fault: Fault): boolean;
  /** Does it; answers whether it met something. Who was killed comes back by itself. */
  commit(fault: Fault): Promise<boolean>;
  /** Everything heals and works again. */
  makeGood(): Promise<void>;
}

/** Opens one for a stage. */
export function openSaboteur(stage: Stage): Saboteur {
  /** Programs that were killed and do not work yet. */
  const away = new Map<string, Promise<void>>();

  function comesBack(name: string, back: Promise<void>): void {
    away.set(name, back);
    void back.finally(() => away.delete(name)).catch(() => undefined);
  }

  async function kill(victim: Actor, backAfter: number): Promise<boolean> {
    const program = stage.programs.get(victim);
    if (program === undefined || !program.alive()) return false;
    await program.kill(backAfter);
    comesBack(victim, program.ready());
    return true;
  }

  async function killDatabase(backAfter: number): Promise<boolean> {
    const met = await stage.cluster.kill();
    comesBack(
      'postgres',
      sleep(backAfter).then(() => stage.cluster.start()),
    );
    return met;
  }

  return {
    canHit(fault) {
      if (fault.kind === 'kill') return !away.has(fault.victim);
      if (fault.kind === 'kill-backend') return !away.has('postgres');
      const ends = fault.pair.split('/').map((end) => (end === 'inbound' ? 'api' : end));
      return !ends.some((end) => away.has(end)) && (stage.wires.get(fault.pair)?.connections() ?? 0) > 0;
    },
    async commit(fault) {
      if (fault.kind === 'kill-backend') {
        return stage.cluster.killBackend((count) => Math.floor(count * fault.share));
      }
      if (fault.kind === 'kill') {
        const { victim, backAfter } = fault;
        return victim === 'postgres' ? killDatabase(backAfter) : kill(victim, backAfter);
      }
      const wire = stage.wires.get(fault.pair);
      if (wire === undefined) throw new Error(`there is no wire ${fault.pair}`);
      wire.disturb(fault.disorder);
      await sleep(fault.lasting);
      return wire.heal() > 0;
    },
    async makeGood() {
      for (const wire of stage.wires.values()) wire.heal();
      await Promise.all(away.values());
      for (const program of stage.programs.values()) await program.ready();
    },
  };
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
