/**
 * Transactions on one connection, one after the other, the next envelope chained behind the final dot.
 *
 * Where the relay offers PIPELINING (RFC 2920) MAIL, RCPT and DATA go out in one write: by themselves for the first
 * message, directly behind the final dot of the one before for each further one. Without it every command waits
 * for its reply. One recipient per transaction, so every reply belongs to one message.
 *
 * Three rules. Content never starts when its intent is stale or its lease is lost: unless a new intent is to be had
 * the connection is dropped, since SMTP knows no way back from a 354. A connection lost before the kernel had the final dot leaves the message known
 * not to be sent; lost after it and without a reply, unknown. What is said of the connection (421) is never held
 * against a message.
 *
 * @module
 */
import type { Reply, ReplyStage } from '@adieu/core';
import type { Opened } from './connection.ts';
import { contentChunks } from './stuffing.ts';
import {
  envelopeCommands,
  type NotSent,
  type Outcome,
  type Outgoing,
  refusesParameters,
  type SmtpTimeouts,
  unsendable,
} from './transaction.ts';
import { newTransit, settle, staleness, type Transit } from './transit.ts';
import { openWire, type Wire } from './wire.ts';

/** Why a session is over. */
export type SessionEnd =
  /** We said QUIT, or cut it for a reason of ours. */
  | 'ours'
  /** The relay left while nothing was under way: the usual end of an idle connection. */
  | 'idle'
  /** The relay left, said 421, broke the protocol or was too slow, with messages under way. */
  | 'relay';

/** One connection that takes messages. */
export interface Session {
  /** Takes a message: one is on the wire, one waits behind it. Resolves with what became of it. */
  send(outgoing: Outgoing): Promise<Outcome>;
  /** Messages it should hold at once: 2; 1 while the relay takes its time; 0 when it takes none any more. */
  depth(): number;
  /** Says QUIT when what it holds is done. */
  retire(): void;
  /** Breaks off at once: content under way becomes unknown. */
  cut(): void;
  readonly end: Promise<SessionEnd>;
}

/** A reply to the final dot slower than this: an envelope chained behind it would go stale. */
const SLOW_MS = 1000;
/** How long the relay may take to answer QUIT. */
const QUIT_MS = 2000;

const RSET = Buffer.from('RSET\r\n');
const QUIT = Buffer.from('QUIT\r\n');
const EMPTY_CONTENT = Buffer.from('.\r\n');

