/**
 * The roles of a process: api, worker, inbound. One process can have all of them, or several share the work.
 *
 * One rule: mail leaves only with a way out that is really open, so a worker offers a mailto only where an inbound
 * listener runs beside it or somebody configured one.
 *
 * @module
 */

import { randomBytes, X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
import { type Api, startApi, startHealth } from '@adieu/api';
import { Failure, isFailure, type Log } from '@adieu/core';
import { type Inbound, openSesDoor, startInbound } from '@adieu/inbound';
import { compileTemplate } from '@adieu/mail';
import { checkDatabase, type OptOutRecorder, openOptOutRecorder } from '@adieu/store';
import { type Queue, shortened, startQueue, startWorker, type Worker } from '@adieu/worker';
import { type Config, publicName, type Variable } from './config.ts';
import { measureProcess } from './gauges.ts';
import type { Heartbeat } from './heartbeat.ts';
import { type Metrics, openMetrics } from './registry.ts';
import type { Role } from './role.ts';
import type { Stage } from './shutdown.ts';
import { openStsJudge } from './sts-mode.ts';
import type { Foundation } from './wiring.ts';

/** What the roles are started with. */
export interface RoleOptions {
  readonly config: Config;
  readonly roles: readonly Role[];
  /** Asked once the doors are open, before the worker starts: the demo's relay shows pages of theirs. */
  readonly relayUrl: (doors: Doors) => Promise<string>;
  readonly heartbeat: Pick<Heartbeat, 'sending' | 'sound'>;
  readonly log: Log;
}

/** Where a process can be reached. */
export interface Doors {
  /** Of the API; null without that role. */
  readonly url: string | null;
  /** Of the inbound listener; null without it. */
  readonly smtpPort: number | null;
}

/** Roles that run. */
export interface RunningRoles extends Doors {
  /** Where health and metrics are answered, whatever the roles. */
  readonly watchUrl: string;
  /** How they end, in order. */
  readonly stages: readonly Stage[];
}

/** Starts the roles, doors first: no mail leaves before its way out is open. What started is closed when another fails. */
export async function startRoles(foundation: Foundation, options: RoleOptions): Promise<RunningRoles> {
  const { config, roles, heartbeat, log } = options;
  const metrics = openMetrics();
  const { meter } = metrics;
  const { tls } = config.inbound;
  const certificateUntil =
    tls === null || !roles.includes('inbound') ? null : new Date(new X509Certificate(tls.cert).validTo);
  measureProcess(meter, { database: foundation.database, heartbeat, certificateUntil });
  const running: Parts = { metrics, recorder: openOptOutRecorder(foundation.database, { log, meter }) };
  const doors = (): Doors => ({ url: running.api?.url ?? null, smtpPort: running.inbound?.port ?? null });
  try {
    if (roles.includes('inbound') && config.inbound.port !== null) {
      running.inbound = await listening(['SMTP_PORT'], [config.inbound.port], () =>
        startInbound(inboundOptions(foundation, running, options)),
      );
    }
    if (roles.includes('api')) {
      running.queue = await startQueue({
        databaseUrl: foundation.database.url,
        queueUrl: foundation.queueUrl,
        log,
      });
      running.api = await listening(['HTTP_PORT'], [config.http.port], () =>
        startApi(apiOptions(foundation, running, options)),
      );
    } else {
      // Whoever watches this process asks the same questions on the same port.
      running.health = await listening(['HTTP_PORT'], [config.http.port], () =>
        startHealth({ ...config.http, ...watched(foundation, running, options) }),
      );
    }
    if (roles.includes('worker')) {
      const relayUrl = await options.relayUrl(doors());
      running.worker = await startWorker({ ...workerOptions(foundation, running, options), relayUrl });
    }
  } catch (error) {
    for (const stage of stagesOf(running)) await stage.close().catch(() => undefined);
    throw error;
  }
  const watchUrl = (running.api ?? running.health)?.url ?? '';
  return { ...doors(), watchUrl, stages: stagesOf(running) };
}

/** Runs what listens, and names the variable when its port is taken; of several ports, the one that the error names. */
export async function listening<T>(
  variables: readonly Variable[],
  ports: readonly number[],
  start: () => Promise<T>,
): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const refused = refusedPort(error);
    if (refused === null) throw error;
    const at = Math.max(0, ports.indexOf(refused.port ?? -1));
    const [variable, port] = [variables[at] ?? 'HTTP_PORT', ports[at] ?? 0];
    const [code, detail] =
      refused.code === 'EADDRINUSE'
        ? ([
            'port_in_use',
            `Port ${port} is in use by another program. Stop it, or set ${variable} to a free port.`,
          ] as const)
        : ([
            'port_not_allowed',
            `Port ${port} may not be opened by this user. Set ${variable} to 1024 or more.`,
          ] as const);
    throw new Failure(code, detail, { field: variable, cause: error });
  }
}

interface Parts {
  readonly metrics: Metrics;
  readonly recorder: OptOutRecorder;
  inbound?: Inbound;
  worker?: Worker;
  queue?: Queue;
  api?: Api;
  health?: Api;
}

