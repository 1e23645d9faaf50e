/**
 * A scene for tests: a database, a brand with its keys and templates, scripted relays, workers.
 *
 * The rule: everything is real but the relay. Whatever is opened here is closed by {@link Scene.close}, in reverse.
 *
 * @module
 */
import { randomBytes, randomUUID } from 'node:crypto';
import {
  type ChannelConfigurationRequest,
  completeChannelConfiguration,
  type DkimKey,
  generateDkimKeys,
  generateKeyRing,
  type KeyRing,
  type OptOut,
  parseKeyRing,
  SILENT,
} from '@adieu/core';
import {
  createExecution,
  type Database,
  type Db,
  type ExecutionCounts,
  type ExecutionRequest,
  ensureSandbox,
  executionCounts,
  importProfiles,
  openDatabase,
  putChannelConfiguration,
  putSubdomain,
  putTemplate,
  type Scope,
} from '@adieu/store';
import { openScratchDatabase } from '@adieu/store/testing';
import { startQueue } from '../queue.ts';
import { startWorker, type Worker, type WorkerOptions } from '../worker.ts';
import { type RelayScript, type ScriptedRelay, startScriptedRelay } from './scripted-relay.ts';

/** A brand ready to send. */
export interface Scene {
  readonly database: Database;
  readonly db: Db;
  readonly scope: Scope;
  readonly ring: KeyRing;
  /** Closes with the scene, before whatever was opened earlier. */
  later(close: () => unknown): void;
  relay(script?: RelayScript): Promise<ScriptedRelay>;
  /** Starts a worker with a pool of its own, and short patience. */
  worker(relayUrl: string, options?: Partial<WorkerOptions>): Promise<Worker>;
  /** Imports profiles `p0…` with addresses `p0@example.com…`. */
  people(count: number, more?: object): Promise<void>;
  /** Enqueues, by default to everybody as marketing, and wakes the workers. */
  enqueue(differing?: Partial<ExecutionRequest>): Promise<number>;
  counts(executionId: number): Promise<ExecutionCounts>;
  /** Waits until an execution is finished, and answers its counts. */
  finished(executionId: number): Promise<ExecutionCounts>;
  configure(name: string, differing: Partial<ChannelConfigurationRequest>): Promise<void>;
  /** An opt-out of `p<number>` from the whole channel. */
  optOut(number: number): OptOut;
  close(): Promise<void>;
}

const HTML = `<html><body><p>Hello {{profile.name}}</p><p>.</p>
<a href="https://brand.example/offer">offer</a> <a href="#" data-link-type="unsubscribe">leave</a></body></html>`;
const PATIENCE_MS = 240_000;

let dkimKeys: DkimKey[] | null = null;

/** Waits for a condition. Fails before the test's own time is up. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Sets a scene. */
export async function openScene(): Promise<Scene> {
  const closing: (() => unknown)[] = [];
  const scratch = await openScratchDatabase();
  const { database, db, url } = scratch;
  closing.push(scratch.close);
  const ring = parseKeyRing(generateKeyRing());
  const scope = await ensureSandbox(db, `org-${randomBytes(4).toString('hex')}`, 'prod');
  dkimKeys ??= generateDkimKeys('s1');
  await putSubdomain(db, scope, {
    domain: 'news.example.com',
    linkBaseUrl: 'https://news.example.com',
    relay: 'plain',
    keys: dkimKeys,
    ring,
  });
  await putTemplate(db, scope, { id: 'spring', subject: 'Spring for {{profile.name}}', html: HTML });
  await configure('newsletter', {});
  await configure('receipt', { emailType: 'transactional' });
  const queue = await startQueue({ databaseUrl: url });
  closing.push(queue.close);

  async function configure(name: string, differing: Partial<ChannelConfigurationRequest>): Promise<void> {
    const configuration = completeChannelConfiguration(name, {
      subdomain: 'news.example.com',
      emailType: 'marketing',
      from: { name: 'Brand', email: 'hello@news.example.com' },
      ...differing,
    });
    await putChannelConfiguration(db, scope, configuration);
  }

  async function counts(executionId: number): Promise<ExecutionCounts> {
    const found = await executionCounts(db, scope, executionId);
    if (found === null) throw new Error('no such execution');
    return found;
  }

  return {
    database,
    db,
    scope,
    ring,
    configure,
    counts,
    later: (close) => void closing.push(close),
    async relay(script) {
      const relay = await startScriptedRelay(script);
      closing.push(relay.close);
      return relay;
    },
    async worker(relayUrl, options = {}) {
      const own = openDatabase({ url });
      closing.push(own.close);
      const defaults = {
        database: own,
        ring,
        relayUrl,
        leaseSeconds: 20,
        inbound: false,
        log: SILENT,
        sweepSeconds: 0.2,
      };
      const worker = await startWorker({ ...defaults, ...options });
      closing.push(worker.close);
      return worker;
    },
    async people(count, more = {}) {
      for (let from = 0; from < count; from += 500) {
        const records = Array.from({ length: Math.min(500, count - from) }, (_, index) => ({
          line: index + 1,
          identities: { CRMID: `p${from + index}`, Email: `p${from + index}@example.com` },
          attributes: { name: `Person ${from + index}` },
          ...more,
        }));
        await importProfiles(db, scope, records);
      }
    },
    async enqueue(differing = {}) {
      const { executionId } = await createExecution(db, scope, {
        requestId: randomUUID(),
        channelConfiguration: 'newsletter',
        template: 'spring',
        ...(differing.recipients === undefined ? { audience: { all: true } } : {}),
        ...differing,
      });
      await queue.wake({ kind: 'expand', executionId });
      return executionId;
    },
    async finished(executionId) {
      await until(async () => (await counts(executionId)).state === 'finished');
      return counts(executionId);
    },
    optOut: (number) => ({
      organisation: scope.organisation,
      sandbox: scope.sandbox,
      who: {
        by: 'identity',
        namespace: 'CRMID',
        id: `p${number}`,
        addressNamespace: 'Email',
        address: `p${number}@example.com`,
      },
      scope: 'channel',
      source: 'header_post',
      fingerprint: '0123456789abcdef',
      at: new Date(),
    }),
    async close() {
      for (const close of closing.splice(0).reverse()) await close();
    },
  };
}
