/**
 * The load generator, a process of its own: posts one-clicks as mailbox providers do, over connections that are kept.
 *
 * One rule: it does the same for everybody, no URL is posted twice, and a round begins with its first request and ends with its last
 * answer.
 *
 * @module
 */
import autocannon from 'autocannon';

/** What the parent asks: post to these paths of a server, as if DNS led there. */
export interface Volley {
  readonly url: string;
  readonly host: string;
  readonly paths: readonly string[];
  readonly connections: number;
}

/** What was answered. Times are milliseconds. */
export interface Answers {
  /** How many had this status. */
  readonly statuses: Readonly<Record<number, number>>;
  readonly lastedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function fire({ url, host, paths, connections }: Volley): Promise<Answers> {
  const statuses: Record<number, number> = {};
  const waits: number[] = [];
  let [first, last] = [Number.POSITIVE_INFINITY, 0];
  const lines = Math.min(connections, paths.length);
  let opened = 0;
  await new Promise<void>((resolve, reject) => {
    const shot = autocannon(
      {
        url,
        connections: lines,
        amount: paths.length,
        method: 'POST',
        headers: { host, 'content-type': 'application/x-www-form-urlencoded' },
        body: 'List-Unsubscribe=One-Click',
        setupClient: (client) => {
          // As many as autocannon gives this connection: the remainder goes to the first ones.
          const place = opened++;
          client.setRequests(paths.filter((_, index) => index % lines === place).map((path) => ({ path })));
        },
      },
      (error: unknown) => (error ? reject(error) : resolve()),
    );
    shot.on('response', (_client, status, _octets, wait) => {
      const now = performance.now();
      statuses[status] = (statuses[status] ?? 0) + 1;
      waits.push(wait);
      first = Math.min(first, now - wait);
      last = now;
    });
  });
  waits.sort((a, b) => a - b);
  const percentile = (share: number): number => waits[Math.ceil(waits.length * share) - 1] ?? Number.NaN;
  return { statuses, lastedMs: last - first, p50Ms: percentile(0.5), p99Ms: percentile(0.99) };
}

process.on('message', (volley: Volley) => {
  fire(volley).then(
    (reply) => process.send?.({ reply }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });
