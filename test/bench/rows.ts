/**
 * The rows of the bench: what is divided by what, and how it is measured.
 *
 * Rows that share a lane share its rounds. Rows of parts that are not built yet are not listed.
 *
 * @module
 */
import { openByMailLanes } from './by-mail.ts';
import { type Ground, hasRedis } from './ground.ts';
import { hasHaraka } from './haraka-server.ts';
import { type Lane, median, pipelineLane, type Round, race } from './lane.ts';
import { openOneClickLanes } from './one-click.ts';
import { leaveUnderLoad } from './opt-outs.ts';
import { startAdieu, startTwin } from './pipelines.ts';
import { measureSignatures } from './signatures.ts';
import { openVerifier } from './verification.ts';

/** A row of the table, and a line of the JSON. */
export interface Row {
  readonly id: string;
  /** Null when it could not be measured here; `figures.skipped` says why. */
  readonly ratio: number | null;
  readonly figures: Readonly<Record<string, number | string | null>>;
}

/** What a row is about, for people. */
export interface Heading {
  readonly id: RowId;
  readonly meaning: string;
  readonly goal: string;
}

/** How much is measured. */
export interface Extent {
  readonly rounds: number;
  /** Messages of a round, by lane. */
  readonly sizes: Readonly<Record<PipelineName, number>>;
  readonly signaturesMs: number;
  /** Opt-outs under load: people, and which part of them leaves. */
  readonly leaving: { readonly people: number; readonly every: number };
  /** One-click POSTs of a round. */
  readonly posts: number;
  /** Unsubscribe mails of a round. */
  readonly mails: number;
}

export type RowId = 'B1' | 'B1g' | 'B2' | 'B3' | 'B3r' | 'B7' | 'B7p' | 'B8' | 'B8o' | 'B10';
type PipelineName = 'naive' | 'sensible' | 'good' | 'adieu' | 'redis';
type LaneName =
  | PipelineName
  | 'signatures'
  | ('oneClick' | 'bare')
  | ('byMail' | 'byMailOnce' | 'haraka' | 'harakaOnce');

/** Every row there is, in the order of the table. */
export const HEADINGS: readonly Heading[] = [
  { id: 'B1', meaning: 'Adieu end to end / naive pipeline', goal: '≥ 50' },
  { id: 'B1g', meaning: 'Adieu end to end / good pipeline', goal: '≥ 10' },
  { id: 'B2', meaning: 'Adieu end to end / RSA-2048 signatures of all cores', goal: '≥ 0.5' },
  { id: 'B3', meaning: 'Adieu, queue on Redis / queue on PostgreSQL', goal: '≥ 0.9' },
  { id: 'B3r', meaning: 'Adieu, queue on PostgreSQL / queue on Redis', goal: '≥ 0.8' },
  { id: 'B7', meaning: 'one-click POST, committed before the 200 / bare Fastify', goal: '≥ 0.45' },
  { id: 'B7p', meaning: 'one-click POST: p99 / p50', goal: '≤ 20' },
  { id: 'B8', meaning: 'mailto unsubscribe, committed before the 250 / Haraka discarding', goal: '≥ 1.5' },
  { id: 'B8o', meaning: 'the same, one mail on each connection', goal: '≥ 1.5' },
  { id: 'B10', meaning: 'mails that arrived after their opt-out was answered', goal: '0' },
];

/** About ten seconds a round for each lane on two shared cores. */
export const USUAL: Extent = {
  rounds: 3,
  sizes: { naive: 80, sensible: 200, good: 500, adieu: 3_000, redis: 3_000 },
  signaturesMs: 2_000,
  leaving: { people: 4_000, every: 10 },
  posts: 6_000,
  mails: 4_000,
};

/** With `--full`: three times as long. */
export const FULL: Extent = {
  ...USUAL,
  rounds: 5,
  sizes: { naive: 160, sensible: 400, good: 1_000, adieu: 6_000, redis: 6_000 },
  leaving: { people: 10_000, every: 10 },
  posts: 10_000,
  mails: 8_000,
};

