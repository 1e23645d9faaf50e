/**
 * Brings mails to an SMTP server and says what it answered, nothing more.
 *
 * @module
 */
import { connect } from 'node:net';

export interface Letter {
  readonly from: string;
  readonly to: string | readonly string[];
  readonly bytes: string | Buffer;
}

/** Delivers one mail; resolves with the reply to its content, or the first refusal. */
export async function post(smtpUrl: string, letter: Letter): Promise<string> {
  const { hostname, port } = new URL(smtpUrl);
  const socket = connect(Number(port), hostname);
  socket.setEncoding('latin1');
  let pending = '';
  const incoming = socket[Symbol.asyncIterator]();
  const hear = async (): Promise<string> => {
    for (;;) {
      const reply = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(pending);
      if (reply !== null) {
        pending = pending.slice(reply[0].length);
        return reply[0].trimEnd();
      }
      const chunk = await incoming.next();
      if (chunk.done === true) throw new Error('the server hung up');
      pending += String(chunk.value);
    }
  };
  const recipients = typeof letter.to === 'string' ? [letter.to] : letter.to;
  try {
    await hear();
    for (const line of [
      'EHLO post.example',
      `MAIL FROM:<${letter.from}>`,
      ...recipients.map((to) => `RCPT TO:<${to}>`),
      'DATA',
    ]) {
      socket.write(`${line}\r\n`);
      const reply = await hear();
      if (!/^[23]/.test(reply)) return reply;
    }
    const content = Buffer.from(letter.bytes).toString('latin1').replace(/^\./gm, '..');
    socket.write(Buffer.from(`${content}${content.endsWith('\r\n') ? '' : '\r\n'}.\r\n`, 'latin1'));
    return await hear();
  } finally {
    socket.destroy();
  }
}
