/**
 * The bench runs: every row with a handful of messages. What it measures is nobody's business here; that it verifies what it counts is.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkReplies } from './bench/by-mail.ts';
import { type Ground, hasRedis, layGround } from './bench/ground.ts';
import { hasHaraka } from './bench/haraka-server.ts';
import { pipelineLane } from './bench/lane.ts';
import { checkAnswers } from './bench/one-click.ts';
import { judge } from './bench/opt-outs.ts';
import { startTwin } from './bench/pipelines.ts';
import { profileLine, selfTime } from './bench/profile.ts';
import { type Extent, HEADINGS, measure, type Row } from './bench/rows.ts';
import type { Summary } from './bench/sink.ts';
import { openVerifier, type Verifier } from './bench/verification.ts';

const TINY: Extent = {
  rounds: 1,
  sizes: { naive: 4, sensible: 8, good: 20, adieu: 30, redis: 30 },
  signaturesMs: 50,
  leaving: { people: 60, every: 3 },
  posts: 40,
  mails: 40,
};

const canDivideByHaraka = hasHaraka && process.platform === 'linux';

let ground: Ground;
let verifier: Verifier;
const silent = (): void => undefined;

beforeAll(async () => {
  ground = await layGround();
  verifier = await openVerifier(ground.dns);
});

afterAll(() => ground?.close());

test('every row of the table is measured, and says so in the form that is promised', async () => {
  const ids = HEADINGS.map(({ id }) => id);
  const rows = await measure(ids, TINY, { ground, say: silent });
  const lines = rows.map((row) => JSON.parse(JSON.stringify(row)) as Row);
  expect(lines.map(({ id }) => id)).toEqual([
    'B1',
    'B1g',
    'B2',
    'B3',
    'B3r',
    'B7',
    'B7p',
    'B8',
    'B8o',
    'B10',
  ]);
  for (const line of lines) {
    expect(Object.keys(line)).toEqual(['id', 'ratio', 'figures']);
    if (!hasRedis && line.id.startsWith('B3')) expect(line.figures).toEqual({ skipped: 'no redis-server' });
    else if (!canDivideByHaraka && line.id.startsWith('B8'))
      expect(line).toMatchObject({ ratio: null, figures: { skipped: expect.any(String) } });
    else expect(line.ratio).toEqual(expect.any(Number));
  }
  const figures = Object.fromEntries(lines.map((line) => [line.id, line.figures]));
  expect(figures.B1).toMatchObject({
    adieuPerSecond: expect.any(Number),
    naivePerSecond: expect.any(Number),
    sensiblePerSecond: expect.any(Number),
  });
  expect(figures.B7).toMatchObject({
    oneClickPerSecond: expect.any(Number),
    barePerSecond: expect.any(Number),
  });
  if (process.platform === 'linux') {
    expect(figures.B8).toMatchObject({ byMailPerSecond: expect.any(Number) });
    expect(figures.B8o).toMatchObject({ byMailOncePerSecond: expect.any(Number) });
  }
  expect(figures.B10).toMatchObject({ optOuts: 20, unknown: 0 });
  expect(lines.at(-1)?.ratio).toBe(0);
}, 600_000);

test('the profile says in one line where the time of a message went', async () => {
  expect(await profileLine(ground, 30)).toMatch(
    /^profile: [\d.]+ ms CPU a message: .*waits \d+ % of the time$/,
  );
});

test('a row that does not exist is refused, with the list of those that do', async () => {
  const main = fileURLToPath(new URL('./bench/main.ts', import.meta.url));
  const run = promisify(execFile)(process.execPath, ['--import', 'tsx', main, '--only', 'B1,B4']);
  await expect(run).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: 'There is no row B4. Rows: B1, B1g, B2, B3, B3r, B7, B7p, B8, B8o, B10\n',
  });
});

describe('what is not the newsletter does not count', () => {
  let honest: Summary;

  beforeAll(async () => {
    const twin = await startTwin('honest', './good.ts', ground);
    await ground.sink.begin(1);
    await twin.deliver(3);
    honest = await ground.sink.summary();
    await twin.close();
  });

  const mail = (): string => honest.kept[0]?.toString('latin1') ?? '';
  const complaints = (raw: string) => verifier.complaintsAbout(Buffer.from(raw, 'latin1'));

  test('as it was sent it is', async () => {
    expect(await (await openVerifier(ground.dns)).complaintsAbout(Buffer.from(mail(), 'latin1'))).toEqual([]);
  });

  test('a twin that does not sign is refused', async () => {
    const twin = await startTwin('unsigned', '../testing/unsigned.ts', ground);
    const lane = pipelineLane(twin, 2, { ground, verifier });
    await expect(lane.round()).rejects.toThrow(
      /^unsigned: a mail is not the newsletter: .*no valid RSA signature/,
    );
    await lane.close();
  });

  test('another word, another link, another person and a borrowed way out are told', async () => {
    expect(await complaints(mail().replace('two borders', 'ten borders'))).toEqual([
      expect.stringMatching(/^another HTML/),
      expect.stringMatching(/^a bad signature/),
      'no valid RSA signature',
    ]);
    expect(await complaints(mail().replace(/letters\/\d+\?from=3Dmail/, 'letters/99?from=3Dmail'))).toContain(
      'other links than the letter has',
    );
    expect(await complaints(mail().replace(/^To: .*$/m, 'To: p7@example.org'))).toContainEqual(
      expect.stringMatching(/^another HTML/),
    );
    expect(await complaints(mail())).toEqual(["somebody else's way out"]);
    expect(await complaints(mail().replace(/^List-Unsubscribe: (?:.*\r\n)(?:[ \t].*\r\n)*/m, ''))).toContain(
      'no way out',
    );
  });

  test('a mail too few, too many, or twice is told', async () => {
    const { arrivals } = honest;
    const check = (changed: Summary['arrivals'], count: number) =>
      verifier.check({ ...honest, arrivals: changed }, count);
    await expect(check(arrivals, 4)).rejects.toThrow('3 mails arrived instead of 4');
    const twice = arrivals.map((arrival) => ({ ...arrival, messageId: arrivals[0]?.messageId ?? '' }));
    await expect(check(twice, 3)).rejects.toThrow('3 mails have 1 Message-IDs');
    const onePerson = arrivals.map((arrival) => ({ ...arrival, to: 'p0@example.org' }));
    await expect(check(onePerson, 3)).rejects.toThrow('3 mails went to 1 people');
    await expect(verifier.check({ ...honest, kept: [] }, 3)).rejects.toThrow('no mail was kept');
  });
});

