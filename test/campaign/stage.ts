/**
 * The stage: PostgreSQL, perhaps Redis, a relay, one API with inbound SMTP and two workers, each in processes of their own, and a
 * wire between every two of them.
 *
 * One rule: Adieu is the build, started as its users start it, and never told that it is being tested.
 *
 * @module
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { findFreePort } from '../../packages/store/src/embedded-cluster.ts';
import { redisProgram } from '../../packages/worker/src/testing/redis-server.ts';
import { type KillableCluster, startCluster } from './cluster.ts';
import type { Backend, Pair, Victim } from './fault.ts';
import { type Program, startProgram } from './program.ts';
import { type Sabotage, sabotageEnvironment } from './sabotage.ts';
import { openWire, type Wire } from './wire.ts';

/** Programs of it, all but PostgreSQL. */
export type Actor = Exclude<Victim, 'postgres'>;

/** Everything that runs. */
export interface Stage {
  readonly backend: Backend;
  readonly cluster: KillableCluster;
  /** Direct, past every wire. */
  readonly direct: pg.Pool;
  readonly programs: ReadonlyMap<Actor, Program>;
  readonly wires: ReadonlyMap<Pair, Wire>;
  readonly apiUrl: string;
  readonly key: string;
  readonly sinkPath: string;
  logPath(actor: Actor): string;
  /** What the relay waits before it answers DATA and content. */
  setRelayPause(milliseconds: number): Promise<void>;
  /** Stops everything; answers the folder of the logs where they are kept. */
  close(keep: boolean): Promise<string | null>;
}

/** How it is set. */
export interface StageOptions {
  readonly backend: Backend;
  readonly sabotage: Sabotage | null;
}

/** Connections of a worker to the relay. */
export const CONNECTIONS = 5;

const API_KEY = 'campaign-key-0123456789';
const ADIEU = fileURLToPath(new URL('../../packages/app/dist/main.js', import.meta.url));
const SINK = fileURLToPath(new URL('sink.ts', import.meta.url));

/** Sets it, and waits until everything works. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { backend, sabotage } = options;
  const folder = await mkdtemp(join(tmpdir(), 'adieu-campaign-'));
  for (const name of ['adieu', 'log']) await mkdir(join(folder, name));
  const logPath = (actor: Actor): string => join(folder, 'log', `${actor}.log`);
  const sinkPath = join(folder, 'mails.jsonl');
  const pausePath = join(folder, 'pause');
  const setRelayPause = (milliseconds: number): Promise<void> => writeFile(pausePath, String(milliseconds));
  await setRelayPause(0);
  const cluster = await startCluster(join(folder, 'cluster'));
  const [redisPort, relayPort] = [await findFreePort(), await findFreePort()];
  const http = {
    api: await findFreePort(),
    'worker-1': await findFreePort(),
    'worker-2': await findFreePort(),
  };
  const smtpPort = await findFreePort();
  const targets = {
    postgres: cluster.port,
    redis: redisPort,
    relay: relayPort,
    api: http.api,
    inbound: smtpPort,
  };
  const wires = new Map<Pair, Wire>();
  for (const pair of pairsOf(backend)) {
    wires.set(pair, await openWire(targets[pair.split('/')[1] as keyof typeof targets]));
  }
  const portOf = (pair: Pair): number => wires.get(pair)?.port ?? 0;

  const programs = new Map<Actor, Program>();
  const start = async (name: Actor, command: string, args: readonly string[], how: How): Promise<void> => {
    const program = startProgram({ name, command, args, logPath: logPath(name), ...how });
    programs.set(name, program);
    await program.ready();
  };
  const path = { PATH: process.env.PATH ?? '' };

  await start('relay', process.execPath, ['--import', 'tsx', SINK, String(relayPort), sinkPath, pausePath], {
    env: path,
    isReady: () => listens(relayPort),
  });
  if (backend === 'redis') {
    if (redisProgram === null) throw new Error('this machine has no redis-server');
    const flags = ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
    await start('redis', redisProgram, flags, { env: path, isReady: () => listens(redisPort) });
  }
  // The API comes first: it makes the key ring that the workers share.
  for (const name of ['api', 'worker-1', 'worker-2'] as const) {
    const url = new URL(cluster.url);
    url.port = String(portOf(`${name}/postgres`));
    const relay = name === 'api' ? relayPort : portOf(`${name}/relay`);
    await start(
      name,
      process.execPath,
      [ADIEU, 'serve', '--roles', name === 'api' ? 'api,inbound' : 'worker'],
      {
        env: {
          ...path,
          ...sabotageEnvironment(sabotage),
          ADIEU_DATA_DIR: join(folder, 'adieu'),
          ADIEU_API_KEY: API_KEY,
          DATABASE_URL: url.href,
          ...(backend === 'redis' ? { QUEUE_URL: `redis://127.0.0.1:${portOf(`${name}/redis`)}` } : {}),
          RELAY_URL: `smtp://127.0.0.1:${relay}?maxConnections=${CONNECTIONS}`,
          HTTP_PORT: String(http[name]),
          SMTP_PORT: String(smtpPort),
          SMTP_MAX_PER_IP: '1000',
          LEASE_SECONDS: '3',
          RELAY_REPLY_SECONDS: '4',
          RETRY_FIRST_SECONDS: '1',
        },
        isReady: () => answers(`http://127.0.0.1:${http[name]}/readyz`),
      },
    );
  }
  const direct = new pg.Pool({ connectionString: cluster.url, max: 4, connectionTimeoutMillis: 2_000 });
  direct.on('error', () => undefined);

  return {
    backend,
    cluster,
    direct,
    programs,
    wires,
    apiUrl: `http://127.0.0.1:${http.api}`,
    key: API_KEY,
    sinkPath,
    logPath,
    setRelayPause,
    async close(keep) {
      await direct.end();
      const adieu = ['worker-1', 'worker-2', 'api'] as const;
      await Promise.all(adieu.map((name) => programs.get(name)?.stop()));
      await Promise.all([...programs.values()].map((program) => program.stop()));
      await cluster.stop();
      for (const wire of wires.values()) await wire.close();
      if (keep) return folder;
      await rm(folder, { recursive: true, force: true });
      return null;
    },
  };
}

interface How {
  readonly env: Readonly<Record<string, string>>;
  readonly isReady: () => Promise<boolean>;
}

function pairsOf(backend: Backend): readonly Pair[] {
  const programs = ['worker-1', 'worker-2', 'api'] as const;
  return [
    ...programs.map((name): Pair => `${name}/postgres`),
    ...(backend === 'redis' ? programs.map((name): Pair => `${name}/redis`) : []),
    'worker-1/relay',
    'worker-2/relay',
    'client/api',
    'client/inbound',
  ];
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
    (response) => response.ok,
    () => false,
  );
}
