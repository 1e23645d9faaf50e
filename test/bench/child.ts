/**
 * A program of the bench in a process of its own, talked to over its channel: one question, one reply.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A running program. */
export interface Child {
  readonly pid: number;
  /** What it said first, when it was ready. */
  readonly hello: Readonly<Record<string, unknown>>;
  /** Asks, one question at a time; rejects when the program ends instead. */
  ask(question: object): Promise<unknown>;
  close(): Promise<void>;
}

/** Starts a TypeScript program beside this file. */
export async function startChild(program: string, args: readonly string[] = []): Promise<Child> {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), args, {
    cwd: ROOT,
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const hello = (await next(child, program)) as Record<string, unknown>;
  let last: Promise<unknown> = Promise.resolve();
  return {
    pid: child.pid ?? 0,
    hello,
    ask(question) {
      last = last
        .catch(() => undefined)
        .then(async () => {
          const answer = next(child, program);
          child.send(question);
          const said = (await answer) as { readonly reply?: unknown; readonly error?: string };
          if (said.error !== undefined) throw new Error(`${program}: ${said.error}`);
          return said.reply;
        });
      return last;
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

function next(child: ChildProcess, program: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => {
      child.off('message', said);
      reject(new Error(`${program} ended with ${code}`));
    };
    const said = (message: unknown): void => {
      child.off('exit', ended);
      resolve(message);
    };
    child.once('message', said);
    child.once('exit', ended);
  });
}
