/**
 * Where the CPU time of a message goes, in one line.
 *
 * An Adieu of its own runs under V8's profiler; its samples are taken only while it delivers. They tell of the thread that runs
 * JavaScript; what the other threads of the process use is signing (and V8's helpers), and the database is asked of the system. Samples
 * are wall time: where that thread loses its core to one that it has just woken, as at a signature or a write, it is charged there.
 *
 * @module
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuOf, cpuOfMainThread } from './cpu.ts';
import type { Ground } from './ground.ts';
import { startAdieu } from './pipelines.ts';
import { monotonic } from './sink-line.ts';

/** V8's own format; times are microseconds of the monotonic clock. */
export interface CpuProfile {
  readonly startTime: number;
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** First match wins: functions that V8 makes up, then files. What has no file of its own belongs to its caller. */
const PARTS: readonly (readonly [string, RegExp])[] = [
  ['idle', /^\(idle\)/],
  ['GC', /^\(garbage collector\)/],
  ['in the kernel and in Node itself', /^\((?:program|root)\)/],
  ['hashing', /node:internal\/crypto\/hash/],
  ['handing over signatures', /packages\/mail\/dist\/signing|node:internal\/worker/],
  ['tokens', /node:internal\/crypto|packages\/core\/dist\/(?:url|mail)?(?:token|claims|packing|base32)/],
  ['socket writes', /node:internal\/stream_base_commons|packages\/worker\/dist\/(?:wire|stuffing)/],
  [
    'sockets',
    /node:(?:net|internal\/(?:streams|timers|process|async_hooks|js_stream))|node:(?:stream|events|timers)/,
  ],
  ['composing', /packages\/mail|packages\/core|handlebars/],
  ['PostgreSQL client', /packages\/store|node_modules\/(?:\.pnpm\/)?(?:pg|kysely|postgres)/],
  ['queue', /bullmq|ioredis/],
  ['worker', /packages\/worker/],
  ['API', /packages\/api|fastify|node:(?:_?http|internal\/http)/],
];
/** Their time is their caller's. */
const TRANSPARENT = /^(?!\().* (?:node:buffer|node:internal\/(?:buffer|util|validators|errors))?$/;

/** Each thread leaves a file of its own: `CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile`. */
const MAIN_THREAD = /\.0\.\d+\.cpuprofile$/;

const PEOPLE = 2_000;

/** Runs one delivery under the profiler; answers the line. */
export async function profileLine(ground: Ground, people = PEOPLE): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'adieu-bench-profile-'));
  const nodeArguments = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  try {
    const pipeline = await startAdieu({ name: 'profiled', people, nodeArguments }, ground);
    try {
      await ground.sink.begin(people);
      await pipeline.deliver(Math.ceil(people / 4));
    } catch (error) {
      await pipeline.close();
      throw error;
    }
    const cpu = () => ({
      process: cpuOf([pipeline.pid]) ?? 0,
      main: cpuOfMainThread(pipeline.pid) ?? 0,
      servers: cpuOf(ground.servers) ?? 0,
    });
    const before = cpu();
    const since = monotonic();
    await pipeline.deliver(people);
    const until = monotonic();
    const after = cpu();
    await pipeline.close();
    const file = (await readdir(folder)).find((name) => MAIN_THREAD.test(name)) ?? '';
    const profile = JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile;
    const parts = selfTime(profile, since * 1000, until * 1000);
    const used = {
      process: after.process - before.process,
      main: after.main - before.main,
      servers: after.servers - before.servers,
    };
    return line(parts, used, people);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Microseconds of self time by part, between two times. */
export function selfTime(profile: CpuProfile, from: number, to: number): Map<string, number> {
  const parents = new Map<number, number>();
  for (const { id, children } of profile.nodes) for (const child of children ?? []) parents.set(child, id);
  const frames = new Map(
    profile.nodes.map(({ id, callFrame }) => [id, `${callFrame.functionName} ${callFrame.url}`]),
  );
  const partOf = (id: number): string => {
    let at: number | undefined = id;
    while (at !== undefined && TRANSPARENT.test(frames.get(at) ?? '')) at = parents.get(at);
    const frame = at === undefined ? '' : (frames.get(at) ?? '');
    return PARTS.find(([, pattern]) => pattern.test(frame))?.[0] ?? 'other';
  };
  const known = new Map(profile.nodes.map(({ id }) => [id, partOf(id)]));
  const sums = new Map<string, number>();
  let time = profile.startTime;
  profile.samples.forEach((id, index) => {
    // A delta is the time since the sample before, which had that time to itself.
    time += profile.timeDeltas[index] ?? 0;
    const lasted = profile.timeDeltas[index + 1] ?? 0;
    if (time < from || time > to) return;
    const part = known.get(id) ?? 'other';
    sums.set(part, (sums.get(part) ?? 0) + lasted);
  });
  return sums;
}

function line(
  parts: ReadonlyMap<string, number>,
  used: { readonly process: number; readonly main: number; readonly servers: number },
  messages: number,
): string {
  const idle = parts.get('idle') ?? 0;
  const active = [...parts].filter(([part]) => part !== 'idle');
  const sum = active.reduce((total, [, microseconds]) => total + microseconds, 0);
  const total = used.process + used.servers;
  const shares: [string, number][] = [
    ['threads (signing, V8 helpers)', used.process - used.main],
    ['PostgreSQL server', used.servers],
    // Samples are wall time; what the thread really used is divided by them.
    ...active.map(([part, microseconds]): [string, number] => [part, (microseconds / sum) * used.main]),
  ];
  const said = shares
    .filter(([, milliseconds]) => milliseconds >= total / 200)
    .sort(([, a], [, b]) => b - a)
    .map(([part, milliseconds]) => `${part} ${Math.round((milliseconds / total) * 100)} %`);
  const waiting = Math.round((idle / (idle + sum)) * 100);
  return (
    `profile: ${(total / messages).toFixed(2)} ms CPU a message: ${said.join(', ')}; ` +
    `the JavaScript thread waits ${waiting} % of the time`
  );
}
