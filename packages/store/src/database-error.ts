/**
 * What a database error means to the caller.
 *
 * One rule: whatever says that PostgreSQL cannot be reached, is stopping, starting, full or too slow becomes the
 * temporary {@link Failure} `database_unavailable`, at the one place every statement passes. Everything else
 * goes through as it is, for the statement that caused it to read its SQLSTATE (PostgreSQL manual, appendix A).
 *
 * @module
 */
import { Failure, isFailure } from '@adieu/core';

/** SQLSTATE classes: connection exceptions, insufficient resources, operator intervention. */
const AWAY_CLASSES = new Set(['08', '53', '57']);
/** Read-only (a standby took the connection), lock wait and idle transaction timeouts. */
const AWAY_STATES = new Set(['25006', '55P03', '25P03']);
/** A statement that lost to another one and may simply run again: serialization failure, deadlock. */
const RETRY_STATES = new Set(['40001', '40P01']);
const ATTEMPTS = 8;

/** Node's connection errors and those of the `pg` client, which have no SQLSTATE. */
const AWAY_MESSAGES =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Cannot use a pool after|Query read timeout|The server does not support SSL|Query was cancelled)/i;
const AWAY_ERRNO = /^(?:ECONN|EPIPE$|ETIMEDOUT$|EHOST|ENET|ENOTFOUND$|EAI_|ENOENT$|EACCES$)/;

/** The SQLSTATE of an error of the server, or undefined. Node's own codes may be five letters too: `EPIPE`. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** The constraint that refused a row, or undefined. */
export function violatedConstraint(error: unknown): string | undefined {
  const name = (error as { constraint?: unknown } | null)?.constraint;
  return typeof name === 'string' ? name : undefined;
}

/** Tells whether an error means that the database cannot answer now. */
export function isDatabaseAway(error: unknown): boolean {
  if (isFailure(error)) return error.code === 'database_unavailable';
  const state = sqlState(error);
  if (state !== undefined) return AWAY_CLASSES.has(state.slice(0, 2)) || AWAY_STATES.has(state);
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && AWAY_ERRNO.test(code)) return true;
  return typeof message === 'string' && AWAY_MESSAGES.test(message);
}

/** The failure for an absent database, or the error as it is. */
export function translateError(error: unknown): unknown {
  if (isFailure(error) || !isDatabaseAway(error)) return error;
  return new Failure('database_unavailable', 'The database cannot be reached.', {
    temporary: true,
    cause: error,
  });
}

/** Runs a whole transaction again when it lost a deadlock or a serialization conflict. */
export async function retrying<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await transaction();
    } catch (error) {
      if (attempt === ATTEMPTS || !RETRY_STATES.has(sqlState(error) ?? '')) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * attempt));
    }
  }
}
