/**
 * What every role stands on: database, queue address, keys. Opened in order, closed in the opposite one.
 *
 * One rule: a process whose key ring cannot open the sealed DKIM keys never starts, because it could neither sign
 * nor open the links of mails that are out already; nor one whose ring cannot tell who was erased.
 *
 * @module
 */
import { mkdir } from 'node:fs/promises';
import { API_SCOPES } from '@adieu/api';
import type { KeyRing, Log } from '@adieu/core';
import {
  attachKeyRing,
  checkSealedKeys,
  checkTombstoneKeys,
  type Database,
  ensureApiKey,
  ensureSandbox,
  type MigrationOutcome,
  migrate,
  openDatabase,
  startEmbedded,
} from '@adieu/store';
import { migrateQueue } from '@adieu/worker';
import type { Config } from './config.ts';
import { type Opened, openApiKey, openKeyRing } from './keys.ts';

/** The organisation and sandbox that every installation has. */
export const HOME = { organisation: 'default', sandbox: 'prod' } as const;

const KEY_ID = 'bootstrap';
/** Statements wait for a connection, so this bounds the load on the server, not the work. */
const POOL_SIZE = 16;

/** A database that is open and as new as this program. */
export interface OpenedDatabase {
  readonly database: Database;
  /** Where BullMQ keeps its jobs. */
  readonly queueUrl: string;
  /** What a copy of the embedded server's files does not have; null elsewhere. */
  readonly filesMark: string | null;
  readonly migrated: MigrationOutcome;
  /** Closes the pool, then the embedded server where this process is its last user. */
  close(): Promise<void>;
}

/** All of it. */
export interface Foundation extends OpenedDatabase {
  readonly ring: Opened<KeyRing>;
  readonly apiKey: Opened<string>;
}

/** Opens the own or the embedded database as it is; only the embedded one makes its directory. */
export async function openOwnDatabase(
  config: Config,
  log: Log,
): Promise<Pick<OpenedDatabase, 'database' | 'filesMark' | 'close'>> {
  const embedded = config.databaseUrl === null ? await startEmbedded({ dataDir: config.dataDir, log }) : null;
  const url = config.databaseUrl ?? embedded?.url ?? '';
  const database = openDatabase({ url, poolSize: POOL_SIZE });
  const close = async () => {
    await database.close();
    await embedded?.close();
  };
  return { database, filesMark: embedded?.mark ?? null, close };
}

/** Opens the own or the embedded database and brings it, and BullMQ's tables, to this program's version. */
export async function openMigratedDatabase(config: Config, log: Log): Promise<OpenedDatabase> {
  await mkdir(config.dataDir, { recursive: true });
  const { database, filesMark, close } = await openOwnDatabase(config, log);
  try {
    const queueUrl = config.queueUrl ?? database.url;
    const migrated = await migrate(database.db);
    await migrateQueue(queueUrl);
    if (migrated.from !== migrated.to) log.info({ ...migrated }, 'the database is migrated');
    return { database, queueUrl, filesMark, migrated, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens everything that a role needs. */
export async function openFoundation(config: Config, log: Log): Promise<Foundation> {
  const opened = await openMigratedDatabase(config, log);
  try {
    const ring = await openKeyRing(config);
    await checkSealedKeys(opened.database.db, ring.value);
    await checkTombstoneKeys(opened.database.db, ring.value);
    attachKeyRing(opened.database.db, ring.value);
    const apiKey = await openApiKey(config);
    await ensureSandbox(opened.database.db, HOME.organisation, HOME.sandbox);
    await ensureApiKey(opened.database.db, {
      organisation: HOME.organisation,
      id: KEY_ID,
      secret: apiKey.value,
      scopes: API_SCOPES,
    });
    return { ...opened, ring, apiKey };
  } catch (error) {
    await opened.close();
    throw error;
  }
}