test('B10: a mail after the answer counts, unless nobody can know its fate', () => {
  const left = (address: string) => ({ address, askedAt: 0, answeredAt: 10, status: 200 });
  const arrived = (to: string, at: number) => ({ to, at, messageId: to });
  const optOuts = ['a', 'b', 'c', 'd'].map(left);
  const arrivals = [arrived('a', 9), arrived('b', 11), arrived('c', 12)];
  expect(judge(optOuts, arrivals, new Set(['c']))).toMatchObject({
    optOuts: 4,
    stopped: 1,
    before: 1,
    unknown: 1,
    late: 1,
  });
  expect(() => judge([{ ...left('a'), status: 503 }], [], new Set())).toThrow('answered 503');
  expect(() => judge([], [], new Set())).toThrow('nobody left');
});

test('B7: a POST that is not answered 200, or a 200 without its row, does not count', () => {
  const verdict = (statuses: Record<number, number>, rows: number | null) => () =>
    checkAnswers('x', { statuses }, { posts: 3, rows });
  expect(verdict({ 200: 3 }, 3)).not.toThrow();
  expect(verdict({ 200: 3 }, null)).not.toThrow();
  expect(verdict({ 200: 3 }, 2)).toThrow('x: the history has 2 rows more after 3 answers of 200');
  expect(verdict({ 200: 2, 503: 1 }, 3)).toThrow('x: 3 POSTs were answered {"200":2,"503":1}');
  expect(verdict({ 200: 2 }, 2)).toThrow('3 POSTs were answered');
});

test('B8: a mail that is not replied 250, or a 250 without its row, does not count', () => {
  const verdict = (codes: Record<string, number>, rows: number | null) => () =>
    checkReplies('x', { codes }, { mails: 3, rows });
  expect(verdict({ 250: 3 }, 3)).not.toThrow();
  expect(verdict({ 250: 3 }, null)).not.toThrow();
  expect(verdict({ 250: 3 }, 2)).toThrow('x: the history has 2 rows more after 3 replies of 250');
  expect(verdict({ 250: 2, 451: 1 }, 3)).toThrow('x: 3 mails were replied {"250":2,"451":1}');
  expect(verdict({ 250: 2 }, 2)).toThrow('3 mails were replied');
});

test('self time is counted between two moments, and native calls are their caller’s', () => {
  const node = (id: number, functionName: string, url: string, children: number[] = []) => ({
    id,
    callFrame: { functionName, url },
    children,
  });
  const nodes = [
    node(1, '(root)', '', [2, 4, 5]),
    node(2, 'update', 'node:internal/crypto/hash', [3]),
    node(3, 'update', ''),
    node(4, '(idle)', ''),
    node(5, 'fill', 'file:///x/packages/mail/dist/body.js'),
  ];
  const profile = { startTime: 100, nodes, samples: [5, 3, 4, 5, 5], timeDeltas: [0, 10, 20, 30, 40] };
  expect(selfTime(profile, 105, 165)).toEqual(
    new Map([
      ['hashing', 20],
      ['idle', 30],
      ['composing', 40],
    ]),
  );
});
