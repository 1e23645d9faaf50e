/**
 * Progress: a bar on a terminal, a line now and then everywhere else. On standard error, so that what a command
 * answers can be piped.
 *
 * @module
 */
import { Presets, SingleBar } from 'cli-progress';

/** A piece of work whose end is known. */
export interface Progress {
  /** `done` of `total`; both may change. */
  update(done: number, total: number): void;
  /** Leaves the last state on the screen. */
  stop(): void;
}

/** Lines for a stream that is no terminal come at most this often. */
const LINE_MILLISECONDS = 2_000;

/** Starts a piece of work. `quiet` shows nothing. */
export function startProgress(name: string, options: { readonly quiet?: boolean } = {}): Progress {
  if (options.quiet === true) return { update: () => undefined, stop: () => undefined };
  return process.stderr.isTTY ? bar(name) : lines(name);
}

function bar(name: string): Progress {
  const shown = new SingleBar(
    { format: `  ${name} {bar} {value}/{total}`, hideCursor: true, barsize: 32, stream: process.stderr },
    Presets.shades_classic,
  );
  let started = false;
  return {
    update(done, total) {
      // A bar of nothing would look full.
      if (total === 0) return;
      if (!started) shown.start(total, done);
      started = true;
      shown.setTotal(total);
      shown.update(done);
    },
    stop: () => shown.stop(),
  };
}

function lines(name: string): Progress {
  let last = '';
  let said = 0;
  let saidText = '';
  const say = () => {
    if (last === saidText) return;
    process.stderr.write(`${last}\n`);
    saidText = last;
    said = performance.now();
  };
  return {
    update(done, total) {
      if (total === 0) return;
      last = `${name} ${done}/${total}`;
      if (said === 0 || performance.now() - said >= LINE_MILLISECONDS) say();
    },
    stop: say,
  };
}
