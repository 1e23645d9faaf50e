/**
 * A scratch database for tests: fresh, migrated, on a real PostgreSQL.
 *
 * One rule: tests share one server and one migrated template, kept under the system's temporary directory, and never a
 * database. The server is started by the first test that asks and stopped by the last.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENT } from '@adieu/core';
import pg from 'pg';
import type { Database, Db } from '../database.ts';
import { openDatabase } from '../database.ts';
import { isAlive } from '../embedded-cluster.ts';
import { startEmbedded } from '../embedded-server.ts';
import { migrate, migrationSource } from '../migration.ts';
import { ensurePartitions } from '../partition.ts';

/** A database that nobody else uses. */
export interface ScratchDatabase {
  readonly database: Database;
  readonly db: Db;
  readonly url: string;
  /** Drops the database and lets the server go. */
  close(): Promise<void>;
}

/** `poolSize` of the database's own pool (default 10); `empty` leaves it without a table. */
export interface ScratchOptions {
  readonly poolSize?: number;
  readonly empty?: boolean;
}

/** Each clone has a server of its own: its programs lie in the clone, and would be gone with it. */
const CLONE = createHash('sha256')
  .update(import.meta.url)
  .digest('hex')
  .slice(0, 8);
/** What is lost in a crash was a test's. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', max_connections: '300' };

/** Opens a fresh database, migrated unless `empty`. */
export async function openScratchDatabase({
  poolSize = 10,
  empty = false,
}: ScratchOptions = {}): Promise<ScratchDatabase> {
  const dataDir = join(tmpdir(), `adieu-scratch-${process.getuid?.() ?? 0}-${CLONE}`);
  const server = await startEmbedded({ dataDir, log: SILENT, settings: SETTINGS });
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  const name = `scratch_${process.pid}_${randomBytes(6).toString('hex')}`;
  try {
    // One at a time: a template must not be in use while it is copied.
    await admin.query("SELECT pg_advisory_lock(hashtext('adieu'), hashtext('scratch'))");
    await dropAbandoned(admin);
    const template = empty ? 'template0' : await ensureTemplate(admin, server.url);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`);
  } finally {
    await admin.end();
  }
  const url = atDatabase(server.url, name);
  const database = openDatabase({ url, poolSize });
  // The template may be of last month.
  if (!empty) await ensurePartitions(database.db);
  return {
    database,
    db: database.db,
    url,
    close: async () => {
      await database.close();
      await drop(server.url, name);
      await server.close();
    },
  };
}

/** The template of these migrations; others are of other versions of the source. */
async function ensureTemplate(admin: pg.Client, serverUrl: string): Promise<string> {
  const name = `template_${createHash('sha256').update(migrationSource()).digest('hex').slice(0, 16)}`;
  const { rowCount } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  if (rowCount !== 0) return name;
  const draft = `${name}_draft`;
  await admin.query(`DROP DATABASE IF EXISTS ${draft} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${draft}`);
  const database = openDatabase({ url: atDatabase(serverUrl, draft), poolSize: 1 });
  await migrate(database.db).finally(() => database.close());
  await admin.query(`ALTER DATABASE ${draft} RENAME TO ${name}`);
  return name;
}

/** Databases of test processes that were killed. */
async function dropAbandoned(admin: pg.Client): Promise<void> {
  const { rows } = await admin.query<{ name: string }>(
    "SELECT datname AS name FROM pg_database WHERE datname LIKE 'scratch\\_%'",
  );
  for (const { name } of rows) {
    if (!isAlive(Number(name.split('_')[1])))
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  }
}

async function drop(serverUrl: string, name: string): Promise<void> {
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).finally(() => admin.end());
}

function atDatabase(url: string, name: string): string {
  return url.replace(/[^/]*$/, name);
}
