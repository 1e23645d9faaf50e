/**
 * Whole SMTP dialogues made from a seed: proper ones, and such that something was done to.
 *
 * The same seed and addresses give the same bytes and the same cuts. Every dialogue ends in bytes that end it,
 * whatever state they are read in, so who waits for the end of the connection waits for a fault.
 *
 * @module
 */
import { below, type Dice, oneOf, openDice } from './dice.ts';

/** Who may leave by a dialogue, and whose addresses stand in it only where no command is. */
export interface Cast {
  readonly leaving: readonly string[];
  readonly hidden: readonly string[];
}

/** What is sent once the greeting was heard. */
export interface Dialogue {
  readonly bytes: Buffer;
  /** The same bytes as they are written, one after the other. */
  readonly chunks: readonly Buffer[];
}

const SENDERS = [
  'john@example.com',
  '',
  'jöhn@bücher.example> SMTPUTF8',
  'a@b.example> SIZE=999',
  '"a b"@c.example',
];
const ASIDES = [
  'NOOP',
  'RSET',
  'HELP',
  'VRFY john',
  'EXPN all',
  'HELO again.example',
  'EHLO [127.0.0.1]',
  'AUTH PLAIN AGEAYg==',
];
const FIELDS = [
  'From: John <john@example.com>',
  'Subject: unsubscribe',
  'Subject: =?utf-8?Q?a=0D=0ABcc:?=\r\n\tfolded',
  'Auto-Submitted: auto-replied (vacation)',
  'Auto-Submitted: auto-generated',
  'X-Apple-Unsubscribe: true',
  'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
  'Content-Type: multipart/mixed; boundary="b"',
  'Content-Transfer-Encoding: base64',
  'no field at all',
  `Received: from a.example by b.example${'\r\nReceived: by c.example'.repeat(30)}`,
];
const LINES = [
  'stop',
  '',
  '..',
  '.. ',
  '..x',
  '--b',
  '--b--',
  'Content-Type: message/rfc822',
  '<div>'.repeat(50),
  'ü€😀',
  'x'.repeat(1200),
];
const SNIPPETS = [
  '\n',
  '\r',
  '\0',
  '\r\n',
  '\r\n.\r\n',
  '\n.\n',
  '\n.\r\n',
  '\r.\r',
  '\r\n.\n',
  '.',
  '..',
  '<',
  '>',
  '"',
  '\xff\xfe',
  ' ',
  'DATA\r\n',
  'RSET\r\n',
  'QUIT\r\n',
  'BDAT 10 LAST\r\n',
  'STARTTLS\r\n',
  'XCLIENT ADDR=192.0.2.1\r\n',
  'PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n',
  'GET / HTTP/1.1\r\n',
  'x'.repeat(2100),
];

/** Makes one dialogue. Three in ten are left as a proper caller would have them. */
export function makeDialogue(seed: number, cast: Cast): Dialogue {
  const dice = openDice(seed);
  const transactions = Array.from({ length: 1 + below(dice, 3) }, () => transaction(dice, cast));
  const said = Buffer.from(`EHLO caller.example\r\n${transactions.join('')}QUIT\r\n`);
  const mutations = dice() < 0.3 ? 0 : 1 + below(dice, 6);
  let bytes: Buffer = said;
  for (let mutation = 0; mutation < mutations; mutation += 1) bytes = mutate(dice, bytes, cast);
  bytes = Buffer.concat([bytes, Buffer.from('\r\n.\r\nQUIT\r\n')]);
  return { bytes, chunks: cut(dice, bytes) };
}

function transaction(dice: Dice, cast: Cast): string {
  const sender = dice() < 0.7 ? 'john@example.com' : oneOf(dice, SENDERS);
  const recipients = Array.from({ length: 1 + below(dice, 3) }, () =>
    dice() < 0.8 ? oneOf(dice, cast.leaving) : 'nobody@news.example.com',
  );
  const closing = sender.includes('>') ? '' : '>';
  return [
    ...(dice() < 0.2 ? [oneOf(dice, ASIDES)] : []),
    `MAIL FROM:<${sender}${closing}`,
    ...recipients.map((recipient) => `RCPT TO:<${recipient}>`),
    'DATA',
    ...Array.from({ length: below(dice, 5) }, () => oneOf(dice, FIELDS)),
    '',
    ...Array.from({ length: below(dice, 6) }, () =>
      dice() < 0.3 ? hiddenCommands(dice, cast) : oneOf(dice, LINES),
    ),
    '.',
    '',
  ].join('\r\n');
}

function hiddenCommands(dice: Dice, cast: Cast): string {
  return ['MAIL FROM:<a@b.example>', `RCPT TO:<${oneOf(dice, cast.hidden)}>`, 'DATA', '', 'hidden'].join(
    '\r\n',
  );
}

function mutate(dice: Dice, bytes: Buffer, cast: Cast): Buffer {
  const at = below(dice, bytes.length + 1);
  const to = Math.min(bytes.length, at + below(dice, dice() < 0.8 ? 8 : 200));
  const [before, between, after] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)];
  switch (below(dice, 7)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return Buffer.concat([before, between, between, after]);
    case 2:
      return Buffer.concat([
        before,
        Buffer.from([below(dice, 256)]),
        bytes.subarray(Math.min(bytes.length, at + 1)),
      ]);
    case 3:
      return Buffer.concat([before, Buffer.from(hiddenCommands(dice, cast)), bytes.subarray(at)]);
    case 4:
      return withoutOneCrlf(dice, bytes);
    default:
      return Buffer.concat([before, Buffer.from(oneOf(dice, SNIPPETS), 'latin1'), bytes.subarray(at)]);
  }
}

/** Some line ends as it should not. */
function withoutOneCrlf(dice: Dice, bytes: Buffer): Buffer {
  const crlf = bytes.indexOf('\r\n', below(dice, bytes.length + 1));
  if (crlf < 0) return bytes;
  const instead = Buffer.from(oneOf(dice, ['\n', '\r', '\r\r\n', '\n\r', '\r\0\n', '', '\n\n']));
  return Buffer.concat([bytes.subarray(0, crlf), instead, bytes.subarray(crlf + 2)]);
}

function cut(dice: Dice, bytes: Buffer): Buffer[] {
  const edges = [
    0,
    bytes.length,
    ...Array.from({ length: below(dice, 12) }, () => below(dice, bytes.length)),
  ];
  edges.sort((one, other) => one - other);
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}
