/**
 * A relay for tests, on a real socket and scripted to the byte: it says what the script says, closes when the
 * script says so, and keeps every mail it took.
 *
 * The rule: commands are answered strictly in order, one after the other, so that what stands unread behind a
 * command shows whether the client pipelines.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls, { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';

/** Where the dialogue stands. `body`: content is arriving and its end is not there yet. */
export type Stage =
  | 'greeting'
  | 'ehlo'
  | 'starttls'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'body'
  | 'content'
  | 'rset'
  | 'quit';

/** What the script is asked about. */
export interface Step {
  readonly stage: Stage;
  /** Counts connections from 1. */
  readonly connection: number;
  /** Counts MAIL commands on this connection from 1. */
  readonly transaction: number;
  /** The command line; empty for `greeting`, `body` and `content`. */
  readonly line: string;
  /** The mail, at `content`. */
  readonly mail: RelayedMail | null;
  /** What has arrived behind this command and is not read yet. */
  readonly unread: () => string;
}

/**
 * What to do: a reply (lines joined by CRLF, without the last one), or none; then go on, close, reset the connection,
 * or read no more.
 */
export type Answer = string | { readonly say?: string; readonly act: 'go on' | 'close' | 'reset' | 'stall' };

/** A mail that arrived whole. */
export interface RelayedMail {
  readonly from: string;
  readonly to: string;
  /** Without dot-stuffing and final dot. */
  readonly raw: Buffer;
  readonly messageId: string;
  readonly connection: number;
  /** MAIL with its parameters. */
  readonly command: string;
  readonly secure: boolean;
}

/** How the relay behaves. */
export interface RelayScript {
  /** EHLO lines after the first. Default: PIPELINING, 8BITMIME, SIZE 10485760. */
  readonly extensions?: readonly string[];
  /** `undefined`: the ordinary answer. */
  readonly answer?: (step: Step) => Answer | undefined | Promise<Answer | undefined>;
  /** Writes every octet by itself. */
  readonly dribble?: boolean;
  readonly tls?: {
    readonly mode: 'starttls' | 'implicit';
    readonly certificate: 'relay' | 'stranger' | 'expired' | 'elsewhere';
  };
  readonly port?: number;
}

/** A listening relay. */
export interface ScriptedRelay {
  readonly port: number;
  readonly url: string;
  /** Mails whose final dot was read, whatever was answered. */
  readonly mails: RelayedMail[];
  /** Mails accepted with 2xx, by Message-ID. */
  counts(): Map<string, number>;
  connections(): number;
  /** Cuts every connection without a word, and goes on listening. */
  cut(): void;
  close(): Promise<void>;
}

const FIXTURES = fileURLToPath(new URL('./fixtures/', import.meta.url));
const ORDINARY: Readonly<Record<Stage, string>> = {
  greeting: '220 relay.test ESMTP',
  ehlo: '250 relay.test',
  starttls: '220 go ahead',
  auth: '235 2.7.0 welcome',
  mail: '250 2.1.0 sender ok',
  rcpt: '250 2.1.5 recipient ok',
  data: '354 go ahead',
  body: '',
  content: '250 2.0.0 queued',
  rset: '250 2.0.0 reset',
  quit: '221 2.0.0 bye',
};

/**
 * The path of a certificate or key of this folder. `ca.pem` signed `relay.pem` (localhost and loopback), `expired.pem`
 * and `elsewhere.pem` (another host); nobody signed `stranger.pem`.
 */
export function fixture(name: string): string {
  return `${FIXTURES}${name}`;
}

