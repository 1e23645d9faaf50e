/**
 * The load generator, a process of its own: mail servers that hand in unsubscribe mails.
 *
 * One rule: it does the same for everybody, as large senders do: one write for MAIL, RCPT and DATA where PIPELINING is offered, the next
 * message after the reply to the last. A round begins with its first connection and ends with the last reply to a message. Each
 * connection comes from an address of its own, which loopback has on Linux: Adieu counts messages by address.
 *
 * @module
 */
import { once } from 'node:events';
import { connect } from 'node:net';

/** What the parent asks: hand in these mails, so many on each connection, over so many connections at a time. */
export interface Delivery {
  readonly port: number;
  readonly mails: readonly Letter[];
  readonly connections: number;
  readonly perConnection: number;
}

/** Who leaves, and where to. */
export interface Letter {
  readonly from: string;
  readonly to: string;
}

/** What was replied. Times are milliseconds; those of messages are from their final dot to the reply. */
export interface Replies {
  /** How many messages had this reply. */
  readonly codes: Readonly<Record<string, number>>;
  readonly lastedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** About what a mail program and the servers behind it make of a tap on "unsubscribe"; 4 KB. */
function contentOf({ from, to }: Letter, number: number): Buffer {
  const hops = [1, 2, 3].map(
    (hop) =>
      `Received: from out${hop}.mail.example.org (out${hop}.mail.example.org [192.0.2.${hop}])\r\n` +
      `        by in${hop}.mail.example.org with ESMTPS id ${number.toString(36)}x${hop}sor1234567plq.${hop}.2026.03.01\r\n` +
      '        for <unsubscribe@news.example.com>\r\n' +
      '        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\r\n' +
      '        Sun, 01 Mar 2026 09:30:00 -0800 (PST)\r\n',
  );
  const signature = Array.from({ length: 5 }, () => `         ${'kD9x'.repeat(17)}\r\n`).join('');
  const seals = ['DKIM-Signature', 'X-Mailer-DKIM-Signature', 'ARC-Message-Signature'].map(
    (name) =>
      `${name}: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n` +
      '        d=example.org; s=20260301; t=1772386200; x=1772991000;\r\n' +
      '        h=to:subject:message-id:date:from:mime-version:from:to:cc:subject:date;\r\n' +
      `        bh=${'Yq3W'.repeat(11)};\r\n        b=${signature.trimStart()}`,
  );
  return Buffer.from(
    `${hops.join('')}${seals.join('')}` +
      `X-Received: by 2002:a05:6402:1234:b0:5e4:abcd:ef01 with SMTP id ${number}; Sun, 01 Mar 2026 09:30:00 -0800\r\n` +
      `MIME-Version: 1.0\r\nFrom: Somebody <${from}>\r\nDate: Sun, 1 Mar 2026 18:30:00 +0100\r\n` +
      `Message-ID: <${number}.CAH1234567@mail.example.org>\r\nSubject: unsubscribe\r\nTo: ${to}\r\n` +
      'Content-Type: multipart/alternative; boundary="0000000000001f2e3d"\r\n\r\n' +
      '--0000000000001f2e3d\r\nContent-Type: text/plain; charset="UTF-8"\r\n\r\n' +
      'This mail was sent because somebody asked to be taken off the list.\r\n\r\n' +
      '--0000000000001f2e3d\r\nContent-Type: text/html; charset="UTF-8"\r\n\r\n' +
      '<div dir="ltr">This mail was sent because somebody asked to be taken off the list.</div>\r\n\r\n' +
      '--0000000000001f2e3d--\r\n.\r\n',
    'latin1',
  );
}

let callers = 0;
/** One of a million addresses of this machine. */
function nextAddress(): string {
  callers += 1;
  return `127.${64 + ((callers >> 14) & 63)}.${(callers >> 7) & 127}.${1 + (callers & 127)}`;
}

/** A connection; `ask` writes, and resolves with as many replies. */
async function call(port: number, localAddress: string) {
  const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
  let unread = '';
  let reply: string[] = [];
  let replies: string[] = [];
  let wanted = 1;
  let resolve: (replies: string[]) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  function hear(count: number): Promise<string[]> {
    wanted = count;
    replies = [];
    return new Promise((...handlers) => {
      [resolve, reject] = handlers;
    });
  }
  socket.on('data', (chunk: Buffer) => {
    const lines = (unread + chunk.toString('latin1')).split('\r\n');
    unread = lines.pop() ?? '';
    for (const line of lines) {
      reply.push(line);
      if (line[3] === '-') continue;
      replies.push(reply.join('\n'));
      reply = [];
      if (replies.length === wanted) resolve(replies);
    }
  });
  socket.on('error', (error) => reject(error));
  socket.on('close', () => reject(new Error(`hung up after "${replies.at(-1) ?? ''}"`)));
  const greeting = hear(1);
  await greeting;
  return {
    ask(bytes: string | Buffer, count = 1) {
      const heard = hear(count);
      socket.write(bytes);
      return heard;
    },
    async hangUp() {
      const gone = once(socket, 'close');
      socket.end();
      await gone;
    },
  };
}

async function deliver({ port, mails, connections, perConnection }: Delivery): Promise<Replies> {
  const waiting = mails.map((letter, number) => ({ letter, content: contentOf(letter, number) })).reverse();
  const codes: Record<string, number> = {};
  const waits: number[] = [];
  let last = 0;
  async function connection(address: string): Promise<void> {
    const { ask, hangUp } = await call(port, address);
    const [offers = ''] = await ask('EHLO out1.mail.example.org\r\n');
    const pipelines = /^250[- ]PIPELINING$/m.test(offers);
    for (let sent = 0; sent < perConnection; sent++) {
      const next = waiting.pop();
      if (next === undefined) break;
      const { letter, content } = next;
      const commands = [`MAIL FROM:<${letter.from}>\r\n`, `RCPT TO:<${letter.to}>\r\n`, 'DATA\r\n'];
      const replies: string[] = [];
      if (pipelines) replies.push(...(await ask(commands.join(''), commands.length)));
      else for (const command of commands) replies.push(...(await ask(command)));
      const refused = replies.find((reply) => !/^[23]/.test(reply));
      if (refused !== undefined) throw new Error(`refused: ${refused}`);
      const since = performance.now();
      const [reply = ''] = await ask(content);
      last = performance.now();
      waits.push(last - since);
      const code = reply.slice(0, 3);
      codes[code] = (codes[code] ?? 0) + 1;
    }
    await ask('QUIT\r\n');
    await hangUp();
  }
  const first = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const address = nextAddress();
      while (waiting.length > 0) await connection(address);
    }),
  );
  waits.sort((a, b) => a - b);
  const percentile = (share: number): number => waits[Math.ceil(waits.length * share) - 1] ?? Number.NaN;
  return { codes, lastedMs: last - first, p50Ms: percentile(0.5), p99Ms: percentile(0.99) };
}

process.on('message', (delivery: Delivery) => {
  deliver(delivery).then(
    (reply) => process.send?.({ reply }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });
