/**
 * Haraka as row B8 runs it: a process that takes mail for one domain and discards it.
 *
 * It is no dependency of the workspace: `haraka/README.md` says how to install it. Its own configuration stands as shipped, but that nothing
 * is logged and that DNS is not asked.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, until } from '../running-adieu.ts';

const HOME = fileURLToPath(new URL('./haraka/', import.meta.url));
const PROGRAM = join(HOME, 'node_modules', 'Haraka');

/** Whether it is installed. */
export const hasHaraka = existsSync(join(PROGRAM, 'haraka.js'));

/** A running Haraka. */
export interface Haraka {
  readonly port: number;
  readonly pid: number;
  close(): Promise<void>;
}

/** Starts it on a free port of loopback; resolves when it greets. */
export async function startHaraka(): Promise<Haraka> {
  const folder = await mkdtemp(join(tmpdir(), 'adieu-bench-haraka-'));
  const port = await freePort();
  for (const part of ['config', 'plugins'])
    await cp(join(HOME, part), join(folder, part), { recursive: true });
  await cp(join(PROGRAM, 'config', 'connection.ini'), join(folder, 'config', 'connection.ini'));
  await writeFile(join(folder, 'config', 'smtp.ini'), `listen=127.0.0.1:${port}\nnodes=0\n`);
  const child = spawn(process.execPath, [join(PROGRAM, 'haraka.js')], {
    env: { PATH: process.env.PATH ?? '', HARAKA: folder, YES_REALLY_DO_DISCARD: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const leaveNothing = () => child.kill('SIGKILL');
  process.once('exit', leaveNothing);

  async function close(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    process.off('exit', leaveNothing);
    await rm(folder, { recursive: true, force: true });
  }
  try {
    await until(() => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      return greets(port);
    });
  } catch (error) {
    await close();
    throw new Error(`Haraka did not start: ${error}\n${said.slice(-2000)}`);
  }
  return { port, pid: child.pid ?? 0, close };
}

/** Whether it is Haraka that answers there. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(/^220 .*Haraka/.test(chunk.toString('latin1')));
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