/** A row that divides one lane by another; `beside` is shown with them. */
interface Division {
  readonly id: RowId;
  readonly over: LaneName;
  readonly under: LaneName;
  readonly beside?: LaneName;
}

/** Rows that divide one lane by another, and lanes whose figures are shown with them. */
const RATIOS: readonly (Division & {
  readonly over: PipelineName;
  readonly under: PipelineName | 'signatures';
  readonly beside?: PipelineName;
})[] = [
  { id: 'B1', over: 'adieu', under: 'naive', beside: 'sensible' },
  { id: 'B1g', over: 'adieu', under: 'good' },
  { id: 'B2', over: 'adieu', under: 'signatures' },
  { id: 'B3', over: 'redis', under: 'adieu' },
  { id: 'B3r', over: 'adieu', under: 'redis' },
];

/** Measures rows. `say` gets a line whenever something is done. */
export async function measure(
  ids: readonly RowId[],
  extent: Extent,
  { ground, say }: { readonly ground: Ground; readonly say: (line: string) => void },
): Promise<Row[]> {
  const wanted = RATIOS.filter(({ id }) => ids.includes(id));
  const possible = wanted.filter(({ over, under }) => hasRedis || (over !== 'redis' && under !== 'redis'));
  const names = new Set(possible.flatMap(({ over, under, beside }) => [over, under, beside ?? over]));
  const rounds = await raceOf([...names], extent, { ground, say });
  const rows = wanted.map((row): Row => {
    if (!possible.includes(row)) return { id: row.id, ratio: null, figures: { skipped: 'no redis-server' } };
    return ratioRow(row, rounds);
  });
  if (ids.includes('B7') || ids.includes('B7p')) {
    const posted = await postingRows(extent, { ground, say });
    rows.push(...posted.filter(({ id }) => ids.some((wanted) => wanted === id)));
  }
  if (ids.includes('B8') || ids.includes('B8o')) {
    const mailed = await mailingRows(extent, { ground, say });
    rows.push(...mailed.filter(({ id }) => ids.some((wanted) => wanted === id)));
  }
  if (ids.includes('B10')) rows.push(await leavingRow(extent, { ground, say }));
  return rows;
}

async function raceOf(
  names: readonly (PipelineName | 'signatures')[],
  extent: Extent,
  { ground, say }: { readonly ground: Ground; readonly say: (line: string) => void },
): Promise<ReadonlyMap<string, readonly Round[]>> {
  const verifier = await openVerifier(ground.dns);
  const lanes: Lane[] = [];
  try {
    for (const name of names) {
      say(`${name} starts`);
      if (name === 'signatures') lanes.push(signaturesLane(extent.signaturesMs));
      else {
        const size = extent.sizes[name];
        lanes.push(pipelineLane(await startPipeline(name, size, ground), size, { ground, verifier }));
      }
    }
    return await race(lanes, extent.rounds, say);
  } finally {
    for (const lane of lanes) await lane.close();
  }
}

async function startPipeline(name: PipelineName, size: number, ground: Ground) {
  if (name === 'adieu') return startAdieu({ name, people: size }, ground);
  if (name === 'redis') return startAdieu({ name, people: size, queueUrl: await ground.redisUrl() }, ground);
  return startTwin(name, `./${name}.ts`, ground);
}

function signaturesLane(milliseconds: number): Lane {
  return {
    name: 'signatures',
    warmUp: () => measureSignatures(milliseconds / 4),
    round: async () => ({ ...(await measureSignatures(milliseconds)), cpuMs: null, octets: null }),
    close: async () => undefined,
  };
}

