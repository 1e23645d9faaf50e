/**
 * Adieu as a user runs it: the built `adieu serve` in a process of its own, over a backend, on free ports.
 *
 * The rule: scenarios talk to it only as its users do, over HTTP and SMTP, or look at the database beside it.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Backend } from './backend.ts';

const MAIN = fileURLToPath(new URL('../packages/app/dist/main.js', import.meta.url));

/** What a scenario decides; the rest is as shipped. */
export interface RunOptions {
  readonly backend: Pick<Backend, 'env' | 'dataDir'>;
  readonly relayUrl: string;
  readonly roles?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of Node itself. */
  readonly nodeArguments?: readonly string[];
  /** Shares key ring and API key with another run. */
  readonly dataDir?: string;
}

/** An answer of the management API. */
export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at any field of any answer.
  readonly body: any;
}

/** One running process. */
export interface RunningAdieu {
  readonly url: string;
  readonly smtpPort: number;
  readonly dataDir: string;
  readonly pid: number;
  readonly key: string;
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  log(): string;
  /** Ends it as a crash would; answers when it is gone. */
  kill(): Promise<void>;
  /** Asks it to stop, and answers its exit code. */
  stop(): Promise<number | null>;
}

/** No name is known to it: whose mail it is, is asked of DNS, and nothing here leaves the machine. */
const NO_DNS = `data:text/javascript,${encodeURIComponent(`import { Resolver } from 'node:dns/promises';
Resolver.prototype.resolve = () => Promise.reject(Object.assign(new Error('unknown'), { code: 'ENOTFOUND' }));`)}`;
const API_KEY = 'test-key-of-a-scenario-0123456789';
const PATIENCE_MS = 240_000;

/** Starts it and answers once it is ready. A free port may be somebody else's by the time it is used: then others are taken. */
export async function runAdieu(options: RunOptions, attempts = 5): Promise<RunningAdieu> {
  const [httpPort = 0, smtpPort = 0] = await freePorts(2);
  const given = options.dataDir ?? options.backend.dataDir;
  const dataDir = given ?? (await mkdtemp(join(tmpdir(), 'adieu-run-')));
  const child = spawn(
    process.execPath,
    [
      '--import',
      NO_DNS,
      ...(options.nodeArguments ?? []),
      MAIN,
      'serve',
      ...(options.roles === undefined ? [] : ['--roles', options.roles]),
    ],
    {
      env: {
        PATH: process.env.PATH ?? '',
        ADIEU_DATA_DIR: dataDir,
        ADIEU_API_KEY: API_KEY,
        ...options.backend.env,
        RELAY_URL: options.relayUrl,
        HTTP_PORT: String(httpPort),
        SMTP_PORT: String(smtpPort),
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (log += chunk));
  const url = `http://127.0.0.1:${httpPort}`;
  const leaveNothing = () => child.kill('SIGKILL');
  process.once('exit', leaveNothing);
  child.once('exit', () => process.off('exit', leaveNothing));
  try {
    await until(() => isReady(child, url));
  } catch (error) {
    if (attempts > 1 && log.includes('is in use by another program')) return runAdieu(options, attempts - 1);
    throw new Error(`adieu serve did not become ready: ${error}\n${log}`);
  }

  return {
    url,
    smtpPort,
    dataDir,
    pid: child.pid ?? 0,
    key: API_KEY,
    log: () => log,
    call: (method, path, body) => call(url, method, path, body),
    async kill() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      if (given === null) await rm(dataDir, { recursive: true, force: true });
      return child.exitCode;
    },
  };
}

/** Waits for a condition; a deadline that long is reached only when something is wrong. */
export async function until<T>(
  condition: () => Promise<T | null | undefined | false>,
  complaint: () => string = () => 'the condition never came true',
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(complaint());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function isReady(child: ChildProcess, url: string): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`adieu serve ended with ${child.exitCode}`);
  return fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  );
}

async function call(url: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${API_KEY}`,
      ...(body === undefined
        ? {}
        : { 'content-type': typeof body === 'string' ? 'application/x-ndjson' : 'application/json' }),
    },
    ...(text === undefined ? {} : { body: text }),
  });
  const answer = await response.text();
  return { status: response.status, body: answer === '' ? null : JSON.parse(answer) };
}

/** A port of loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

/** Held together until all are known: one that was given back at once can be given out again. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  for (const server of servers) server.listen(0, '127.0.0.1');
  await Promise.all(servers.map((server) => server.listening || once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
