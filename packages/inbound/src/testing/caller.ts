/**
 * The other side of an SMTP connection, byte for byte: for tests that need to say what no proper client says.
 *
 * @module
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface Caller {
  readonly socket: Socket;
  /** Writes exactly these bytes. */
  say(bytes: string | Buffer): void;
  /** The next complete reply, lines joined by `\n`; empty once the other side has hung up. */
  hear(): Promise<string>;
  /** Says one line with its CRLF and hears the reply. */
  ask(line: string): Promise<string>;
  /** Everything until the other side hangs up. */
  rest(): Promise<string>;
  /** Goes on inside TLS, after STARTTLS was answered 220. */
  secure(): Promise<Caller>;
  hangUp(): void;
}

const PATIENCE_MS = 240_000;

/** Connects; the greeting is still to be heard. */
export function dial(port: number, host = '127.0.0.1'): Promise<Caller> {
  const socket = connect(port, host);
  socket.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(converse(socket)));
    socket.once('error', reject);
  });
}

/** Connects, hears the greeting and says EHLO. */
export async function greet(port: number): Promise<Caller> {
  const caller = await dial(port);
  await caller.hear();
  await caller.ask('EHLO caller.example');
  return caller;
}

/** One whole transaction; resolves with the reply to the content, or with the first refusal. */
export async function submit(caller: Caller, mail: Submission): Promise<string> {
  const { sender = 'john@example.com', recipients, content } = mail;
  const lines = [`MAIL FROM:<${sender}>`, ...recipients.map((recipient) => `RCPT TO:<${recipient}>`), 'DATA'];
  for (const line of lines) {
    const reply = await caller.ask(line);
    if (!/^[23]/.test(reply)) return reply;
  }
  caller.say(content);
  caller.say('\r\n.\r\n');
  return caller.hear();
}

/** What {@link submit} says between MAIL and the final dot. */
export interface Submission {
  readonly sender?: string;
  readonly recipients: readonly string[];
  readonly content: string | Buffer;
}

function converse(socket: Socket): Caller {
  let pending = '';
  let over = false;
  let wake: () => void = () => undefined;
  const onData = (chunk: Buffer): void => {
    pending += chunk.toString('latin1');
    wake();
  };
  socket.on('data', onData);
  for (const event of ['end', 'close', 'error']) {
    socket.on(event, () => {
      over = true;
      wake();
    });
  }

  async function until<T>(read: () => T | undefined): Promise<T> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const result = read();
      if (result !== undefined) return result;
      if (Date.now() > deadline) throw new Error(`nothing heard, only ${JSON.stringify(pending)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  const caller: Caller = {
    socket,
    say: (bytes) => {
      socket.write(bytes);
    },
    hear: () =>
      until(() => {
        const reply = /^(?:\d{3}-[^\n]*\n)*\d{3}[^-\n][^\n]*\n/.exec(pending);
        if (reply === null) return over ? '' : undefined;
        pending = pending.slice(reply[0].length);
        return reply[0].replaceAll('\r', '').trimEnd();
      }),
    ask: (line) => {
      socket.write(`${line}\r\n`);
      return caller.hear();
    },
    rest: () => until(() => (over ? pending : undefined)),
    secure: () =>
      new Promise((resolve, reject) => {
        socket.off('data', onData);
        const inner = connectTls({ socket, rejectUnauthorized: false }, () => resolve(converse(inner)));
        inner.once('error', reject);
      }),
    hangUp: () => {
      socket.destroy();
    },
  };
  return caller;
}
