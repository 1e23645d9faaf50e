/**
 * Everything around a listener, real: a database behind a cable that can be pulled, a subdomain, people who leave.
 *
 * @module
 */
import {
  generateDkimKeys,
  generateKeyRing,
  type KeyRing,
  type Log,
  type MailAudience,
  type MailClaims,
  type MailPurpose,
  mailTokenAddress,
  type OptOutScope,
  parseKeyRing,
  type RecordOptOut,
  sealMailToken,
  type TakeNotification,
} from '@adieu/core';
import {
  type ConsentChange,
  consentHistory,
  type Db,
  ensureSandbox,
  findEntries,
  findProfile,
  importProfiles,
  listReviews,
  openDatabase,
  openOptOutRecorder,
  putList,
  putSubdomain,
  type Scope,
  type StoredReview,
} from '@adieu/store';
import { type CuttableLine, lockTable, openCuttableLine, openScratchDatabase } from '@adieu/store/testing';
import { type Inbound, type InboundOptions, startInbound } from '../listener.ts';
import { openReaders, type Readers } from '../readers.ts';
import { openSesDoor, type SesDoorOptions } from '../ses/door.ts';
import { type Crowd, openCrowd } from './crowd.ts';

export const DOMAIN = 'news.example.com';

/** Somebody with a profile, and the addresses under which they may leave. */
export interface Person {
  readonly email: string;
  /** `unsubscribe+<token>@news.example.com`; another token for another day. */
  mailto(scope?: OptOutScope, list?: number, day?: number): string;
  /** `bounce+<token>@news.example.com`, as a mail of today had it. */
  bounce(): string;
  /** They say yes to email on a page of ours. */
  comesBack(): Promise<void>;
  /** Why the address is suppressed; null when it is not. */
  suppressed(): Promise<string | null>;
  history(): Promise<ConsentChange[]>;
  /** How each recorded change came about, newest first. */
  sources(): Promise<string[]>;
}

export interface Office {
  /** Past the line, for looking. */
  readonly db: Db;
  readonly ring: KeyRing;
  readonly line: CuttableLine;
  /** What reads mail for listeners. */
  readonly readers: Readers;
  /** Where listeners record opt-outs. */
  readonly record: RecordOptOut;
  readonly list: { readonly number: number; readonly name: string };
  /** What was logged, oldest first. */
  readonly logged: readonly { readonly fields: object; readonly message: string }[];
  listen(options?: Partial<InboundOptions>): Promise<Inbound>;
  /** Keeps everybody else from a table until what it answers is called. */
  lock(table: string): Promise<() => Promise<void>>;
  sesDoor(options: Pick<SesDoorOptions, 'topics' | 'fetching'>): TakeNotification;
  person(email?: string): Promise<Person>;
  /** Somebody else with the same address. */
  housemate(of: Person): Promise<Person>;
  /** Mail that waits for a person, newest first. */
  reviews(): Promise<readonly StoredReview[]>;
  /** Somebody of another sandbox of the same organisation, whose tokens name this subdomain all the same. */
  personElsewhere(): Promise<Person>;
  /** The same of another organisation. */
  personAbroad(): Promise<Person>;
  /** People by the thousand. */
  readonly crowd: Crowd;
  /** Waits until it is so. */
  until(condition: () => Promise<boolean>): Promise<void>;
  closeListeners(): Promise<void>;
  close(): Promise<void>;
}

