/**
 * A relay that treats mail as Amazon SES does: a new `Message-ID` and `Date`, a `Feedback-ID` of its own below, and a sending rate
 * that it enforces with 454, at MAIL or after the content.
 *
 * The rule: what it delivers is kept beside what it was given, so that signatures are checked after the rewriting and mails are
 * counted before it.
 *
 * @module
 */
import {
  type RelayedMail,
  type ScriptedRelay,
  type Step,
  startScriptedRelay,
} from '../packages/worker/src/testing/scripted-relay.ts';

/** A listening relay. */
export interface SesRelay extends ScriptedRelay {
  /** Mails that were accepted, as their recipients get them. */
  delivered(): readonly Buffer[];
  /** How often it said 454: at MAIL, and after content. */
  throttled(): { readonly mail: number; readonly content: number };
}

const THROTTLING = '454 Throttling failure: Maximum sending rate exceeded.';
/** Every so many commands one is refused, until that many were. */
const EVERY = 5;
const MOST = 4;

/** Starts it on loopback. */
export async function startSesRelay(): Promise<SesRelay> {
  const accepted: RelayedMail[] = [];
  const asked = { mail: 0, content: 0 };
  const throttled = { mail: 0, content: 0 };

  function answer({ stage, mail }: Step): string | undefined {
    if (stage !== 'mail' && stage !== 'content') return undefined;
    asked[stage]++;
    if (asked[stage] % EVERY === 0 && throttled[stage] < MOST) {
      throttled[stage]++;
      return THROTTLING;
    }
    if (stage === 'mail') return undefined;
    if (mail !== null) accepted.push(mail);
    return `250 Ok ${sesId(accepted.length)}`;
  }

  const relay = await startScriptedRelay({
    extensions: ['8BITMIME', 'PIPELINING', 'SIZE 41943040'],
    answer,
  });
  return {
    ...relay,
    delivered: () => accepted.map((mail, index) => rewritten(mail.raw, index + 1)),
    throttled: () => throttled,
  };
}

const sesId = (number: number): string => `0102019${number.toString(16).padStart(9, '0')}-000000`;

/** The mail with the fields that SES sets; nothing else is touched. */
export function rewritten(raw: Buffer, number: number): Buffer {
  const [header = '', ...body] = raw.toString('latin1').split('\r\n\r\n');
  const kept = header.split(/\r\n(?![ \t])/).filter((field) => !/^(Message-ID|Date):/i.test(field));
  const fields = [
    ...kept,
    `Message-ID: <${sesId(number)}@eu-west-1.amazonses.com>`,
    'Date: Sun, 22 Nov 2026 00:00:00 +0000',
    'Feedback-ID: ::1.eu-west-1.q0pQ==:AmazonSES',
    'X-SES-Outgoing: 2026.11.22-54.240.7.1',
  ];
  return Buffer.from([fields.join('\r\n'), ...body].join('\r\n\r\n'), 'latin1');
}
