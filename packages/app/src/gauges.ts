/**
 * What a process measures of the things that all its roles share: database, queue, inbound mail anywhere, the pause.
 *
 * One rule: what the database says is the same in every process, so a graph takes the maximum and never the sum. It is asked at most
 * once in a few seconds, however many scrapers come.
 *
 * @module
 */
import type { Meter } from '@adieu/core';
import { type Backlog, type InboundWatch, readBacklog, readInboundWatch } from '@adieu/store';
import type { Heartbeat } from './heartbeat.ts';
import type { Foundation } from './wiring.ts';

/** What is looked at. */
export interface Measured {
  readonly database: Foundation['database'];
  readonly heartbeat: Pick<Heartbeat, 'sending' | 'sound'>;
  /** Of the inbound listener. */
  readonly certificateUntil: Date | null;
}

/** Milliseconds for which an answer of the database is good enough. */
const FRESH = 2_000;

/** Opens the gauges. */
export function measureProcess(meter: Meter, { database, heartbeat, certificateUntil }: Measured): void {
  const gauge = (name: string, meaning: string, read: () => number | null | Promise<number | null>): void =>
    meter.gauge({ name, meaning, labels: {} }, async (mark) => {
      const value = await read();
      if (value !== null) mark({}, value);
    });
  const backlog = shared<Backlog>(() => readBacklog(database.db));
  const inbound = shared<InboundWatch>(() => readInboundWatch(database.db));

  meter.gauge(
    {
      name: 'adieu_database_connections',
      meaning: 'Connections of this process to the database.',
      labels: { state: ['busy', 'idle'] },
    },
    (mark) => {
      const { busy, idle } = database.pool();
      mark({ state: 'busy' }, busy);
      mark({ state: 'idle' }, idle);
    },
  );
  gauge('adieu_database_waiting', 'Statements of this process that wait for a connection.', () => {
    return database.pool().waiting;
  });
  gauge('adieu_database_outages', 'How often this process found its database away.', () =>
    database.outages(),
  );
  gauge(
    'adieu_sending_paused',
    '1 while nothing is sent: paused by somebody, or because a database was restored.',
    () => (heartbeat.sending().state === 'paused' ? 1 : 0),
  );
  gauge('adieu_queue_batches', 'Batches of the installation that are due and taken by nobody.', async () => {
    return (await backlog()).batches;
  });
  gauge('adieu_queue_oldest_seconds', 'How long the first of them has been due.', async () => {
    return (await backlog()).oldestSeconds;
  });
  gauge(
    'adieu_queue_expanding',
    'Executions of the installation whose messages are not all made yet.',
    async () => {
      return (await backlog()).expanding;
    },
  );
  gauge(
    'adieu_installation_canary_timestamp_seconds',
    'When any listener of the installation last stored a canary; absent before the first.',
    async () => seconds((await inbound()).canaryAt),
  );
  gauge(
    'adieu_installation_mail_timestamp_seconds',
    'When any listener last took a mail, as told with its next canary; absent before the first.',
    async () => seconds((await inbound()).mailAt),
  );
  gauge(
    'adieu_inbound_certificate_expiry_timestamp_seconds',
    'When the certificate of the inbound listener expires; absent without one.',
    () => seconds(certificateUntil),
  );
}

function seconds(at: Date | null): number | null {
  return at === null ? null : at.getTime() / 1000;
}

/** Asks once for everybody who asks within a moment. */
function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked = Number.NEGATIVE_INFINITY;
  let answer: Promise<T> | null = null;
  return () => {
    const now = performance.now();
    if (answer === null || now - asked > FRESH) {
      asked = now;
      answer = ask();
      answer.catch(() => {
        answer = null;
      });
    }
    return answer;
  };
}
