/**
 * Random octets for the readers of reports, which a listener would refuse before: they never throw, and never hang.
 *
 * @module
 */
import { readMentions, readReport, readSesNotification } from '@adieu/mail';
import { below, oneOf, openDice } from './dice.ts';
import type { Watchdog } from './watchdog.ts';

export interface ReaderFuzzOptions {
  /** Of the first; each further one has the next. */
  readonly seed: number;
  readonly count: number;
  /** Is told what is in hand. */
  readonly hold?: Watchdog['hold'];
}

export interface ReaderFuzzOutcome {
  readonly inputs: number;
  /** Milliseconds of the slowest input. */
  readonly slowestMs: number;
  readonly findings: readonly string[];
}

const WORDS = [
  'Content-Type: multipart/report; boundary=b',
  '\n--b\n',
  '\r\n\r\n',
  'Content-Type: message/delivery-status\n\n',
  'Content-Transfer-Encoding: base64\n',
  'Final-Recipient: rfc822;',
  'Action: failed\n',
  'Status: 5.1.1\n',
  '{"notificationType":"Bounce","bounce":',
  '[[[[{"a":',
  '=?utf-8?B?',
  '<a@b.example>: ',
  '550 5.1.1 ',
  'From ',
];

/** Reads so many. */
export function fuzzReaders({ seed, count, hold = () => undefined }: ReaderFuzzOptions): ReaderFuzzOutcome {
  const findings: string[] = [];
  let slowestMs = 0;
  for (let index = 0; index < count; index += 1) {
    hold(0, seed + index);
    const dice = openDice(seed + index);
    const bare = dice() < 0.5;
    const pieces = Array.from({ length: below(dice, 40) }, () =>
      bare || dice() < 0.5
        ? Buffer.from(Array.from({ length: below(dice, 60) }, () => below(dice, 256)))
        : Buffer.from(oneOf(dice, WORDS)),
    );
    const octets = Buffer.concat(pieces);
    const started = performance.now();
    try {
      const { recipients } = readReport(octets);
      if (recipients.length === 0) findings.push(`seed ${seed + index}: a report about nobody`);
      if (recipients.some(({ kind }) => kind === 'complaint'))
        findings.push(`seed ${seed + index}: noise that complains`);
      readSesNotification(octets.toString('latin1'));
      readMentions(octets);
    } catch (error) {
      findings.push(`seed ${seed + index}: ${error}`);
    }
    slowestMs = Math.max(slowestMs, performance.now() - started);
  }
  hold(0, -1);
  return { inputs: count, slowestMs, findings };
}
