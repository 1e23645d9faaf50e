/**
 * The roles a process can have.
 *
 * @module
 */
import { Failure } from '@adieu/core';

/** What a process can do. */
export const ROLES = ['api', 'worker', 'inbound'] as const;
export type Role = (typeof ROLES)[number];

/** Reads `api,worker`. Throws `role_unknown` for anything else. */
export function readRoles(text: string): readonly Role[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !ROLES.some((role) => role === name));
  if (unknown === undefined) return ROLES.filter((role) => names.includes(role));
  throw new Failure('role_unknown', `There is no role "${unknown}". There are: ${ROLES.join(', ')}.`);
}
