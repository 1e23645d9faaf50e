/**
 * The life of a process that serves: start, stay until a signal, leave in order.
 *
 * One rule: a signal that comes while starting is kept, so the way down begins from a whole process.
 *
 * @module
 */
import type { Log } from '@adieu/core';
import type { Heartbeat } from './heartbeat.ts';
import { noteServer } from './local-server.ts';
import type { RunningRoles } from './roles.ts';
import { closeStages, failOnUncaught, type Stage, untilSignal } from './shutdown.ts';
import type { Foundation } from './wiring.ts';

/** What has to end, in addition to roles and foundation. */
export interface Alive {
  readonly foundation: Foundation;
  readonly heartbeat: Heartbeat;
  readonly roles: RunningRoles;
  /** Closed after the roles and before the database. */
  readonly extra?: readonly Stage[];
}

/** How a life begins and what fills it. */
export interface Plan<T extends Alive> {
  /** Where the note for `adieu send` goes. */
  readonly dataDir: string;
  readonly start: () => Promise<T>;
  /** What is done once everything runs. Its failure ends the life, in order, and is thrown afterwards. */
  readonly whileAlive: (alive: T) => Promise<void>;
}

/** Starts, waits for SIGTERM or SIGINT, closes everything and ends the process with 0. */
export async function live<T extends Alive>(log: Log, plan: Plan<T>): Promise<never> {
  failOnUncaught(log);
  const signal = untilSignal(log);
  const alive = await plan.start();
  const forget = alive.roles.url === null ? null : await noteServer(plan.dataDir, alive.roles.url);
  const working = plan.whileAlive(alive).then(
    () => signal,
    (error: unknown) => ({ error }),
  );
  const ended = await Promise.race([working, signal]);
  await forget?.();
  const stages = [
    ...alive.roles.stages,
    ...(alive.extra ?? []),
    { name: 'heartbeat', patience: 1_000, close: () => alive.heartbeat.close() },
    { name: 'database', patience: 2_000, close: () => alive.foundation.close() },
  ];
  const unfinished = await closeStages(stages, log);
  log.info({ unfinished }, 'stopped');
  if (typeof ended === 'object') throw ended.error;
  process.exit(0);
}
