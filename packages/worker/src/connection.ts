/**
 * Opens a connection to the relay: nodemailer connects, greets, secures and authenticates; then its socket is ours.
 *
 * The rule: nothing of nodemailer listens to the socket after the handover, so that the transactions written here
 * are the only voice on it. A certificate that does not verify never gets this far, nor does a relay that was to
 * know us and does not ask who we are.
 *
 * @module
 */
import type { Socket } from 'node:net';
import { Failure } from '@adieu/core';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { Credentials, RelayAddress } from './relay-url.ts';

/** What the relay's EHLO told, after TLS where there is any. */
export interface Extensions {
  /** RFC 2920. */
  readonly pipelining: boolean;
  /** RFC 6531. */
  readonly smtputf8: boolean;
  /** RFC 6152. */
  readonly eightBitMime: boolean;
  /** RFC 3461. */
  readonly dsn: boolean;
  /** RFC 1870. Octets; 0 when the relay names no limit; null when it does not offer SIZE. */
  readonly size: number | null;
}

/** An open, secured, authenticated connection. Whoever gets it listens to the socket at once. */
export interface Opened {
  readonly socket: Socket;
  readonly extensions: Extensions;
}

/** What nodemailer 10 keeps beyond its typed surface and the handover needs. The version is pinned. */
interface Innards {
  readonly _supportedExtensions: readonly string[];
  readonly _maxAllowedSize: number;
  readonly _remainder: string;
  readonly _responseQueue: readonly string[];
  readonly _onSocketData: Listener;
  readonly _onSocketError: Listener;
  readonly _onSocketClose: Listener;
  readonly _onSocketEnd: Listener;
  readonly _onSocketTimeout: Listener;
  readonly _onConnectionSocketError: Listener;
  _clearPhase(): void;
}
type Listener = (...args: unknown[]) => void;

/** From the look-up of the name to the end of the TLS handshake, unless the URL says otherwise. Milliseconds. */
const CONNECTION_MS = 30_000;

/**
 * Opens one connection.
 *
 * @throws Failure `relay_unavailable`, temporary: whatever the reason, no message is to blame
 */
export function openConnection(relay: RelayAddress): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const connection = new SMTPConnection({ connectionTimeout: CONNECTION_MS, ...relay.options });
    const fail = (cause: unknown): void => {
      connection.close();
      reject(new Failure('relay_unavailable', reasonOf(cause, relay.auth), { temporary: true, cause }));
    };
    // In the same turn in which nodemailer says that it is ready: whatever comes next is ours to read.
    const succeed = (): void => {
      const opened = handOver(connection);
      if (opened === null) fail(new Error('The relay spoke out of turn.'));
      else resolve(opened);
    };
    // Once the promise is settled a late error has nobody to tell.
    connection.on('error', fail);
    connection.connect((error) => {
      if (error) fail(error);
      else if (relay.auth === null) succeed();
      // Without it the relay would refuse message after message, each of them for good.
      else if (!connection.allowsAuth) fail(new Error('The relay does not offer AUTH.'));
      else connection.login({ ...relay.auth }, (refused) => (refused ? fail(refused) : succeed()));
    });
  });
}

/** Takes the socket out of nodemailer's hands; null when it holds what was not asked for. */
function handOver(connection: SMTPConnection): Opened | null {
  const innards = connection as unknown as Innards;
  const socket = connection._socket;
  if (!socket || innards._remainder !== '' || innards._responseQueue.length > 0) return null;
  innards._clearPhase();
  socket.setTimeout(0);
  socket.removeListener('data', innards._onSocketData);
  socket.removeListener('timeout', innards._onSocketTimeout);
  socket.removeListener('close', innards._onSocketClose);
  socket.removeListener('end', innards._onSocketEnd);
  socket.removeListener('error', innards._onSocketError);
  socket.removeListener('error', innards._onConnectionSocketError);
  const offers = new Set(innards._supportedExtensions);
  return {
    socket,
    extensions: {
      pipelining: offers.has('PIPELINING'),
      smtputf8: offers.has('SMTPUTF8'),
      eightBitMime: offers.has('8BITMIME'),
      dsn: offers.has('DSN'),
      size: offers.has('SIZE') ? innards._maxAllowedSize : null,
    },
  };
}

/**
 * The relay's own words where it had any; they hold no recipient, since none was named yet. What was said to it in
 * AUTH may come back in them.
 */
function reasonOf(cause: unknown, auth: Credentials | null): string {
  const said = cause instanceof Error ? cause.message : String(cause);
  if (auth === null) return said;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const secrets = [auth.pass, auth.user].flatMap((secret) => [base64(secret), secret]);
  return [base64(`\0${auth.user}\0${auth.pass}`), ...secrets].reduce(
    (text, secret) => text.replaceAll(secret, '…'),
    said,
  );
}
