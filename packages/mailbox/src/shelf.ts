/**
 * The mails that are kept: the newest ones, in memory and, when there is a directory, on disk.
 *
 * On disk a mail is two files, `<id>.eml` with exactly the bytes that came and `<id>.json` with its envelope and
 * what was done with it. The directory is read once, at the start; after that memory is the truth.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '@adieu/core';

/** How somebody left from this mailbox, and what they were told. */
export interface Departure {
  readonly way: 'header POST' | 'mailto';
  /** ISO time. */
  readonly at: string;
  /** The code of the final answer (HTTP status or SMTP reply); `null` when there was none. */
  readonly code: number | null;
  /** What was asked and answered, line by line, ready to be shown. */
  readonly dialogue: readonly string[];
}

/** One mail as it was delivered. */
export interface Mail {
  /** Sorts by arrival; letters, digits and `-` only. */
  readonly id: string;
  /** ISO time of arrival. */
  readonly receivedAt: string;
  /** Envelope: MAIL FROM (empty for the null sender) and RCPT TO. */
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly raw: Buffer;
  readonly departures: readonly Departure[];
}

/** A mail that was just taken. */
export type Arrival = Pick<Mail, 'sender' | 'recipients' | 'raw'>;

export interface Shelf {
  add(arrival: Arrival): Promise<Mail>;
  /** Notes how somebody left; nothing happens when the mail is gone by now. */
  depart(id: string, departure: Departure): Promise<void>;
  find(id: string): Mail | null;
  /** Newest first. */
  list(): readonly Mail[];
}

export interface ShelfOptions {
  /** Mails to keep. */
  readonly keep: number;
  readonly directory?: string;
  readonly log: Log;
}

/** An id as it may stand in a URL or a file name. */
export const MAIL_ID = /^[0-9a-z]{9,12}-[0-9a-f]{12}$/;

export async function openShelf(options: ShelfOptions): Promise<Shelf> {
  const { directory, keep, log } = options;
  const mails = new Map<string, Mail>();
  let lastMoment = 0;
  if (directory !== undefined) {
    await mkdir(directory, { recursive: true });
    for (const mail of await readDirectory(directory, log)) mails.set(mail.id, mail);
    await trim();
  }

  async function add(arrival: Arrival): Promise<Mail> {
    const now = Date.now();
    lastMoment = Math.max(now, lastMoment + 1);
    const mail: Mail = {
      id: `${lastMoment.toString(36).padStart(9, '0')}-${randomBytes(6).toString('hex')}`,
      receivedAt: new Date(now).toISOString(),
      departures: [],
      ...arrival,
    };
    if (directory !== undefined) {
      await writeFile(join(directory, `${mail.id}.eml`), mail.raw);
      await writeEnvelope(directory, mail);
    }
    mails.set(mail.id, mail);
    await trim();
    return mail;
  }

  async function depart(id: string, departure: Departure): Promise<void> {
    const mail = mails.get(id);
    if (mail === undefined) return;
    const left: Mail = { ...mail, departures: [...mail.departures, departure].slice(-20) };
    mails.set(id, left);
    if (directory !== undefined) await writeEnvelope(directory, left);
  }

  async function trim(): Promise<void> {
    for (const id of mails.keys()) {
      if (mails.size <= keep) return;
      mails.delete(id);
      if (directory === undefined) continue;
      await rm(join(directory, `${id}.json`), { force: true });
      await rm(join(directory, `${id}.eml`), { force: true });
    }
  }

  return {
    add,
    depart,
    find: (id) => mails.get(id) ?? null,
    list: () => [...mails.values()].reverse(),
  };
}

/** In one step, so that a kill leaves the old envelope or the new one. */
async function writeEnvelope(directory: string, mail: Mail): Promise<void> {
  const { raw: _raw, ...envelope } = mail;
  const half = join(directory, `${mail.id}.json.part`);
  await writeFile(half, JSON.stringify(envelope));
  await rename(half, join(directory, `${mail.id}.json`));
}

async function readDirectory(directory: string, log: Log): Promise<Mail[]> {
  const ids = (await readdir(directory))
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .filter((id) => MAIL_ID.test(id))
    .sort();
  const mails: Mail[] = [];
  for (const id of ids) {
    try {
      const envelope = JSON.parse(await readFile(join(directory, `${id}.json`), 'utf8')) as Omit<Mail, 'raw'>;
      mails.push({ ...envelope, id, raw: await readFile(join(directory, `${id}.eml`)) });
    } catch (error) {
      log.warn({ error: String(error) }, 'a kept mail cannot be read and is left out');
    }
  }
  return mails;
}
