/**
 * The connection to PostgreSQL: one pool, and a typed query builder over it.
 *
 * One rule: the pool outlives the server. A connection that dies is dropped, the next statement opens another,
 * and every statement in between fails with the temporary `database_unavailable`.
 *
 * @module
 */
import { Failure } from '@adieu/core';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { isDatabaseAway, translateError } from './database-error.ts';
import type { Schema } from './schema.ts';
import { preparationOf } from './statement.ts';

/** What every statement is given: the pool, or a transaction on one of its connections. */
export type Db = Kysely<Schema>;

/** An open pool. */
export interface Database {
  readonly db: Db;
  readonly url: string;
  /**
   * How often it was away so far: statements that did not reach it or took too long, connections that it closed. Another
   * server may answer since.
   */
  outages(): number;
  /** Connections of this process, for metrics. */
  pool(): PoolStats;
  /** Waits for statements that run, then closes every connection. */
  close(): Promise<void>;
}

/** Connections to the database, and who waits for one. */
export interface PoolStats {
  readonly busy: number;
  readonly idle: number;
  readonly waiting: number;
}

/** Where the database is and how many connections this process may hold (default 10). */
export interface DatabaseOptions {
  readonly url: string;
  readonly poolSize?: number;
}

const INT8 = 20;
const DATE = 1082;

/**
 * What the statements of this package rely on, whatever the server's defaults are. Intent and opt-out are proven at
 * READ COMMITTED, and an answer that was given must survive a crash. A prepared statement is planned once: all of
 * them reach their rows by index, whatever the parameters are (see `statistics.ts`).
 */
const SESSION = `
  SET default_transaction_isolation = 'read committed'; SET synchronous_commit = on; SET timezone = 'UTC';
  SET statement_timeout = '25s'; SET lock_timeout = '8s'; SET idle_in_transaction_session_timeout = '60s';
  SET plan_cache_mode = force_generic_plan; SET jit = off; SET random_page_cost = 1.1`;

/**
 * A server that is alive has answered by then, if only that it took too long. Beyond it the connection has gone silent (a
 * failover without a word, a pooler that forwards nothing), which TCP would notice after a quarter of an hour.
 */
const SILENCE_MILLISECONDS = 30_000;

/** Opens a pool. Nothing is connected before the first statement. */
export function openDatabase({ url, poolSize = 10 }: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    query_timeout: SILENCE_MILLISECONDS,
    types: { getTypeParser: parserOf },
    onConnect: async (client) => {
      await client.query(SESSION);
    },
  });
  let outages = 0;
  const understand = (error: unknown): unknown => {
    if (isDatabaseAway(error)) outages += 1;
    return translateError(error);
  };
  // An idle connection that the server closed. The pool has dropped it already; a statement would tell the caller.
  pool.on('error', () => {
    outages += 1;
  });
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: translating(pool, understand) }) });
  let closing: Promise<void> | undefined;
  return {
    db,
    url,
    outages: () => outages,
    pool: () => ({
      busy: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
    close: () => {
      closing ??= db.destroy().then(() => (pool.ended || pool.ending ? undefined : pool.end()));
      return closing;
    },
  };
}

/** Answers when the database takes statements; else rejects with the temporary `database_unavailable`. */
export async function checkDatabase(db: Db): Promise<void> {
  try {
    await sql`SELECT 1`.execute(db);
  } catch (error) {
    throw new Failure('database_unavailable', 'The database cannot be reached.', {
      temporary: true,
      cause: error,
    });
  }
}

/** What the database's clock shows, by which leases, retries and ends are measured. */
export async function databaseTime(db: Db): Promise<Date> {
  const { rows } = await sql<{ time: Date }>`SELECT clock_timestamp() AS time`.execute(db);
  return rows[0]?.time ?? new Date(Number.NaN);
}

/** Numbers of rows and milliseconds fit into a double; a date is a date, not an instant. */
function parserOf(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === INT8) return Number;
  if (oid === DATE) return (value) => value;
  return pg.types.getTypeParser(oid, format as 'text');
}

/** Makes of an error what callers can read. */
type Understand = (error: unknown) => unknown;

/** The pool as the query builder sees it: constant texts prepared, errors translated. */
function translating(pool: pg.Pool, understand: Understand): PostgresPool {
  const connections = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  return {
    connect: async () => {
      try {
        const client = await pool.connect();
        const known = connections.get(client) ?? adapt(client, understand);
        connections.set(client, known);
        return known;
      } catch (error) {
        throw understand(error);
      }
    },
    end: () => pool.end(),
  };
}

/** What the driver says when a statement is not answered in time. */
const READ_TIMEOUT = 'Query read timeout';

function adapt(client: pg.PoolClient, understand: Understand): PostgresPoolClient {
  // A connection that breaks while it is checked out rejects its statement; without a listener it would also throw.
  client.on('error', () => undefined);
  let silent = false;
  const query = async (text: string, values: readonly unknown[]) => {
    const { name, patience } = preparationOf(text) ?? {};
    const config = {
      text,
      values: [...values],
      ...(name === undefined ? {} : { name }),
      ...(patience === undefined ? {} : { query_timeout: patience }),
    };
    try {
      // Whatever came after would wait behind the statement that was never answered.
      if (silent) throw new Error(READ_TIMEOUT);
      return await client.query(config);
    } catch (error) {
      silent ||= error instanceof Error && error.message === READ_TIMEOUT;
      throw understand(error);
    }
  };
  // The query builder's other form of `query` takes cursors, which are not configured.
  return {
    query: query as unknown as PostgresPoolClient['query'],
    release: () => client.release(silent),
  };
}
