/**
 * `adieu inspect FILE.eml`: walks a mail as a mailbox provider would (U10).
 *
 * Public keys come from a file, or from the subdomains of this installation, or from public DNS. The answer is 1
 * when something is wrong, so that a pipeline can stand on it.
 *
 * @module
 */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure, type ResolveTxt, SILENT } from '@adieu/core';
import { verifySignatures } from '@adieu/inbound';
import { type Inspection, inspectMessage } from '@adieu/mail';
import { type Database, openDatabase, startEmbedded } from '@adieu/store';
import type { Config } from '../config.ts';
import { inspectionPage } from '../inspection-page.ts';
import { findKeyRing } from '../keys.ts';
import { answer, type Output } from '../output.ts';
import { firstOf, keysOfFile, ownKeys, publicKeys } from '../published-keys.ts';
import { paintsFor } from '../terminal.ts';

/** Options of the command line. */
export interface InspectOptions extends Output {
  /** A file with DNS records; nothing else is asked then. */
  readonly dns?: string;
}

/** Answers whether nothing is wrong. */
export async function inspect(config: Config, path: string, options: InspectOptions): Promise<boolean> {
  const raw = await readFile(path).catch((cause: unknown) => {
    throw new Failure('file_unreadable', `${path} cannot be read.`, { cause });
  });
  const inspection = await withKeys(config, options.dns, (resolve) =>
    inspectMessage(raw, { verify: verifySignatures, resolve }),
  );
  const fine = !inspection.findings.some(({ level }) => level === 'wrong');
  answer(options, {
    json: { file: path, fine, ...withoutParts(inspection) },
    page: inspectionPage(inspection, { title: path, paints: paintsFor(process.stdout) }),
  });
  return fine;
}

async function withKeys<T>(
  config: Config,
  dnsFile: string | undefined,
  work: (resolve: ResolveTxt) => Promise<T>,
): Promise<T> {
  if (dnsFile !== undefined) return work(await keysOfFile(dnsFile));
  const own = await openOwn(config);
  if (own === null) return work(firstOf([publicKeys]));
  try {
    return await work(firstOf([ownKeys(own.database.db, own.ring), publicKeys]));
  } finally {
    await own.close();
  }
}

/** The installation that this directory or environment names; null where there is none or it cannot be reached. */
async function openOwn(config: Config) {
  const ring = await findKeyRing(config).catch(() => null);
  if (ring === null) return null;
  if (config.databaseUrl !== null) {
    const database: Database = openDatabase({ url: config.databaseUrl, poolSize: 1 });
    return { ring, database, close: database.close };
  }
  const known = await access(join(config.dataDir, 'postgres')).then(
    () => true,
    () => false,
  );
  const embedded = known
    ? await startEmbedded({ dataDir: config.dataDir, log: SILENT }).catch(() => null)
    : null;
  if (embedded === null) return null;
  const database = openDatabase({ url: embedded.url, poolSize: 1 });
  const close = async () => {
    await database.close();
    await embedded.close();
  };
  return { ring, database, close };
}

/** The parts are long, and the reader of the JSON has the file. */
function withoutParts({ text: _text, html: _html, ...rest }: Inspection): Omit<Inspection, 'text' | 'html'> {
  return rest;
}
