/**
 * Forward-only migrations: `migrations/NNNN-name.sql`, each in a transaction of its own, under one advisory lock.
 *
 * One rule: any number of processes may start at once; each migration runs once, and a program that is older than
 * its database refuses to touch it.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { Failure } from '@adieu/core';
import { CompiledQuery, sql } from 'kysely';
import type { Db } from './database.ts';
import { ensurePartitions } from './partition.ts';

/** Beside `src` and beside `dist`, so the same path serves both. */
const FOLDER = new URL('../migrations/', import.meta.url);

interface Migration {
  readonly number: number;
  readonly name: string;
}

/** Numbers before and after; 0 is an empty database. */
export interface MigrationOutcome {
  readonly from: number;
  readonly to: number;
}

/** Brings the database to this program's version. Throws the {@link Failure} `database_newer`. */
export async function migrate(db: Db): Promise<MigrationOutcome> {
  const migrations = listMigrations();
  const latest = migrations.at(-1)?.number ?? 0;
  let from: number | undefined;
  for (;;) {
    const applied = await applyNext(db, migrations, latest);
    from ??= applied.before;
    if (applied.after === latest) break;
  }
  await ensurePartitions(db);
  return { from, to: latest };
}

/** The version that the database is at, and the one that this program needs; 0 is an empty database. */
export async function readVersion(db: Db): Promise<{ readonly found: number; readonly needed: number }> {
  const needed = listMigrations().at(-1)?.number ?? 0;
  const { rows } = await sql<{
    there: boolean;
  }>`SELECT to_regclass('migration') IS NOT NULL AS there`.execute(db);
  if (rows[0]?.there !== true) return { found: 0, needed };
  return { found: await versionOf(db), needed };
}

/** Migrations in order. Throws when a number is missing or doubled: the order must be one. */
export function listMigrations(): readonly Migration[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.sql'));
  const migrations = names.map((name) => ({ number: Number.parseInt(name, 10), name }));
  migrations.sort((a, b) => a.number - b.number);
  migrations.forEach(({ number, name }, index) => {
    if (number !== index + 1) throw new Error(`migration ${name} is out of order`);
  });
  return migrations;
}

/** The SQL of every migration in order, as one text. */
export function migrationSource(): string {
  return listMigrations().map(readMigration).join('\n');
}

async function applyNext(db: Db, migrations: readonly Migration[], latest: number) {
  return db.transaction().execute(async (transaction) => {
    // Waiting for the process that migrates may take as long as its migration.
    await sql`SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)`.execute(
      transaction,
    );
    await sql`SELECT pg_advisory_xact_lock(hashtext('adieu'), hashtext('migrate'))`.execute(transaction);
    await sql`CREATE TABLE IF NOT EXISTS migration (
      number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`.execute(
      transaction,
    );
    const before = await versionOf(transaction);
    if (before > latest) throw newer(before, latest);
    const next = migrations[before];
    if (next === undefined) return { before, after: before };
    await transaction.executeQuery(CompiledQuery.raw(readMigration(next)));
    await transaction.insertInto('migration').values({ number: next.number, name: next.name }).execute();
    return { before, after: next.number };
  });
}

async function versionOf(db: Db): Promise<number> {
  const row = await db
    .selectFrom('migration')
    .select(({ fn }) => fn.max('number').as('number'))
    .executeTakeFirst();
  return row?.number ?? 0;
}

function readMigration({ name }: Migration): string {
  return readFileSync(new URL(name, FOLDER), 'utf8');
}

function newer(found: number, known: number): Failure {
  return new Failure(
    'database_newer',
    `The database is at version ${found}; this program knows up to ${known}. Use the newer program.`,
  );
}
