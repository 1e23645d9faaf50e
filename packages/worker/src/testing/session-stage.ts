/**
 * One session with a scripted relay, and the words its tests speak in.
 *
 * @module
 */
import { expect } from '@jest/globals';
import { openConnection } from '../connection.ts';
import { readRelayUrl } from '../relay-url.ts';
import { openSession, type Session } from '../session.ts';
import { type Outcome, type Outgoing, RFC_TIMEOUTS, type SmtpTimeouts } from '../transaction.ts';
import {
  type Answer,
  type RelayScript,
  type ScriptedRelay,
  type Step,
  startScriptedRelay,
} from './scripted-relay.ts';

const closing: (() => unknown)[] = [];

/** Closes what was started. */
export async function closeSessions(): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close();
}

/** Starts a relay with a script and a session with it. */
export async function startSession(
  script: RelayScript,
  timeouts: Partial<SmtpTimeouts> = {},
): Promise<[Session, ScriptedRelay]> {
  const relay = await startScriptedRelay(script);
  const opened = await openConnection(readRelayUrl(relay.url));
  const session = openSession(opened, { ...RFC_TIMEOUTS, ...timeouts });
  closing.push(relay.close, session.cut);
  return [session, relay];
}

/** A message named `id`; fresh for a minute, or for `freshMs`. */
export function message(id: string, more: Partial<Outgoing> & { freshMs?: number } = {}): Outgoing {
  const { freshMs = 60_000, ...rest } = more;
  const content = more.content ?? [
    Buffer.from(`Message-ID: <${id}>\r\nSubject: test\r\n\r\n.dot\r\n..two\r\n`),
  ];
  return {
    from: 'bounce+x@news.example.com',
    to: `${id}@example.com`,
    smtputf8: false,
    content,
    size: Buffer.concat(content).length,
    startBy: performance.now() + freshMs,
    leased: () => true,
    ...rest,
  };
}

/** A script that gives these answers, where `when` holds. */
export const on = (
  answers: Partial<Record<Step['stage'], Answer>>,
  when: (step: Step) => boolean = () => true,
) => ({
  answer: (step: Step) => (when(step) ? answers[step.stage] : undefined),
});
/** The first transaction of a connection. */
export const first = (step: Step): boolean => step.transaction === 1;
/** Equals the outcome of such a reply. */
export const replied = (stage: string, code: number): unknown =>
  expect.objectContaining({ kind: 'replied', stage, reply: expect.objectContaining({ code }) });
/** Such an outcome. */
export const notSent = (why: string): Outcome => ({ kind: 'not-sent', why }) as Outcome;
/** Nobody knows. */
export const UNKNOWN: Outcome = { kind: 'unknown' };
/** Extensions of a relay that wants every command by itself. */
export const WITHOUT_PIPELINING = ['8BITMIME'];
