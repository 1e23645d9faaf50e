/**
 * The sandbox that a path names, in the organisation of the key.
 *
 * @module
 */
import { type Database, findScope, type Scope } from '@adieu/store';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import { tenantOf } from './access.ts';

/** The parameters of `/v1/sandboxes/{name}/…`. */
export const SandboxParams = z.object({ name: z.string().min(1).max(64) });

/** Throws `unknown_sandbox`: a sandbox is made by a call that works in it, not by one that names it. */
export async function sandboxOf({ db }: Database, request: FastifyRequest, name: string): Promise<Scope> {
  const found = await findScope(db, tenantOf(request).organisation, name);
  if (found !== null) return found;
  throw new Problem(404, 'unknown_sandbox', { detail: 'There is no such sandbox.', field: 'name' });
}
