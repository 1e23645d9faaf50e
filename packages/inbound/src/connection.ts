/**
 * One SMTP connection, stricter than the library makes it.
 *
 * smtp-server takes commands ended by a bare LF, bounds a connection only by idleness, minds only commands it does
 * not know and gives every 550 the same enhanced status code. Here a command line ends with CRLF or the connection
 * does (RFC 5321 §2.3.8), the whole connection has one absolute deadline and so many errors, and a reply may bring
 * its own code (RFC 2034 §4).
 *
 * @module
 */
import type { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { SMTPStream } from 'smtp-server/lib/smtp-stream.js';

/** Octets of a command line, with its CRLF: RFC 5321 §4.5.3.1.4 asks for 512 and more where extensions need it. */
const MAX_COMMAND_OCTETS = 2048;

/** Commands answered with an error (500 to 504) after which a caller is not going to say anything sensible. */
const MAX_COMMAND_ERRORS = 20;

const CR = 0x0d;
const LF = 0x0a;
const NUL = 0x00;
/** Lines handled before other connections get their turn. */
const LINES_PER_TURN = 100;
const ENHANCED_STATUS = /^[245]\.\d{1,3}\.\d{1,3} /;

export interface ConnectionRules {
  readonly deadlineSeconds: number;
  /** Called once, when the socket is gone. */
  readonly onGone: () => void;
}

/** Puts a connection that has not started yet (`init` comes after) under our rules. */
export function tighten(connection: SMTPConnection, rules: ConnectionRules): void {
  const createParser = connection._createParser.bind(connection);
  connection._createParser = () => withStrictLines(createParser(), connection);
  if (connection._parser) withStrictLines(connection._parser, connection);

  let errors = 0;
  const send = connection.send.bind(connection);
  const together = writingTogether(connection);
  connection.send = (code, data, context) => {
    const hasOwnStatus = typeof data === 'string' && ENHANCED_STATUS.test(data);
    together(code, () => send(code, data, hasOwnStatus ? false : context));
    if (code < 500 || code > 504) return;
    errors += 1;
    if (errors >= MAX_COMMAND_ERRORS) send(421, '4.7.0 Too many errors, closing the connection', false);
  };

  // Both are commands we know and do not offer (RFC 5321 §3.5.3): 502, where a disabled one would get 500.
  const notOffered = (_command: Buffer, done: () => void): void => {
    connection.send(502, '5.5.1 Command not implemented');
    done();
  };
  // What follows a BDAT is content, and would be read as commands (RFC 3030 §2).
  const chunk = (_command: Buffer, done: () => void): void => {
    dismiss(connection, 502, '5.5.1 CHUNKING is not offered');
    done();
  };
  // From a peer that is not listed, or a second time: whoever it is thinks to speak for somebody else.
  const introduction = (_command: Buffer, done: () => void): void => {
    dismiss(connection, 500, '5.5.1 PROXY is taken from listed peers only, before the greeting');
    done();
  };
  Object.assign(connection, {
    ...{ handler_VRFY: notOffered, handler_EXPN: notOffered, handler_BDAT: chunk },
    handler_PROXY: introduction,
  });

  const deadline = setTimeout(() => {
    connection.send(421, '4.4.2 Time is up, closing the connection');
  }, rules.deadlineSeconds * 1000);
  deadline.unref();
  // A listener on the socket would not do: STARTTLS removes them all.
  const onClose = connection._onClose.bind(connection);
  connection._onClose = () => {
    clearTimeout(deadline);
    onClose();
    rules.onGone();
  };
}

/**
 * Replies to commands that came together leave together (RFC 2920 §3.1): a write to the socket is the dearest part of a small mail.
 * What ends a connection or changes it (TLS) leaves at once, with all that waited before it.
 */
function writingTogether(connection: SMTPConnection): (code: number, write: () => void) => void {
  let held: SMTPConnection['_socket'] | null = null;
  const release = (): void => {
    held?.uncork();
    held = null;
  };
  return (code, write) => {
    if (held === null) {
      held = connection._socket;
      held.cork();
      setImmediate(release);
    }
    write();
    if (code !== 250 && code !== 354) release();
  };
}

/** Says something and hangs up: for what must not go on. */
export function dismiss(connection: SMTPConnection, code: number, text: string): void {
  connection.send(code, text);
  connection.close();
}

/**
 * Makes a parser see complete command lines only, one at a time, each ended by CRLF. Content (after DATA) goes
 * through untouched: there the library looks for CRLF.CRLF and nothing else.
 */
function withStrictLines(parser: SMTPStream, connection: SMTPConnection): SMTPStream {
  const write = parser._write.bind(parser);
  let held: Buffer = Buffer.alloc(0);

  parser._write = (chunk, encoding, next) => {
    if (parser.isClosed || parser._dataMode) {
      write(chunk, encoding, next);
      return;
    }
    let rest = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    held = Buffer.alloc(0);

    /** Handles lines until one of them needs to wait, the commands end or the chunk does. */
    const step = (): void => {
      for (let lines = 0; lines < LINES_PER_TURN; lines += 1) {
        if (parser.isClosed) {
          next();
          return;
        }
        if (parser._dataMode) {
          write(rest, 'buffer', next);
          return;
        }
        const line = firstLine(rest);
        if (line.kind === 'partial') {
          held = Buffer.from(rest);
          next();
          return;
        }
        if (line.kind === 'refused') {
          dismiss(connection, 500, line.reply);
          next();
          return;
        }
        rest = rest.subarray(line.octets.length);
        const turn = { waiting: false, over: false };
        write(line.octets, 'buffer', (error) => {
          if (error) next(error);
          else if (turn.waiting) step();
          else turn.over = true;
        });
        turn.waiting = true;
        if (!turn.over) return;
      }
      setImmediate(step);
    };
    step();
  };
  return parser;
}

type Line =
  | { readonly kind: 'line'; readonly octets: Buffer }
  | { readonly kind: 'partial' }
  | { readonly kind: 'refused'; readonly reply: string };

/** The first command line of what was read: complete only with its CRLF, and without any other CR or a NUL. */
function firstLine(read: Buffer): Line {
  const end = read.indexOf(LF);
  const octets = end < 0 ? read : read.subarray(0, end + 1);
  if (octets.length > MAX_COMMAND_OCTETS) return { kind: 'refused', reply: '5.5.6 Command line too long' };
  if (end < 0) return { kind: 'partial' };
  const ended = octets.length >= 2 && octets.indexOf(CR) === octets.length - 2;
  if (ended && octets.indexOf(NUL) < 0) return { kind: 'line', octets };
  return { kind: 'refused', reply: '5.5.2 Commands end with CRLF and hold no other CR and no NUL' };
}
