/**
 * A program under supervision: started, killed by force, started again at the same place, as a service manager does.
 *
 * One rule: a program that ends without having been told to is started again, and how often that happened is known.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

/** How to run it. */
export interface ProgramOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Everything it says, over all of its lives. */
  readonly logPath: string;
  /** Answers true when it works. */
  readonly isReady: () => Promise<boolean>;
}

/** A supervised program. */
export interface Program {
  readonly name: string;
  /** It was started and has not ended since. */
  alive(): boolean;
  /** kill -9, and a new start after that many milliseconds. Resolves when the process is gone. */
  kill(restartAfterMs: number): Promise<void>;
  /** Resolves when it works; it may have to be started first. */
  ready(): Promise<void>;
  /** SIGTERM, and no new start; the exit code, null when it had to be killed. */
  stop(): Promise<number | null>;
  /** Ends that nobody ordered. */
  surprises(): number;
}

const PATIENCE_MS = 120_000;
const POLL_MS = 50;
/** A program that cannot start yet, because its database is away, is tried again. */
const AGAIN_MS = 300;

/** Starts a program. */
export function startProgram(options: ProgramOptions): Program {
  let child: ChildProcess | null = null;
  let timer: NodeJS.Timeout | null = null;
  let wanted = true;
  let ordered = false;
  let surprises = 0;

  function start(): void {
    timer = null;
    if (!wanted) return;
    ordered = false;
    const log = openSync(options.logPath, 'a');
    const born = spawn(options.command, options.args, { env: options.env, stdio: ['ignore', log, log] });
    closeSync(log);
    child = born;
    born.once('exit', () => {
      if (child === born) child = null;
      if (ordered || !wanted) return;
      surprises++;
      timer = setTimeout(start, AGAIN_MS);
    });
  }

  const leave = (): void => {
    child?.kill('SIGKILL');
  };
  process.once('exit', leave);
  start();

  return {
    name: options.name,
    alive: () => child !== null,
    surprises: () => surprises,
    async kill(restartAfterMs) {
      const victim = child;
      if (victim === null) return;
      ordered = true;
      const gone = once(victim, 'exit');
      victim.kill('SIGKILL');
      await gone;
      if (wanted) timer = setTimeout(start, restartAfterMs);
    },
    async ready() {
      const deadline = Date.now() + PATIENCE_MS;
      while (child === null || !(await options.isReady())) {
        if (Date.now() > deadline) throw new Error(`${options.name} is not ready; see ${options.logPath}`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    async stop() {
      wanted = false;
      if (timer !== null) clearTimeout(timer);
      process.removeListener('exit', leave);
      const last = child;
      if (last === null) return null;
      const gone = once(last, 'exit');
      last.kill('SIGTERM');
      const patience = setTimeout(() => last.kill('SIGKILL'), 35_000);
      const [code] = await gone;
      clearTimeout(patience);
      return code as number | null;
    },
  };
}