/** No new work, and what is in flight is finished; then what that needed. */
function stagesOf(parts: Parts): readonly Stage[] {
  const close = async () => {
    const { api, health, inbound, worker } = parts;
    // At once: the worker stops claiming while the doors wait for answers that are on their way.
    await Promise.all([api?.close(), inbound?.close(), worker?.close()]);
    await health?.close();
  };
  return [
    { name: 'doors and worker', patience: 25_000, close },
    { name: 'recorder', patience: 1_000, close: () => parts.recorder.close() },
    { name: 'queue', patience: 1_000, close: async () => parts.queue?.close() },
  ];
}

function inboundOptions(foundation: Foundation, parts: Parts, { config, log }: RoleOptions) {
  const { host, port, tls, deadlineSeconds, maxPerIp, maxSize, proxies, separators, canarySeconds } =
    config.inbound;
  return {
    database: foundation.database,
    recorder: parts.recorder.record,
    reports: parts.recorder.recordReport,
    rehearse: parts.recorder.rehearse,
    ring: foundation.ring.value,
    host,
    port: port ?? 0,
    ...(tls === null ? {} : { tls }),
    deadlineSeconds,
    maxPerIp,
    maxSize,
    proxies,
    separators,
    canarySeconds,
    log,
    meter: parts.metrics.meter,
    name: publicName(config) ?? hostname(),
  };
}

function workerOptions(foundation: Foundation, parts: Parts, { config, roles, heartbeat, log }: RoleOptions) {
  const inbound = takesMail(config, roles);
  if (!inbound) log.info({}, 'no inbound listener is configured here: mails carry no mailto');
  return {
    database: foundation.database,
    queueUrl: foundation.queueUrl,
    ring: foundation.ring.value,
    // Readable in the database, and never twice the same: a lease belongs to one life of one process.
    owner: `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`,
    leaseSeconds: config.leaseSeconds,
    retentionDays: config.retentionDays,
    ...(config.retryFirstSeconds === null ? {} : { retryFirstSeconds: config.retryFirstSeconds }),
    smtpTimeouts: shortened(config.relayReplySeconds * 1000),
    inbound,
    sound: heartbeat.sound,
    log,
    meter: parts.metrics.meter,
  };
}

function apiOptions(foundation: Foundation, parts: Parts, options: RoleOptions) {
  const { config, log } = options;
  const inboundHost = publicName(config);
  const mailComesIn = takesMail(config, options.roles);
  const judge = openStsJudge(config.inbound.tls?.cert ?? null);
  return {
    database: foundation.database,
    recorder: parts.recorder.record,
    recordAct: parts.recorder.recordAct,
    ring: foundation.ring.value,
    wake: async (job: Parameters<Queue['wake']>[0]) => parts.queue?.wake(job),
    compile: compileTemplate,
    takeSes: openSesDoor({
      database: foundation.database,
      reports: parts.recorder.recordReport,
      ring: foundation.ring.value,
      topics: config.sesTopics,
      log,
    }),
    host: config.http.host,
    port: config.http.port,
    trustProxy: config.trustProxy,
    log,
    ...watched(foundation, parts, options),
    meter: parts.metrics.meter,
    takesMail: mailComesIn,
    inboundHost,
    ...(mailComesIn ? { stsMode: (exchanger: string, now: Date) => judge(exchanger, now).mode } : {}),
  };
}

/** What whoever watches this process may ask. */
function watched(foundation: Foundation, parts: Parts, options: RoleOptions) {
  return {
    readiness: () => readiness(foundation, parts, options),
    facts: () => (parts.inbound === undefined ? {} : { inbound: parts.inbound.last() }),
    exposition: parts.metrics,
  };
}

/**
 * Of each role of this process: null when it can work, else why not. One that is ill says nothing of the others; who has no
 * port to listen on has no role `inbound`.
 */
async function readiness(
  { database }: Foundation,
  parts: Parts,
  { config, roles }: RoleOptions,
): Promise<ReadonlyMap<Role, string | null>> {
  const away = await checkDatabase(database.db).then(
    () => null,
    (error: unknown) => (isFailure(error) ? error.detail : 'A part of this process is not ready.'),
  );
  const present = roles.filter((role) => role !== 'inbound' || config.inbound.port !== null);
  return new Map(present.map((role) => [role, away ?? illnessOf(role, parts)]));
}

function illnessOf(role: Role, { worker, inbound }: Parts): string | null {
  if (role === 'inbound') return inbound?.ready() ?? null;
  if (role === 'api') return null;
  return worker === undefined ? 'The worker is starting.' : worker.ready();
}

/** Whether somebody listens at the inbound addresses: this process, or another as the configuration says. */
function takesMail({ inbound }: Config, roles: RoleOptions['roles']): boolean {
  return inbound.port !== null && (roles.includes('inbound') || inbound.said);
}

/** What Node says when it cannot listen, however deep in the causes. */
function refusedPort(error: unknown): { readonly code: string; readonly port: number | undefined } | null {
  if (typeof error !== 'object' || error === null) return null;
  const { code, port, cause } = error as NodeJS.ErrnoException & { readonly port?: number };
  if (code === 'EADDRINUSE' || code === 'EACCES') return { code, port };
  return refusedPort(cause);
}
