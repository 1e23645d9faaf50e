/**
 * One process of the fuzz campaign: a listener over a database of its own, and whatever inputs it is asked to bring there.
 *
 * One rule: whatever ends it, its last words name the seeds that were in hand; they go to the file that it is started with.
 *
 * It runs what was built, as users do: a thread that reads mail starts from JavaScript only.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { fuzzDialogues } from '../../packages/inbound/dist/testing/fuzz.js';
import { fuzzMails } from '../../packages/inbound/dist/testing/mail-fuzz.js';
import { openOffice } from '../../packages/inbound/dist/testing/office.js';
import { fuzzReaders } from '../../packages/inbound/dist/testing/reader-fuzz.js';
import { watch } from '../../packages/inbound/dist/testing/watchdog.js';
import type { FuzzKind, FuzzPart } from './fuzz.ts';

/** What is asked: so many inputs of a kind, from a seed on. */
export interface FuzzOrder {
  readonly kind: FuzzKind;
  readonly seed: number;
  readonly count: number;
  /** Writes each mail to standard output, as it is brought. */
  readonly show: boolean;
}

/** As many inputs at a time as any kind has. */
const PLACES = 50;
const [lastWords] = process.argv.slice(2);
const dog = watch({ places: PLACES, lastWords });
process.on('uncaughtExceptionMonitor', (error) => {
  if (lastWords !== undefined)
    writeFileSync(lastWords, `crash: ${error}; in hand were the seeds ${dog.seeds().join(' ')}`);
});
const office = await openOffice();
const { hold } = dog;

async function bring({ kind, seed, count, show }: FuzzOrder): Promise<FuzzPart> {
  const started = performance.now();
  try {
    const part = await PARTS[kind](seed, count, show);
    const failed = office.logged.filter(({ message }) => message === 'inbound listener failed');
    return {
      ...part,
      findings: [...part.findings, ...failed.map(({ message }) => message)],
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await office.closeListeners();
  }
}

type Brought = Omit<FuzzPart, 'seconds'>;
const PARTS: Readonly<
  Record<FuzzKind, (seed: number, count: number, show: boolean) => Brought | Promise<Brought>>
> = {
  async mails(seed, count, show) {
    const shown = show
      ? (mail: { sender: string; recipients: readonly string[]; content: Buffer }): void => {
          process.stdout.write(`MAIL FROM:<${mail.sender}>\nRCPT TO: ${mail.recipients.join(', ')}\n\n`);
          process.stdout.write(Buffer.concat([mail.content, Buffer.from('\n')]));
        }
      : undefined;
    const { findings, mails, slowestMs, ...counts } = await fuzzMails({
      office,
      seed,
      count,
      hold,
      ...(shown && { show: shown }),
    });
    return { inputs: mails, findings, slowestMs, counts };
  },
  async dialogues(seed, count) {
    const { findings, dialogues, taken, recorded } = await fuzzDialogues({ office, seed, count, hold });
    return {
      inputs: dialogues,
      findings,
      slowestMs: 0,
      counts: { taken, optOuts: recorded, connections: dialogues },
    };
  },
  noises(seed, count) {
    const { findings, inputs, slowestMs } = fuzzReaders({ seed, count, hold });
    return { inputs, findings, slowestMs, counts: {} };
  },
};

process.on('message', (order: FuzzOrder) => {
  bring(order).then(
    (reply) => process.send?.({ reply }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => void office.close().finally(() => process.exit(0)));
process.send?.({ ready: true });