/** Runs transactions over a connection that was just opened. */
export function openSession(opened: Opened, timeouts: SmtpTimeouts): Session {
  let { extensions } = opened;
  /** First the one on the wire, then the one behind it. */
  const line: Transit[] = [];
  let running: Promise<void> | null = null;
  let retiring = false;
  /** The last transaction ended before its content: the relay may still hold an envelope. */
  let dirty = false;
  let slow = false;
  let why: SessionEnd = 'idle';
  const wire: Wire = openWire(opened.socket, () => {
    // 421 on an idle connection. Within a transaction the reply is read where it is due.
    if (running === null) wire.cut();
  });
  const end = wire.down.then(async () => {
    await running;
    return why;
  });

  function breakOff(blame: SessionEnd): void {
    if (!wire.isDown() || why === 'idle') why = blame;
    wire.cut();
  }

  /** Goes stale where it stands, unless its content has started. */
  function expire(transit: Transit): void {
    if (transit.settled || transit.started) return;
    // Its turn has come, only the relay is slow: a new intent is asked for when the relay is ready.
    if (line[0] === transit && transit.outgoing.renew !== undefined) return;
    settle(transit, { kind: 'not-sent', why: 'stale' });
    // Chained: the one before it must get its reply first. See carry().
    if (line[0] === transit && extensions.pipelining) breakOff('relay');
  }

  async function run(): Promise<void> {
    for (let head = line[0]; head !== undefined && !wire.isDown(); head = line[0]) {
      await carry(head);
      line.shift();
    }
    for (const left of line.splice(0)) settle(left, { kind: 'not-sent', why: 'lost' });
    running = null;
    if (retiring) await quit();
    // It came together with the last reply.
    else if (wire.unasked() !== null) wire.cut();
  }

  /** One transaction from envelope to reply. */
  async function carry(transit: Transit): Promise<void> {
    if (transit.settled) {
      // It went stale behind a slow one. Its DATA is on the wire: the 354 to come must not be answered.
      if (transit.announced) breakOff('relay');
      return;
    }
    if (!transit.announced && wire.unasked() !== null) return leave(transit, 'closing');
    if (await envelope(transit)) await content(transit);
  }

  /** Writes what is not yet written and reads the replies; true when the relay waits for content. */
  async function envelope(transit: Transit): Promise<boolean> {
    const commands = envelopeCommands(transit.outgoing, extensions);
    announce(transit);
    let refused: ReplyStage | null = null;
    let awaited = false;
    let plainer = false;
    if (transit.reset && !(await readReset(transit))) return false;
    for (const stage of ['mail', 'rcpt', 'data'] as const) {
      if (!extensions.pipelining) {
        if (transit.settled || plainer) break;
        void wire.write([commands[stage]], timeouts[stage]);
      }
      const reply = await wire.reply(timeouts[stage]);
      if (reply === null || reply.code === 421) {
        leave(transit, reply === null ? 'lost' : 'closing');
        return false;
      }
      if (accepts(stage, reply)) {
        awaited = stage === 'data';
      } else if (reply.code < 400) {
        leave(transit, 'lost');
        return false;
      } else {
        plainer ||= extensions.dsn && refused === null && stage !== 'data' && refusesParameters(reply);
        refused ??= stage;
        if (!plainer) settle(transit, { kind: 'replied', stage, reply });
      }
    }
    if (awaited && refused !== null) await withdraw(refused);
    // Went stale with the 354 there.
    else if (awaited && transit.settled) breakOff('relay');
    dirty = !awaited;
    if (plainer && !transit.settled) return again(transit);
    return awaited && refused === null && !transit.settled;
  }

  /** Once more without DSN, which the relay offers and cannot read: no message is to pay for it. */
  function again(transit: Transit): Promise<boolean> {
    extensions = { ...extensions, dsn: false };
    transit.announced = false;
    return envelope(transit);
  }

  /** Puts the envelope on the wire, as far as the relay lets it go ahead. */
  function announce(transit: Transit): void {
    if (transit.announced) return;
    transit.announced = true;
    transit.reset = dirty;
    dirty = false;
    const { mail, rcpt, data } = envelopeCommands(transit.outgoing, extensions);
    const reset = transit.reset ? [RSET] : [];
    if (extensions.pipelining) void wire.write([...reset, mail, rcpt, data], timeouts.mail);
    else if (transit.reset) void wire.write(reset, timeouts.mail);
  }

  async function readReset(transit: Transit): Promise<boolean> {
    const reply = await wire.reply(timeouts.mail);
    if (reply !== null && reply.code !== 421) return true;
    leave(transit, reply === null ? 'lost' : 'closing');
    return false;
  }

  /**
   * Answers a 354 that should not have come. Without a recipient an empty message goes to nobody (RFC 2920 section
   * 3.1); after a refused MAIL there is no telling whom it would go to.
   */
  async function withdraw(refused: ReplyStage): Promise<void> {
    if (refused !== 'rcpt') return breakOff('relay');
    void wire.write([EMPTY_CONTENT], timeouts.block);
    if ((await wire.reply(timeouts.final)) === null) breakOff('relay');
  }

  async function content(transit: Transit): Promise<void> {
    const { outgoing } = transit;
    let reason = staleness(outgoing, transit.startBy);
    if (reason === 'stale' && outgoing.renew !== undefined) {
      slow = true;
      // The database may be away, and whoever waits for the end of this session must not wait for it.
      const renewed = await Promise.race([outgoing.renew(), wire.down.then(() => null)]);
      transit.startBy = renewed ?? transit.startBy;
      reason = staleness(outgoing, transit.startBy);
    }
    if (reason !== null) {
      settle(transit, { kind: 'not-sent', why: reason });
      return breakOff(reason === 'stale' ? 'relay' : 'ours');
    }
    transit.started = true;
    // By itself: what is chained behind it must not decide whether the final dot was handed over.
    transit.handedOver = await wire.write(contentChunks(outgoing.content), timeouts.block);
    const early = wire.unasked();
    if (early !== null) return answeredEarly(transit, early);
    if (!transit.handedOver) return leave(transit, 'lost');
    announceNext();
    const asked = performance.now();
    const reply = await wire.reply(timeouts.final);
    slow = performance.now() - asked > SLOW_MS;
    conclude(transit, reply);
  }

  function conclude(transit: Transit, reply: Reply | null): void {
    if (reply === null || (reply.code >= 300 && reply.code < 400)) {
      settle(transit, { kind: 'unknown' });
      breakOff('relay');
    } else if (reply.code === 421) leave(transit, 'closing');
    else settle(transit, { kind: 'replied', stage: 'content', reply });
  }

  /** A reply before the end: a relay that has seen enough. Should it reply again, nobody could tell to what. */
  function answeredEarly(transit: Transit, reply: Reply): void {
    if (transit.handedOver || reply.code >= 400) conclude(transit, reply);
    leave(transit, 'lost');
  }

  /** Chains the envelope that waits, once the final dot before it is gone. */
  function announceNext(): void {
    const next = line[1];
    if (next === undefined || next.settled || slow || !extensions.pipelining) return;
    if (line[0]?.handedOver === true) announce(next);
  }

  /** The connection fails this message; nobody is to blame but the connection. */
  function leave(transit: Transit, reason: NotSent): void {
    settle(transit, { kind: 'not-sent', why: reason });
    breakOff('relay');
  }

  async function quit(): Promise<void> {
    if (wire.isDown()) return;
    why = 'ours';
    void wire.write([QUIT], QUIT_MS);
    await wire.reply(QUIT_MS);
    wire.end();
  }

  return {
    end,
    depth: () => (retiring || wire.isDown() ? 0 : slow ? 1 : 2),
    send(outgoing) {
      const reason =
        retiring || wire.isDown() ? 'lost' : (unsendable(outgoing, extensions) ?? staleness(outgoing));
      if (reason !== null) return Promise.resolve({ kind: 'not-sent', why: reason });
      return new Promise((resolve) => {
        line.push(newTransit(outgoing, resolve, expire));
        if (running === null) running = run();
        else announceNext();
      });
    },
    retire() {
      if (retiring) return;
      retiring = true;
      if (running === null) running = quit();
    },
    cut: () => breakOff('ours'),
  };
}

function accepts(stage: 'mail' | 'rcpt' | 'data', reply: Reply): boolean {
  return stage === 'data' ? reply.code === 354 : reply.code >= 200 && reply.code < 300;
}