/** Starts a relay on loopback. */
export async function startScriptedRelay(script: RelayScript = {}): Promise<ScriptedRelay> {
  const mails: RelayedMail[] = [];
  const accepted = new Map<string, number>();
  const sockets = new Set<Socket>();
  let connections = 0;

  const credentials =
    script.tls === undefined
      ? null
      : {
          key: readFileSync(fixture(`${script.tls.certificate}.key`)),
          cert: readFileSync(fixture(`${script.tls.certificate}.pem`)),
        };

  function take(socket: Socket): void {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.setNoDelay(true);
    connections++;
    void converse(socket, connections).catch(() => socket.destroy());
  }

  async function converse(plain: Socket, connection: number): Promise<void> {
    let peer = openPeer(plain);
    let transaction = 0;
    /** AUTH goes on: the next line is no command. */
    let authenticating = false;
    /** The MAIL command and the recipient that were accepted. */
    let command: string | null = null;
    let to: string | null = null;

    /** Lets the script answer; `over` when nothing more will be said or heard. */
    async function ask(
      stage: Stage,
      line = '',
      mail: RelayedMail | null = null,
    ): Promise<{ code: number; over: boolean }> {
      const step: Step = { stage, connection, transaction, line, mail, unread: () => peer.unread() };
      const answer = (await script.answer?.(step)) ?? ordinary(stage);
      const { say = '', act } = typeof answer === 'string' ? { say: answer, act: 'go on' as const } : answer;
      if (say !== '') await write(say);
      if (act === 'reset') peer.socket.resetAndDestroy();
      else if (act === 'stall') peer.socket.pause();
      else if (act === 'close') peer.socket.end();
      return { code: Number(say.slice(0, 3)), over: act !== 'go on' };
    }

    function ordinary(stage: Stage): string {
      // Bad sequence of commands (RFC 5321 section 4.1.4).
      if ((stage === 'rcpt' && command === null) || (stage === 'data' && to === null))
        return '503 5.5.1 not now';
      if (stage === 'starttls' && credentials === null) return '502 5.5.1 not here';
      if (stage !== 'ehlo') return ORDINARY[stage];
      const extensions = [...(script.extensions ?? ['PIPELINING', '8BITMIME', 'SIZE 10485760'])];
      if (script.tls?.mode === 'starttls' && !(peer.socket instanceof TLSSocket)) extensions.push('STARTTLS');
      const lines = ['relay.test', ...extensions];
      return lines.map((text, index) => `250${index === lines.length - 1 ? ' ' : '-'}${text}`).join('\r\n');
    }

    async function write(reply: string): Promise<void> {
      const bytes = Buffer.from(`${reply}\r\n`);
      if (script.dribble !== true) return void peer.socket.write(bytes);
      for (const octet of bytes) {
        peer.socket.write(Buffer.of(octet));
        await new Promise((resolve) => setImmediate(resolve));
      }
    }

    /** Reads content up to its end, asking the script whenever some of it is there; true when all is over. */
    async function content(): Promise<boolean> {
      const raw = await peer.content(async () => !(await ask('body')).over);
      if (raw === null) return true;
      const mail = {
        from: /<([^>]*)>/.exec(command ?? '')?.[1] ?? '',
        to: to ?? '',
        raw,
        messageId: /^Message-ID:\s*(\S+)/im.exec(raw.toString('latin1'))?.[1] ?? '',
        connection,
        command: command ?? '',
        secure: peer.socket instanceof TLSSocket,
      };
      if (to !== null) mails.push(mail);
      const { code, over } = await ask('content', '', mail);
      if (isYes(code) && to !== null) accepted.set(mail.messageId, (accepted.get(mail.messageId) ?? 0) + 1);
      command = null;
      to = null;
      return over;
    }

    if ((await ask('greeting')).over) return;
    for (let line = await peer.line(); line !== null; line = await peer.line()) {
      const stage: Stage | null = authenticating ? 'auth' : stageOf(line);
      if (stage === null) {
        await write('500 5.5.1 what?');
        continue;
      }
      if (stage === 'mail') transaction++;
      const { code, over } = await ask(stage, line);
      if (over) return;
      authenticating = stage === 'auth' && code === 334;
      if (stage === 'quit') return void peer.socket.end();
      if (stage === 'mail' || stage === 'rset') {
        command = stage === 'mail' && isYes(code) ? line : null;
        to = null;
      }
      if (stage === 'rcpt' && isYes(code)) to = /<([^>]*)>/.exec(line)?.[1] ?? '';
      if (stage === 'starttls' && isYes(code) && credentials !== null) {
        plain.removeAllListeners('data');
        const secure = new TLSSocket(plain, { isServer: true, ...credentials });
        secure.on('error', () => {});
        peer = openPeer(secure);
      }
      if (stage === 'data' && code === 354 && (await content())) return;
    }
  }

  const server =
    script.tls?.mode === 'implicit' && credentials !== null
      ? tls.createServer(credentials, take)
      : net.createServer(take);
  await new Promise<void>((resolve) => server.listen(script.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${script.tls?.mode === 'implicit' ? 'smtps' : 'smtp'}://127.0.0.1:${port}`,
    mails,
    counts: () => accepted,
    connections: () => connections,
    cut() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function stageOf(line: string): Stage | null {
  const verb = line.slice(0, 4).toUpperCase();
  if (verb === 'EHLO' || verb === 'HELO') return 'ehlo';
  if (verb === 'STAR') return 'starttls';
  if (verb === 'AUTH' || verb === 'MAIL' || verb === 'RCPT') return verb.toLowerCase() as Stage;
  if (verb === 'DATA' || verb === 'RSET' || verb === 'QUIT') return verb.toLowerCase() as Stage;
  return null;
}

/** Reads a socket by lines and by contents. */
function openPeer(socket: Socket) {
  let unread = Buffer.alloc(0);
  let ended = false;
  let wake: () => void = () => {};
  socket.on('data', (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk]);
    wake();
  });
  for (const event of ['end', 'close']) {
    socket.on(event, () => {
      ended = true;
      wake();
    });
  }
  const more = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });

  return {
    socket,
    unread: () => unread.toString('latin1'),
    async line(): Promise<string | null> {
      for (;;) {
        const end = unread.indexOf('\r\n');
        if (end >= 0) {
          const line = unread.toString('utf8', 0, end);
          unread = unread.subarray(end + 2);
          return line;
        }
        if (ended) return null;
        await more();
      }
    },
    /** Content without stuffing; null when the connection or `onPart` ended it. */
    async content(onPart: () => Promise<boolean>): Promise<Buffer | null> {
      for (;;) {
        const empty = unread.indexOf('.\r\n') === 0;
        const end = empty ? 0 : unread.indexOf('\r\n.\r\n');
        if (end >= 0) {
          const raw = unread.subarray(0, empty ? 0 : end + 2);
          unread = unread.subarray(empty ? 3 : end + 5);
          return unstuff(raw);
        }
        if (unread.length > 0 && !(await onPart())) return null;
        if (ended) return null;
        await more();
      }
    },
  };
}

function unstuff(raw: Buffer): Buffer {
  const text = raw.toString('latin1');
  return Buffer.from(text.replace(/(^|\r\n)\.\./g, '$1.'), 'latin1');
}

function isYes(code: number): boolean {
  return code >= 200 && code < 300;
}
