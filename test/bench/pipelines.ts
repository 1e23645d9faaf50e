/**
 * Those who deliver: the twins, and Adieu as its users run it.
 *
 * Adieu is the built `adieu serve` with every role in one process, its configuration as shipped. It does more than the twins for a
 * message: ledger, consent gate, an intent that an opt-out can stop, a return path of its own, a second signature (Ed25519), oversigning.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { type RunningAdieu, runAdieu, until } from '../running-adieu.ts';
import { startChild } from './child.ts';
import type { Ground } from './ground.ts';
import type { Pipeline } from './lane.ts';
import { DOMAIN, FROM, MJML, REPLY_TO, recipients, SUBJECT, TEXT } from './newsletter.ts';
import type { TwinSetup } from './twins/twin.ts';

/** Starts a twin by the path of its module, seen from `twins/`. */
export async function startTwin(name: string, module: string, ground: Ground): Promise<Pipeline> {
  const { host, port } = ground.sink;
  const setup: TwinSetup = {
    relay: { host, port },
    dkim: ground.dkim,
    queueUrl: await ground.createDatabase(`twin_${name}`),
  };
  const child = await startChild('./twins/process.ts', [module, JSON.stringify(setup)]);
  return {
    name,
    pid: child.pid,
    deliver: async (count) => void (await child.ask({ from: 0, count })),
    close: child.close,
  };
}

/** How an Adieu is started. */
export interface AdieuOptions {
  readonly name: string;
  /** Profiles in its database; a delivery to as many is one to its whole audience. */
  readonly people: number;
  /** Default: PostgreSQL. */
  readonly queueUrl?: string;
  /** More of its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of Node itself. */
  readonly nodeArguments?: readonly string[];
}

/** Adieu with the newsletter stored and its people imported. */
export interface AdieuPipeline extends Pipeline {
  readonly adieu: RunningAdieu;
  /** What another process is told to find the same database. */
  readonly env: Readonly<Record<string, string>>;
  /** Enqueues to the first `count` people; answers the execution's id. */
  enqueue(count: number): Promise<number>;
  /** Resolves with the execution's counts when it is finished. */
  finished(executionId: number): Promise<Readonly<Record<string, number>>>;
}

/** As many profiles are sent in one request. */
const IMPORT = 5_000;
/** How long an execution may take. */
const PATIENCE_MS = 600_000;

/** Starts an Adieu over a database of its own. */
export async function startAdieu(options: AdieuOptions, ground: Ground): Promise<AdieuPipeline> {
  const { name, people, queueUrl, nodeArguments } = options;
  const env = {
    DATABASE_URL: await ground.createDatabase(`lane_${name}`),
    ...(queueUrl === undefined ? {} : { QUEUE_URL: queueUrl }),
    ...options.env,
  };
  const adieu = await runAdieu({
    backend: { env, dataDir: null },
    relayUrl: ground.sink.url,
    ...(nodeArguments === undefined ? {} : { nodeArguments }),
  });
  await createBrand(adieu, name, ground);
  await importPeople(adieu, people);

  async function enqueue(count: number): Promise<number> {
    const chosen = recipients(0, count).map(({ id, address }) => ({ namespace: 'CRMID', id, address }));
    const body = await demand(adieu, 'POST', '/v1/executions', {
      requestId: randomUUID(),
      channelConfiguration: 'newsletter',
      template: 'letter',
      campaignId: 'letter-12',
      ...(count === people ? { audience: { all: true } } : { recipients: chosen }),
    });
    return body.executionId;
  }

  async function finished(executionId: number): Promise<Readonly<Record<string, number>>> {
    return until(
      async () => {
        const body = await demand(adieu, 'GET', `/v1/executions/${executionId}`);
        return body.state === 'finished' && body.counts;
      },
      () => `${name}: the execution never finished\n${adieu.log().slice(-2000)}`,
      PATIENCE_MS,
    );
  }

  return {
    name,
    pid: adieu.pid,
    adieu,
    env,
    enqueue,
    finished,
    async deliver(count) {
      const counts = await finished(await enqueue(count));
      if (counts.sent !== count)
        throw new Error(`${name}: ${JSON.stringify(counts)} instead of ${count} sent`);
    },
    close: async () => void (await adieu.stop()),
  };
}

/** The RSA key is everybody's; the Ed25519 key is generated, so the selector is its own. */
async function createBrand(adieu: RunningAdieu, selector: string, { dkim, dns }: Ground): Promise<void> {
  const { dns: records } = await demand(adieu, 'PUT', `/v1/subdomains/${DOMAIN}`, {
    linkBaseUrl: `https://${DOMAIN}`,
    dkim: { ...dkim, selector },
  });
  for (const { type, name, value } of records) if (type === 'TXT') dns.set(name, value);
  await demand(adieu, 'PUT', '/v1/channel-configurations/newsletter', {
    subdomain: DOMAIN,
    emailType: 'marketing',
    from: { name: 'Brand', email: FROM },
    replyTo: REPLY_TO,
  });
  await demand(adieu, 'PUT', '/v1/templates/letter', { subject: SUBJECT, mjml: MJML, text: TEXT });
}

async function importPeople(adieu: RunningAdieu, count: number): Promise<void> {
  for (let from = 0; from < count; from += IMPORT) {
    const lines = recipients(from, Math.min(IMPORT, count - from)).map(({ id, address, profile }) =>
      JSON.stringify({ identities: { CRMID: id, Email: address }, attributes: profile }),
    );
    const { rejected } = await demand(adieu, 'POST', '/v1/profiles', `${lines.join('\n')}\n`);
    if (rejected.length > 0) throw new Error(`people were rejected: ${JSON.stringify(rejected[0])}`);
  }
}

/** A call that has to succeed. */
async function demand(adieu: RunningAdieu, method: string, path: string, body?: unknown) {
  const answer = await adieu.call(method, path, body);
  if (answer.status >= 300)
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}
