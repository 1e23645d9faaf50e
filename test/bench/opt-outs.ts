/**
 * Opt-outs under full load: who was answered, and what arrived for them afterwards.
 *
 * One rule: a mail counts against Adieu when the sink read its final dot after the answer was read here, unless its state says that its
 * fate is unknown. What this version counts as overtaken it does not tell, so nothing is forgiven for that.
 *
 * @module
 */
import { Agent, request } from 'node:http';
import type { Ground } from './ground.ts';
import { median } from './lane.ts';
import { recipient } from './newsletter.ts';
import type { AdieuPipeline } from './pipelines.ts';
import type { Arrival } from './sink.ts';
import { monotonic } from './sink-line.ts';

/** An opt-out that was posted. Times are the monotonic clock's, in milliseconds. */
export interface OptOut {
  readonly address: string;
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly status: number;
}

/** What became of those who left. */
export interface OptOutFigures {
  readonly optOuts: number;
  /** Got no mail of the second execution. */
  readonly stopped: number;
  /** Got it before they were answered. */
  readonly before: number;
  /** Got it after the answer, and the ledger says that it is unknown. */
  readonly unknown: number;
  /** Got it after the answer. */
  readonly late: number;
  readonly answerMs: number;
  readonly slowestMs: number;
}

/** How many messages before their turn people leave: from those on the wire to those not claimed yet. */
const LEADS = [0, 8, 20, 60, 150, 400, 900];
/** Posts at once. */
const POSTERS = 8;

/**
 * Sends to everybody, lets every `every`-th person leave while it sends again, and looks at what arrived.
 * `people` is the number of recipients.
 */
export async function leaveUnderLoad(
  pipeline: AdieuPipeline,
  ground: Ground,
  { people, every }: { readonly people: number; readonly every: number },
): Promise<OptOutFigures> {
  const { sink } = ground;
  await sink.begin(1, 'header');
  await pipeline.deliver(people);
  const links = linksOf((await sink.summary()).kept);

  await sink.begin(people);
  const executionId = await pipeline.enqueue(people);
  let over = false;
  const finishing = pipeline.finished(executionId).finally(() => {
    over = true;
  });
  // Those who left make fewer mails, so the last turns may never be due.
  const isDue = async ({ due }: Turn) => over || (await sink.count()) >= due;
  const [optOuts, counts] = await Promise.all([
    postAll(pipeline.adieu.url, turns(people, every, links), isDue),
    finishing,
  ]);
  const { arrivals } = await sink.summary();
  if (counts.sent !== arrivals.length)
    throw new Error(`${arrivals.length} mails arrived, ${counts.sent} are called sent`);
  const { body } = await pipeline.adieu.call(
    'GET',
    `/v1/executions/${executionId}/messages?state=unknown&limit=1000`,
  );
  const unknown = new Set<string>(body.messages.map(({ address }: { address: string }) => address));
  return judge(optOuts, arrivals, unknown);
}

/** Holds what was answered against what arrived. Throws when an opt-out was not taken. */
export function judge(
  optOuts: readonly OptOut[],
  arrivals: readonly Arrival[],
  unknown: ReadonlySet<string>,
): OptOutFigures {
  const refused = optOuts.find(({ status }) => status !== 200);
  if (refused !== undefined) throw new Error(`an opt-out was answered ${refused.status}`);
  if (optOuts.length === 0) throw new Error('nobody left');
  const arrivedAt = new Map(arrivals.map(({ to, at }) => [to, at]));
  const verdicts = optOuts.map(({ address, answeredAt }) => {
    const at = arrivedAt.get(address);
    if (at === undefined) return 'stopped';
    if (at <= answeredAt) return 'before';
    return unknown.has(address) ? 'unknown' : 'late';
  });
  const count = (verdict: string): number => verdicts.filter((other) => other === verdict).length;
  const waits = optOuts.map(({ askedAt, answeredAt }) => answeredAt - askedAt);
  return {
    optOuts: optOuts.length,
    stopped: count('stopped'),
    before: count('before'),
    unknown: count('unknown'),
    late: count('late'),
    answerMs: median(waits),
    slowestMs: Math.max(...waits),
  };
}

interface Turn {
  readonly address: string;
  readonly link: URL;
  /** When so many mails have arrived. */
  readonly due: number;
}

/** Mails go out about in the order of people, so each leaves some messages before their own. */
function turns(people: number, every: number, links: ReadonlyMap<string, URL>): Turn[] {
  const chosen: Turn[] = [];
  for (let number = 0; number < people; number += every) {
    const { address } = recipient(number);
    const link = links.get(address);
    if (link === undefined) throw new Error(`no one-click link for ${address}`);
    const lead = LEADS[chosen.length % LEADS.length] ?? 0;
    chosen.push({ address, link, due: Math.max(1, number - lead) });
  }
  return chosen.sort((a, b) => a.due - b.due);
}

async function postAll(
  url: string,
  queue: Turn[],
  isDue: (turn: Turn) => Promise<boolean>,
): Promise<OptOut[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: POSTERS });
  const done: OptOut[] = [];
  async function poster(): Promise<void> {
    for (let turn = queue.shift(); turn !== undefined; turn = queue.shift()) {
      while (!(await isDue(turn))) await new Promise((resolve) => setTimeout(resolve, 10));
      done.push(await post(url, turn, agent));
    }
  }
  await Promise.all(Array.from({ length: POSTERS }, poster));
  agent.destroy();
  return done;
}

/** As a mailbox provider posts (RFC 8058), to where the host's DNS would lead. */
function post(url: string, { address, link }: Turn, agent: Agent): Promise<OptOut> {
  const askedAt = monotonic();
  const headers = { host: link.host, 'content-type': 'application/x-www-form-urlencoded' };
  return new Promise((resolve, reject) => {
    request(`${url}${link.pathname}${link.search}`, { method: 'POST', headers, agent }, (response) => {
      const status = response.statusCode ?? 0;
      response.resume().on('end', () => resolve({ address, askedAt, answeredAt: monotonic(), status }));
    })
      .on('error', reject)
      .end('List-Unsubscribe=One-Click');
  });
}

/** The header's one-click URL of each mail, by its recipient. */
export function linksOf(headers: readonly Buffer[]): Map<string, URL> {
  const links = new Map<string, URL>();
  for (const header of headers) {
    const text = header.toString('latin1').replace(/\r\n[ \t]+/g, ' ');
    const to = /^To: .*?([^<>\s]+@[^<>\s]+)/m.exec(text)?.[1];
    const link = /^List-Unsubscribe: .*?<(https:[^>]*)>/m.exec(text)?.[1];
    if (to !== undefined && link !== undefined) links.set(to, new URL(link.replaceAll(' ', '')));
  }
  return links;
}
