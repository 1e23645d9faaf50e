/**
 * Faults, drawn from a seed: who is killed, which wire is disturbed and how.
 *
 * One rule: the draw depends on the seed and the queue's backend alone, never on time, so the same seed does the same
 * things in the same order.
 *
 * @module
 */

import type { Chance } from './seed.ts';
import type { Disorder } from './wire.ts';

/** Where the queue lives. */
export type Backend = 'postgres' | 'redis';

/** Programs that can be killed. */
export type Victim = 'worker-1' | 'worker-2' | 'api' | 'postgres' | 'redis' | 'relay';

/** Wires, named by both ends. */
export type Pair =
  | `${'worker-1' | 'worker-2' | 'api'}/${'postgres' | 'redis'}`
  | `worker-${1 | 2}/relay`
  | `client/${'api' | 'inbound'}`;

/** One fault. Times in milliseconds. */
export type Fault =
  | { readonly kind: 'kill'; readonly victim: Victim; readonly backAfter: number }
  /** One process of PostgreSQL: it ends all others and recovers. */
  | { readonly kind: 'kill-backend'; readonly share: number }
  | { readonly kind: 'disturb'; readonly pair: Pair; readonly disorder: Disorder; readonly lasting: number };

/** A delay that a settling answer does not wait for: only here may an opt-out be overtaken. */
export const OVERTAKING_DELAY_MS = 2_500;

/** Draws the next fault. */
export function drawFault(chance: Chance, backend: Backend, killsOnly = false): Fault {
  if (killsOnly || chance.often(0.45)) {
    if (chance.often(0.06)) return { kind: 'kill-backend', share: chance.whole(0, 100) / 100 };
    const victim = chance.one(victims(backend));
    return { kind: 'kill', victim, backAfter: chance.whole(50, 1_200) };
  }
  const pair = chance.one(pairs(backend));
  return { kind: 'disturb', pair, disorder: drawDisorder(chance, pair), lasting: chance.whole(300, 1_800) };
}

/** Workers and PostgreSQL are what most can go wrong with. */
function victims(backend: Backend): readonly Victim[] {
  const always = [
    'worker-1',
    'worker-2',
    'worker-1',
    'worker-2',
    'api',
    'postgres',
    'postgres',
    'relay',
  ] as const;
  return backend === 'redis' ? [...always, 'redis'] : always;
}

function pairs(backend: Backend): readonly Pair[] {
  const always: readonly Pair[] = [
    'worker-1/postgres',
    'worker-2/postgres',
    'api/postgres',
    'worker-1/relay',
    'worker-2/relay',
    'client/api',
    'client/inbound',
  ];
  return backend === 'redis' ? [...always, 'worker-1/redis', 'worker-2/redis', 'api/redis'] : always;
}

function drawDisorder(chance: Chance, pair: Pair): Disorder {
  const reset = chance.often(0.5);
  // While an execution runs the API has nothing to say to the queue: only what meets a silent connection meets anything.
  if (pair === 'api/redis') return chance.often(0.5) ? { kind: 'cut', reset } : { kind: 'refuse' };
  const kind = chance.one(['cut', 'cut', 'refuse', 'delay', 'hush', 'truncate', 'truncate'] as const);
  if (kind === 'refuse' || kind === 'hush') return { kind };
  if (kind === 'cut') return { kind, reset };
  if (kind === 'truncate') {
    return { kind, way: chance.one(['there', 'back']), share: chance.whole(0, 101) / 100, reset };
  }
  const relayed = pair.endsWith('/relay');
  if (relayed && chance.often(0.25)) return { kind, ways: ['there'], milliseconds: OVERTAKING_DELAY_MS };
  // Four such delays make a mail: with more each, an answer would not wait for it any more.
  return { kind, ways: ['there', 'back'], milliseconds: chance.whole(50, relayed ? 250 : 500) };
}

/** How the report counts it. */
export function nameOf(fault: Fault): { readonly kind: string; readonly where: string } {
  if (fault.kind === 'kill') return { kind: 'kill -9', where: fault.victim };
  if (fault.kind === 'kill-backend') return { kind: 'kill -9', where: 'one backend of postgres' };
  const { disorder } = fault;
  const long = disorder.kind === 'delay' && disorder.milliseconds === OVERTAKING_DELAY_MS;
  const kind =
    disorder.kind === 'truncate' ? `truncate ${disorder.way}` : long ? 'delay over 2 s' : disorder.kind;
  return { kind, where: fault.pair };
}

/** Connections to the relay that it hit: two messages of each may end as unknown. A short delay breaks none. */
export function relayConnectionsHit(fault: Fault, perWorker: number): number {
  if (fault.kind === 'kill-backend') return 0;
  if (fault.kind === 'disturb') {
    const harmless = fault.disorder.kind === 'delay' && !mayOvertake(fault);
    return fault.pair.endsWith('/relay') && !harmless ? perWorker : 0;
  }
  if (fault.victim === 'relay') return 2 * perWorker;
  return fault.victim.startsWith('worker') ? perWorker : 0;
}

/** Whether mail may arrive after the answer to an opt-out because of it. */
export function mayOvertake(fault: Fault): boolean {
  return fault.kind === 'disturb' && fault.disorder.kind === 'delay' && fault.disorder.milliseconds > 2_000;
}
