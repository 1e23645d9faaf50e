/**
 * The `{id}` of an execution in a path. An id that is not a number names no execution.
 *
 * @module
 */
import { z } from 'zod';
import { Problem } from '../problem.ts';

export const ExecutionParams = z.object({ id: z.string().max(64) });

/** Throws `unknown_execution`. */
export function executionIdOf({ id }: z.output<typeof ExecutionParams>): number {
  if (!/^[1-9]\d{0,14}$/.test(id)) throw unknownExecution();
  return Number(id);
}

export function unknownExecution(): Problem {
  return new Problem(404, 'unknown_execution', { detail: 'There is no such execution.' });
}
