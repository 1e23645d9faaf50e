import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import pg from 'pg';
import type { Database, Db } from './database.ts';
import { openDatabase } from './database.ts';
import { pauseSending, readSending, resumeSending } from './sending.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import {
  createScratchExecution,
  createScratchTenant,
  importScratchProfiles,
} from './testing/scratch-tenant.ts';
import type { Place, Seen } from './witness.ts';
import { openWitness } from './witness.ts';

const RUNNING = { state: 'running' };

const newcomer = (): Seen => ({ id: randomUUID(), beat: 0, at: null });

describe('a witness of the database', () => {
  let scratch: ScratchDatabase;
  let db: Db;
  beforeEach(async () => {
    scratch = await openScratchDatabase();
    db = scratch.db;
  });
  afterEach(() => scratch.close());

  const open = (seen: Seen, more: { mark?: Place; copied?: boolean } = {}) =>
    openWitness(db, { seen, ...more });

  /** What a backup of the witness's row would bring back. */
  const putBack = async ({ id, beat }: Seen) => {
    await sql`UPDATE witness SET beat = ${beat} WHERE id = ${id}`.execute(db);
  };

  test('sees its own beats grow and pauses nothing, alone or beside others, across restarts and kills', async () => {
    const alone = open(newcomer());
    const beats = [await alone.beat(), await alone.beat(), await alone.beat()];
    expect(beats.map(({ seen }) => seen.beat)).toEqual([1, 2, 3]);
    // A kill: what was written down last is older than what was seen last.
    const killed = open(beats[0]?.seen ?? newcomer());
    // Two processes of one data directory share a witness; those of others have their own.
    const others = [killed, open(alone.seen()), open(newcomer()), open(newcomer())];
    await Promise.all(others.flatMap((witness) => [witness.beat()]));
    for (const witness of [...others, alone]) {
      expect(await witness.beat()).toMatchObject({ restored: false, sending: RUNNING });
    }
  });

  test('pauses a database that went back under it, and says why', async () => {
    const witness = open(newcomer());
    const { seen: backup } = await witness.beat();
    await witness.beat();
    await witness.beat();
    await putBack(backup);
    const found = await witness.beat();
    expect(found).toMatchObject({ restored: true, sending: { state: 'paused' } });
    expect(await readSending(db)).toMatchObject({
      state: 'paused',
      why: expect.stringMatching(
        /older than what was seen of it at 20\d\d-.*answered since 20\d\d-.* may be missing/,
      ),
      since: expect.any(Date),
    });
  });

  test('is not deceived by others who have driven the database on meanwhile', async () => {
    const witness = open(newcomer());
    await witness.beat();
    const { id } = (await witness.beat()).seen;
    await sql`DELETE FROM witness WHERE id = ${id}`.execute(db);
    const other = open(newcomer());
    for (let beat = 0; beat < 20; beat += 1) await other.beat();
    expect((await witness.beat()).restored).toBe(true);
  });

  test('says since when by what the backup knew, not by who began after it was put back', async () => {
    const witness = open(newcomer());
    const { seen: backup } = await witness.beat();
    await witness.beat();
    await putBack(backup);
    await sql`UPDATE witness SET beat_at = '2001-02-03 04:05:06Z' WHERE id = ${backup.id}`.execute(db);
    await open(newcomer()).beat();
    const since = 'answered since 2001-02-03 04:05:06 UTC';
    expect(await witness.beat()).toMatchObject({ sending: { why: expect.stringContaining(since) } });
    await resumeSending(db);

    // A backup from before its first beat: the last one of another.
    await witness.beat();
    await sql`DELETE FROM witness WHERE id = ${backup.id}`.execute(db);
    await sql`UPDATE witness SET beat_at = '2001-02-03 04:05:06Z'`.execute(db);
    await open(newcomer()).beat();
    expect(await witness.beat()).toMatchObject({ sending: { why: expect.stringContaining(since) } });
  });

  test('one restore is found once, however many witnesses come later, and the next one again', async () => {
    const [first, second, late] = [open(newcomer()), open(newcomer()), open(newcomer())];
    const backups = [await first.beat(), await second.beat(), await late.beat()].map(({ seen }) => seen);
    for (const witness of [first, second, late]) await witness.beat();
    for (const backup of backups) await putBack(backup);
    const found = await Promise.all([first.beat(), second.beat()]);
    expect(found.map(({ restored }) => restored).sort()).toEqual([false, true]);
    await resumeSending(db);
    expect(await late.beat()).toMatchObject({ restored: false, sending: RUNNING });

    const { seen: backup } = await late.beat();
    await late.beat();
    await putBack(backup);
    expect(await late.beat()).toMatchObject({ restored: true, sending: { state: 'paused' } });
  });

  test('a beat that could not write its pause is found again by the next', async () => {
    const witness = open(newcomer());
    const { seen: backup } = await witness.beat();
    await witness.beat();
    await putBack(backup);
    await sql`ALTER TABLE installation ADD CONSTRAINT no_pause CHECK (paused_at IS NULL)`.execute(db);
    for (let beat = 0; beat < 3; beat += 1) await expect(witness.beat()).rejects.toThrow('no_pause');
    await sql`ALTER TABLE installation DROP CONSTRAINT no_pause`.execute(db);
    expect((await witness.beat()).restored).toBe(true);
  });

  test('an earlier reason is kept beside the new one', async () => {
    await pauseSending(db, 'the relay is being moved');
    await pauseSending(db, 'again');
    const witness = open(newcomer());
    const { seen: backup } = await witness.beat();
    await witness.beat();
    await putBack(backup);
    const { sending } = await witness.beat();
    expect(sending).toMatchObject({
      why: expect.stringMatching(/^The database is older.*the relay is being moved$/),
    });
  });

  test('a copy of the database in another place is told by the place, once', async () => {
    await open(newcomer()).beat();
    const { database: copy, drop } = await copyOf(scratch);
    try {
      const fresh = openWitness(copy.db, { seen: newcomer() });
      expect(await fresh.beat()).toMatchObject({ restored: true, sending: { state: 'paused' } });
      expect(await readSending(copy.db)).toMatchObject({ why: expect.stringContaining('another database') });
      await resumeSending(copy.db);
      expect(await openWitness(copy.db, { seen: newcomer() }).beat()).toMatchObject({ sending: RUNNING });
    } finally {
      await drop();
    }
    expect(await open(newcomer()).beat()).toMatchObject({ sending: RUNNING });
  });

  test('tables that were made anew in the same database are told too', async () => {
    await open(newcomer()).beat();
    await sql
      .raw(`CREATE TABLE again (LIKE installation INCLUDING ALL); INSERT INTO again SELECT * FROM installation;
      DROP TABLE installation; ALTER TABLE again RENAME TO installation`)
      .execute(db);
    expect(await open(newcomer()).beat()).toMatchObject({
      restored: true,
      sending: { why: expect.stringContaining('made anew') },
    });
  });

  test('only parts of the place that were known before can differ', async () => {
    await open(newcomer()).beat();
    expect(await open(newcomer(), { mark: { files: '1' } }).beat()).toMatchObject({ sending: RUNNING });
    expect(await open(newcomer()).beat()).toMatchObject({ sending: RUNNING });
    expect(await open(newcomer(), { mark: { files: '1' } }).beat()).toMatchObject({ sending: RUNNING });
    const moved = await open(newcomer(), { mark: { files: '2' } }).beat();
    expect(moved).toMatchObject({ restored: true, sending: { why: expect.stringContaining('other files') } });
  });

  test('a witness that was copied together with its database pauses, once for all processes', async () => {
    const { seen } = await open(newcomer()).beat();
    const both = [open(seen, { copied: true }), open(seen, { copied: true })];
    const found = await Promise.all(both.map((witness) => witness.beat()));
    expect(found.map(({ restored }) => restored).sort()).toEqual([false, true]);
    expect(await readSending(db)).toMatchObject({ why: expect.stringContaining('directory is a copy') });
  });

  test('where the server does not say who it is, the rest still holds', async () => {
    const user = `nobody_${scratch.url.slice(-12)}`;
    await sql
      .raw(`CREATE ROLE ${user} LOGIN PASSWORD 'x'; GRANT ALL ON ALL TABLES IN SCHEMA public TO ${user};
      REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC`)
      .execute(db);
    const url = new URL(scratch.url);
    [url.username, url.password] = [user, 'x'];
    const database = openDatabase({ url: String(url), poolSize: 1 });
    try {
      const witness = openWitness(database.db, { seen: newcomer() });
      expect(await witness.beat()).toMatchObject({ seen: { beat: 1 }, sending: RUNNING });
      expect(await witness.beat()).toMatchObject({ seen: { beat: 2 }, sending: RUNNING });
      const { place } = await db.selectFrom('installation').select('place').executeTakeFirstOrThrow();
      expect(Object.keys(place ?? {}).sort()).toEqual(['database', 'tables']);
      // Somebody who may ask adds what was missing, and nothing is paused for it.
      expect(await open(newcomer()).beat()).toMatchObject({ sending: RUNNING });
    } finally {
      await database.close();
      await sql.raw(`DROP OWNED BY ${user}; DROP ROLE ${user}`).execute(db);
    }
  });

  test('after a restore no number is given a second time', async () => {
    const scope = await createScratchTenant(db);
    await importScratchProfiles(db, scope, 3);
    await createScratchExecution(db, scope);
    const before = await highest(db);
    const witness = open(newcomer());
    const { seen: backup } = await witness.beat();
    await witness.beat();
    await putBack(backup);
    await witness.beat();

    await importScratchProfiles(db, scope, 6);
    await createScratchExecution(db, scope);
    await sql`INSERT INTO list (sandbox_id, name, title) VALUES (${scope.sandboxId}, 'new', 'New')`.execute(
      db,
    );
    const after = await highest(db);
    expect(after.profile - before.profile).toBeGreaterThan(99_999_999);
    expect(after.address - before.address).toBeGreaterThan(99_999_999);
    expect(after.list - before.list).toBeGreaterThan(9_999);
    expect(after.execution - before.execution).toBeGreaterThan(999_999);
  });
});