export async function openOffice(): Promise<Office> {
  const scratch = await openScratchDatabase();
  const { db } = scratch;
  const ring = parseKeyRing(generateKeyRing());
  const home = await ensureSandbox(db, 'default', 'prod');
  const foreign = await ensureSandbox(db, 'other', 'prod');
  const elsewhere = await ensureSandbox(db, 'default', 'stage');
  await putSubdomain(db, home, {
    domain: DOMAIN,
    linkBaseUrl: `https://${DOMAIN}`,
    relay: 'plain',
    keys: generateDkimKeys('s1'),
    ring,
  });
  const { number } = await putList(db, home, { name: 'weekly', title: 'Weekly' });

  // Listeners reach the database through a line, the tests do not.
  const line = await openCuttableLine(scratch.url);
  const database = openDatabase({ url: line.url });
  const logged: { fields: object; message: string }[] = [];
  const write = (fields: object, message: string): void => {
    logged.push({ fields, message });
  };
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const recorder = openOptOutRecorder(database, { log });
  // One for all listeners: a thread takes a while to load its sources.
  const readers = await openReaders({ log });
  const listeners: Inbound[] = [];
  let people = 0;
  let arrivals: Promise<unknown> = Promise.resolve();

  async function listen(options: Partial<InboundOptions> = {}): Promise<Inbound> {
    const listener = await startInbound({
      database,
      recorder: recorder.record,
      reports: recorder.recordReport,
      rehearse: recorder.rehearse,
      ring,
      host: '127.0.0.1',
      port: 0,
      deadlineSeconds: 300,
      maxPerIp: 50,
      maxSize: 10_485_760,
      log,
      name: 'mx.example.com',
      readers,
      ...options,
    });
    listeners.push(listener);
    return listener;
  }

  async function personOf(scope: Scope, email = `person${people + 1}@example.com`): Promise<Person> {
    people += 1;
    const id = `id${people}`;
    // One after the other: a hundred at once wait for a database connection longer than anything may.
    arrivals = arrivals.then(() =>
      importProfiles(db, scope, [{ line: 1, identities: { CRMID: id, Email: email } }]),
    );
    await arrivals;
    const find = async () => {
      const profile = await findProfile(db, scope, 'CRMID', id);
      if (profile === null) throw new Error('the person has no profile');
      return profile;
    };
    const profile = await find();
    const audience: MailAudience = { organisation: scope.organisation, sandbox: scope.sandbox };
    const addressOf = (purpose: MailPurpose, differing: Partial<MailClaims>) => {
      const address = profile.address?.id ?? 0;
      const claims = { profile: profile.id, address, list: 0, scope: 'channel', day: 20_000 } as const;
      return mailTokenAddress(
        purpose,
        sealMailToken(ring, purpose, audience, { ...claims, ...differing }),
        DOMAIN,
      );
    };
    return {
      email,
      mailto: (scopeOfLeaving = 'channel', list = 0, day = 20_000) =>
        addressOf('mailto', { scope: scopeOfLeaving, list, day }),
      bounce: () => addressOf('verp', {}),
      comesBack: async () => {
        const { changed } = await recorder.recordAct({
          ...audience,
          who: { by: 'number', profile: profile.id, address: profile.address?.id ?? 0 },
          changes: [{ scope: 'channel', channel: 'email', to: 'y' }],
          source: 'preference_centre',
          at: new Date(),
        });
        if (changed.length === 0) throw new Error('they did not come back');
      },
      suppressed: async () => {
        const [entry] = await findEntries(db, scope, { list: 'suppressed', kind: 'email', keys: [email] });
        return entry?.reason ?? null;
      },
      history: async () => consentHistory(db, scope, await find()),
      sources: async () => (await consentHistory(db, scope, await find())).map((change) => change.source),
    };
  }

  async function closeListeners(): Promise<void> {
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
  }

  return {
    db,
    ring,
    line,
    readers,
    record: recorder.record,
    list: { number, name: 'weekly' },
    logged,
    listen,
    lock: (table) => lockTable(db, table),
    sesDoor: (options) => openSesDoor({ database, reports: recorder.recordReport, ring, log, ...options }),
    person: (email) => personOf(home, email),
    housemate: ({ email }) => personOf(home, email),
    reviews: async () => (await listReviews(db, home, {})).items,
    personElsewhere: () => personOf(elsewhere),
    personAbroad: () => personOf(foreign),
    crowd: openCrowd(db, { home, elsewhere, ring }),
    until: async (condition) => {
      const deadline = Date.now() + 240_000;
      while (!(await condition())) {
        if (Date.now() > deadline) throw new Error('it never came about');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    closeListeners,
    close: async () => {
      await closeListeners();
      await readers.close();
      await recorder.close();
      await database.close();
      await line.cut();
      await scratch.close();
    },
  };
}
