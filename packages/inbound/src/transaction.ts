/**
 * One mail transaction: MAIL, RCPT and DATA of the inbound listener.
 *
 * A recipient is decided at RCPT and remembered with its route; DATA then asks whether a machine answered an opt-out, hands
 * reports and role mail to the desk, and replies once every recipient is stored. Nothing here ever sends a message. RFC 5321 §3.3.
 *
 * @module
 */
import type { KeyRing, Log, MailClaims, RecordOptOut } from '@adieu/core';
import type { SMTPServerAddress, SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import type { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import { isAutomaticReply } from './autoreply.ts';
import { CANARY_DOMAIN } from './canary.ts';
import { dismiss } from './connection.ts';
import { type Content, openContent } from './content.ts';
import { KEPT_OCTETS, openCorrespondence } from './correspondence.ts';
import type { Desk, Handled } from './desk.ts';
import type { Domains } from './domains.ts';
import type { Readers } from './readers.ts';
import { type Route, readRecipient, route } from './route.ts';
import { OUTCOMES, type Tally } from './tally.ts';
import { traceOf } from './trace.ts';

export interface TransactionOptions {
  readonly domains: Domains;
  readonly recorder: RecordOptOut;
  readonly desk: Desk;
  readonly readers: Readers;
  readonly ring: KeyRing;
  readonly separators: readonly string[];
  /** What we are called. */
  readonly name: string;
  /** Octets. */
  readonly maxSize: number;
  /** Counts a message of a remote address; false when it had its share. */
  readonly admitMessage: (remoteAddress: string) => boolean;
  readonly tally: Tally;
  /** Stores that a canary came; rejects when it could not. */
  readonly canary: (claims: MailClaims) => Promise<void>;
  readonly log: Log;
}

/** `final`: the connection ends with it. */
type Refusal = Error & { readonly responseCode: number; readonly final?: boolean };
type TakenRoute = Extract<Route, { kind: 'opt-out' | 'report' | 'role' | 'canary' }>;
type OptOutRoute = Extract<TakenRoute, { kind: 'opt-out' | 'report' }>;

/** A connection that is open. */
interface Followed {
  readonly connection: SMTPConnection;
  refused: number;
  busy: boolean;
}
type Done = (error?: Error | null, text?: string) => void;

/** Refused recipients after which a caller is only guessing. */
const MAX_REFUSED_RECIPIENTS = 100;
/** Octets past the limit that are still swallowed, so that an honest sender reads a 552 and not a reset. */
const OVERSHOOT_OCTETS = 1_048_576;
/** Octets of mails that are kept to be read, of all connections; who brings more comes again. */
const HELD_LIMIT = 67_108_864;
/** RFC 5321 §6.3. */
const MAX_RECEIVED_FIELDS = 100;

const SAID: Readonly<Record<Handled, string>> = {
  recorded: 'opt-out by mail recorded',
  autoReplies: 'automatic reply ignored',
  bounces: 'bounce recorded',
  complaints: 'complaint recorded',
  reviewed: 'mail kept for a person to read',
  noted: 'report that asks for nothing',
};

const UNAVAILABLE = reply(451, '4.3.0 This cannot be recorded now, please try again later');

/** Opens the handlers for all connections of one listener. */
export function openTransactions(options: TransactionOptions) {
  const { log, tally } = options;
  const routes = new WeakMap<SMTPServerAddress, TakenRoute>();
  let held = 0;
  const connections = new Map<string, Followed>();
  let draining = false;

  function onMailFrom(_sender: SMTPServerAddress, session: SMTPServerSession, done: Done): void {
    if (options.admitMessage(session.remoteAddress)) done();
    else {
      tally.count('throttled');
      done(reply(450, '4.7.1 Too many messages from your address, try again in a minute'));
    }
  }

  function onRcptTo(address: SMTPServerAddress, session: SMTPServerSession, done: Done): void {
    const followed = connections.get(session.id);
    decide(address).then(
      (decided) => {
        if (isTaken(decided)) {
          routes.set(address, decided);
          done();
          return;
        }
        if (decided.kind === 'later') {
          tally.count('deferredRecipients');
          log.warn({ outcome: 'deferred' }, 'recipient deferred: the database is away');
          done(UNAVAILABLE);
          return;
        }
        tally.count('refusedRecipients');
        log.debug({ outcome: decided.kind }, 'recipient refused');
        if (followed !== undefined) {
          followed.refused += 1;
          if (followed.refused > MAX_REFUSED_RECIPIENTS) {
            dismiss(followed.connection, 421, '4.7.0 Too many unknown recipients');
          }
        }
        done(
          decided.kind === 'foreign'
            ? reply(550, '5.7.1 We take mail for our own domains only')
            : reply(550, '5.1.1 There is no such address here'),
        );
      },
      () => done(UNAVAILABLE),
    );
  }

  async function decide(address: SMTPServerAddress): Promise<Route> {
    const recipient = readRecipient(address.address);
    if (recipient === null) return { kind: 'foreign' };
    const { domain: name } = recipient;
    const asksNobody = name === null || name === CANARY_DOMAIN;
    const domain = asksNobody ? ({ kind: 'foreign' } as const) : await options.domains.standing(name);
    return route(recipient, { domain, ring: options.ring, separators: options.separators });
  }

  function onData(stream: SMTPServerDataStream, session: SMTPServerSession, done: Done): void {
    const read = session.envelope.rcptTo.some((address) => {
      const kind = routes.get(address)?.kind;
      return kind !== 'opt-out' && kind !== 'canary';
    });
    const content = openContent(read ? KEPT_OCTETS : 0);
    let crowded = false;
    const followed = connections.get(session.id);
    if (followed !== undefined) followed.busy = true;
    let own = 0;
    const hold = (octets: number): void => {
      held += octets - own;
      own = octets;
    };
    const letGo = (): void => {
      content.forget();
      hold(0);
    };
    const finish = (answer: Refusal | null): void => {
      letGo();
      if (answer?.final && followed !== undefined) {
        dismiss(followed.connection, answer.responseCode, answer.message);
      }
      done(answer, 'OK: received');
      if (followed === undefined) return;
      followed.busy = false;
      if (draining) hangUp(followed.connection);
    };
    stream.on('data', (chunk: Buffer) => {
      content.push(chunk);
      hold(content.held());
      if (held > HELD_LIMIT) {
        crowded = true;
        letGo();
      }
      if (content.bytes() <= options.maxSize + OVERSHOOT_OCTETS || followed === undefined) return;
      stream.removeAllListeners('data');
      letGo();
      tally.count('refusedMessages');
      log.info({ outcome: 'refused', reason: 'size' }, 'message refused');
      dismiss(followed.connection, 552, '5.3.4 Message exceeds the size limit');
    });
    stream.on('error', () => {
      letGo();
      log.debug({ outcome: 'aborted' }, 'caller left within a message');
    });
    // Who leaves after it does not end what is made of the message.
    stream.on('end', () => {
      conclude(content.end(), session, crowded).then(finish, () => finish(UNAVAILABLE));
    });
  }

  /** The reply to a whole message: `null` is 250. */
  async function conclude(
    content: Content,
    session: SMTPServerSession,
    crowded: boolean,
  ): Promise<Refusal | null> {
    const since = performance.now();
    const refusal = refusalOf(content, options.maxSize);
    if (refusal !== null) {
      tally.count('refusedMessages');
      log.info({ outcome: 'refused', reason: refusal.reason }, 'message refused');
      return refusal.reply;
    }
    const { mailFrom, rcptTo } = session.envelope;
    const sender = mailFrom === false ? '' : mailFrom.address;
    const automatic = isAutomaticReply(sender, content.fields);
    const { remoteAddress, hostNameAppearsAs, transmissionType: protocol } = session;
    const helo = hostNameAppearsAs || '';
    const at = new Date();
    const trace = traceOf({ sender, helo, remoteAddress, protocol, name: options.name, at });
    const mail = openCorrespondence({ content, sender, remoteAddress, helo, trace }, options.readers);
    const outcomes = await Promise.allSettled(
      rcptTo.map(async (address): Promise<Handled | 'canary'> => {
        const decided = routes.get(address);
        if (decided === undefined) throw new Error('a recipient without its route');
        if (decided.kind === 'canary') {
          await options.canary(decided.claims);
          return 'canary';
        }
        if (decided.kind !== 'opt-out') {
          if (crowded) throw new Error('too many mails are being read');
          return options.desk(mail, decided);
        }
        if (automatic) return 'autoReplies';
        await record(decided, at);
        return 'recorded';
      }),
    );
    if (outcomes.some((outcome) => outcome.status === 'rejected')) {
      tally.count('deferredMessages');
      log.warn({ outcome: 'deferred', recipients: rcptTo.length }, 'message deferred: not recorded');
      return UNAVAILABLE;
    }
    const handled = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const mails = handled.filter((one) => one !== 'canary');
    if (mails.length > 0) tally.answered((performance.now() - since) / 1000);
    for (const kind of new Set(mails)) {
      const number = mails.filter((one) => one === kind).length;
      // A machine's answer is one, however many addresses it was sent to.
      tally.count(kind, kind === 'autoReplies' ? 1 : number);
      log.info({ outcome: OUTCOMES[kind], recipients: number }, SAID[kind]);
    }
    return null;
  }

  async function record(decided: OptOutRoute, at: Date): Promise<void> {
    const { audience, claims, fingerprint } = decided;
    const { known } = await options.recorder({
      organisation: audience.organisation,
      sandbox: audience.sandbox,
      who: { by: 'number', profile: claims.profile, address: claims.address },
      scope: claims.scope,
      ...(claims.list === 0 ? {} : { list: claims.list }),
      source: 'header_mailto',
      fingerprint,
      at,
    });
    // A valid token of ours whose numbers mean nobody: our fault, and nothing was stored.
    if (!known) throw new Error('nobody of that number is known');
  }

  return {
    onMailFrom,
    onRcptTo,
    onData,
    follow: (connection: SMTPConnection): void => {
      connections.set(connection.id, { connection, refused: 0, busy: false });
    },
    forget: (connection: SMTPConnection): void => {
      connections.delete(connection.id);
    },
    followed: (): SMTPConnection[] => [...connections.values()].map((followed) => followed.connection),
    /** Hangs up on whoever is not within a message now, and on the others after it. */
    drain: (): void => {
      draining = true;
      for (const followed of connections.values()) if (!followed.busy) hangUp(followed.connection);
    },
  };
}

function isTaken(decided: Route): decided is TakenRoute {
  return decided.kind !== 'unknown' && decided.kind !== 'foreign' && decided.kind !== 'later';
}

function hangUp(connection: SMTPConnection): void {
  connection.send(421, '4.3.2 Shutting down');
}

function refusalOf(content: Content, maxSize: number): { reply: Refusal; reason: string } | null {
  if (content.bytes > maxSize) {
    return { reply: reply(552, '5.3.4 Message exceeds the size limit'), reason: 'size' };
  }
  if (content.defect !== null) {
    // Another server may see the end of this message elsewhere: what follows it here might be its content there.
    const defect = reply(550, '5.6.0 Message holds a bare CR, a bare LF or a NUL');
    return { reply: Object.assign(defect, { final: true }), reason: content.defect };
  }
  if (content.fields.filter((field) => field.name === 'received').length > MAX_RECEIVED_FIELDS) {
    return { reply: reply(554, '5.4.6 Message is going round in circles'), reason: 'loop' };
  }
  return null;
}

/** The library reads the reply code from the error; the text brings its own enhanced code. */
function reply(responseCode: number, text: string): Refusal {
  return Object.assign(new Error(text), { responseCode });
}