async function highest(db: Db): Promise<Record<'profile' | 'address' | 'list' | 'execution', number>> {
  const { rows } = await sql<Record<'profile' | 'address' | 'list' | 'execution', number>>`
    SELECT (SELECT max(id) FROM profile) AS profile, (SELECT max(id) FROM address) AS address,
      (SELECT max(number) FROM list) AS list, (SELECT max(id) FROM execution) AS execution`.execute(db);
  return rows[0] ?? { profile: 0, address: 0, list: 0, execution: 0 };
}

/** A copy as `CREATE DATABASE … TEMPLATE` makes it. */
async function copyOf({ url }: ScratchDatabase): Promise<{ database: Database; drop(): Promise<void> }> {
  const name = url.slice(url.lastIndexOf('/') + 1);
  const admin = new pg.Client({ connectionString: url.replace(/[^/]*$/, 'postgres') });
  await admin.connect();
  await admin.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`,
  );
  await admin.query(`CREATE DATABASE ${name}_copy TEMPLATE ${name} STRATEGY file_copy`);
  const database = openDatabase({ url: `${url}_copy`, poolSize: 2 });
  return {
    database,
    async drop() {
      await database.close();
      await admin.query(`DROP DATABASE ${name}_copy WITH (FORCE)`);
      await admin.end();
    },
  };
}