/** The middle of the ratios of rounds that ran after each other. */
function ratioRow({ id, over, under, beside }: Division, rounds: ReadonlyMap<string, readonly Round[]>): Row {
  const [above, below] = [rounds.get(over) ?? [], rounds.get(under) ?? []];
  const ratios = above.map(({ perSecond }, index) => perSecond / (below[index]?.perSecond ?? Number.NaN));
  const shown = [over, under, ...(beside === undefined ? [] : [beside])];
  return {
    id,
    ratio: rounded(median(ratios)),
    figures: Object.assign({}, ...shown.map((name) => figuresOf(name, rounds.get(name) ?? []))),
  };
}

function figuresOf(name: string, rounds: readonly Round[]): Record<string, number | null> {
  const middle = (pick: (round: Round) => number | null): number | null => {
    const values = rounds.map(pick).filter((value) => value !== null);
    return values.length === 0 ? null : rounded(median(values));
  };
  const figures = {
    [`${name}PerSecond`]: middle(({ perSecond }) => perSecond),
    [`${name}CpuMs`]: middle(({ cpuMs }) => cpuMs),
    [`${name}DatabaseCpuMs`]: middle(({ databaseCpuMs }) => databaseCpuMs ?? null),
    [`${name}Octets`]: middle(({ octets }) => octets),
    [`${name}P50Ms`]: middle(({ latencyMs }) => latencyMs?.p50 ?? null),
    [`${name}P99Ms`]: middle(({ latencyMs }) => latencyMs?.p99 ?? null),
  };
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== null));
}

async function postingRows(
  { posts: size, rounds: count }: Extent,
  { ground, say }: { readonly ground: Ground; readonly say: (line: string) => void },
): Promise<Row[]> {
  say('one-click: everybody gets a mail with a link');
  const lanes = await openOneClickLanes({ size, rounds: count }, ground);
  try {
    const rounds = await race(lanes, count, say);
    const spreads = (rounds.get('oneClick') ?? []).map(({ latencyMs }) =>
      latencyMs === undefined ? Number.NaN : latencyMs.p99 / latencyMs.p50,
    );
    return [
      ratioRow({ id: 'B7', over: 'oneClick', under: 'bare' }, rounds),
      { id: 'B7p', ratio: rounded(median(spreads)), figures: {} },
    ];
  } finally {
    for (const lane of lanes) await lane.close();
  }
}

async function mailingRows(
  { mails: size, rounds: count }: Extent,
  { ground, say }: { readonly ground: Ground; readonly say: (line: string) => void },
): Promise<Row[]> {
  if (process.platform !== 'linux') {
    const skipped = 'senders need addresses of their own, which loopback has on Linux';
    return (['B8', 'B8o'] as const).map((id) => ({ id, ratio: null, figures: { skipped } }));
  }
  say('by mail: everybody gets a mail with an address');
  const lanes = await openByMailLanes({ size, rounds: count, haraka: hasHaraka }, ground);
  try {
    const rounds = await race(lanes, count, say);
    const rows = [
      ratioRow({ id: 'B8', over: 'byMail', under: 'haraka' }, rounds),
      ratioRow({ id: 'B8o', over: 'byMailOnce', under: 'harakaOnce' }, rounds),
    ];
    if (hasHaraka) return rows;
    const skipped = 'no Haraka to divide by: npm ci --prefix test/bench/haraka';
    return rows.map(({ id, figures }) => ({ id, ratio: null, figures: { skipped, ...figures } }));
  } finally {
    for (const lane of lanes) await lane.close();
  }
}

async function leavingRow(
  { leaving }: Extent,
  { ground, say }: { readonly ground: Ground; readonly say: (line: string) => void },
): Promise<Row> {
  say('opt-outs under load');
  const pipeline = await startAdieu({ name: 'leaving', people: leaving.people }, ground);
  try {
    const { late, ...figures } = await leaveUnderLoad(pipeline, ground, leaving);
    const entries = Object.entries(figures).map(([name, value]) => [name, rounded(value)]);
    return { id: 'B10', ratio: late, figures: Object.fromEntries(entries) };
  } finally {
    await pipeline.close();
  }
}

/** Three digits say all that such a machine can tell. */
function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
