/**
 * What may happen to a mail on its way, and what an enemy does to it: changes that know the grammar of mail, and some that do not.
 *
 * A mail is Latin-1 text here, one character for each octet.
 *
 * @module
 */
import { below, type Dice, oneOf } from './dice.ts';

/** Changes a mail; `other` is one that it may be mixed with. */
export type Mutation = (dice: Dice, mail: string, other: string) => string;

const CHARSETS = ['utf-8', 'utf-7', 'utf-16le', 'iso-2022-jp', 'gb18030', 'x-unknown', '"', 'us-ascii*0', ''];
const ENCODINGS = ['base64', 'quoted-printable', '7bit', '8BIT', 'binary', 'x-uuencode', 'base64 (x)', ''];
const VALUES: Readonly<Record<string, readonly string[]>> = {
  Action: ['failed', 'delayed', 'delivered', 'relayed', 'expanded', 'FAILED (x)', ''],
  Status: ['5.1.1', '4.2.2', '2.0.0', '5.2.2', '5.7.1', '5.999.999', '9.9.9', ''],
  'Feedback-Type': ['abuse', 'not-spam', 'auth-failure', 'opt-out', 'fraud', 'virus', 'ABUSE', 'x', ''],
  Version: ['1', '0.1', '1\r\nVersion: 1', ''],
  'Auto-Submitted': ['no', 'auto-replied', 'auto-generated', '(auto-replied) no', ''],
  'X-Apple-Unsubscribe': ['true', 'false', ''],
  'Content-Type': [
    'text/plain',
    'message/rfc822',
    'message/delivery-status',
    'message/feedback-report',
    'multipart/report',
    'multipart/report; boundary=""',
    'multipart/mixed; boundary="=_report/1"',
    `multipart/mixed; boundary="${'b'.repeat(200)}"`,
    'multipart/report; report-type=feedback-report; boundary*0=b; boundary*1=c',
    'application/octet-stream; name="=?utf-8?B?w7w=?="',
  ],
};
const WORDS = [
  '\r\n\r\n',
  '\r\n',
  '--',
  '\r\n--',
  '=_report/1',
  '=\r\n',
  '=3D',
  '=?utf-8?Q?=0D=0A?=',
  '\t',
  '(((((',
  '"',
  '<>',
  ';;;',
  '\xff\xfe',
  '550 5.1.1 User unknown',
  'Feedback-Type: abuse\r\n',
  '{"notificationType":"Complaint"}',
  'From nobody Mon Nov  2 09:00:00 2026\r\n',
  'x'.repeat(3_000),
];

const duplicateLine: Mutation = (dice, mail) =>
  onLine(dice, mail, (line) => `${line}${`\r\n${line}`.repeat(1 + below(dice, 3))}`);
const dropLine: Mutation = (dice, mail) => onLine(dice, mail, () => null);
const foldLine: Mutation = (dice, mail) =>
  onLine(dice, mail, (line) => line.replaceAll(' ', dice() < 0.5 ? '\r\n ' : '\r\n\t'));
const changeCase: Mutation = (dice, mail) =>
  onLine(dice, mail, (line) => (dice() < 0.5 ? line.toUpperCase() : line.toLowerCase()));

const addField: Mutation = (dice, mail) => {
  const name = oneOf(dice, Object.keys(VALUES));
  return onLine(dice, mail, (line) => `${name}: ${oneOf(dice, VALUES[name] ?? [])}\r\n${line}`);
};

const changeValue: Mutation = (dice, mail) => {
  const name = oneOf(dice, Object.keys(VALUES));
  return mail.replace(
    new RegExp(`^(${name}:)[^\\r]*`, dice() < 0.5 ? 'im' : 'gim'),
    (_all, kept) => `${kept} ${oneOf(dice, VALUES[name] ?? [])}`,
  );
};

const changeCharset: Mutation = (dice, mail) =>
  /charset=/i.test(mail)
    ? mail.replace(/charset=[^\s;]*/i, () => `charset=${oneOf(dice, CHARSETS)}`)
    : addField(dice, mail, '');

/** Says another encoding than the body has. */
const mislabel: Mutation = (dice, mail) =>
  onBlock(mail, (head, body) => [`${head}\r\nContent-Transfer-Encoding: ${oneOf(dice, ENCODINGS)}`, body]);

/** A body, or a part of it, in another encoding, and said so. */
const encode: Mutation = (dice, mail) => {
  const parts = mail.split('\r\n\r\n');
  const at = 1 + below(dice, Math.max(1, parts.length - 1));
  const octets = Buffer.from(parts[at] ?? '', 'latin1');
  const base64 = dice() < 0.6;
  const encoded = base64
    ? octets.toString('base64').replace(/.{76}/g, '$&\r\n')
    : [...octets].map((octet) => `=${octet.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  const before = `${parts[at - 1]}\r\nContent-Transfer-Encoding: ${base64 ? 'base64' : 'quoted-printable'}`;
  return [...parts.slice(0, at - 1), before, encoded, ...parts.slice(at + 1)].join('\r\n\r\n');
};

const changeBoundary: Mutation = (dice, mail) => {
  const boundary = /boundary="?([^"\s;]+)/i.exec(mail)?.[1];
  if (boundary === undefined) return nest(dice, mail, '');
  const places = mail.split(boundary);
  const at = 1 + below(dice, places.length - 1);
  const instead = oneOf(dice, [
    '',
    `${boundary}x`,
    boundary.slice(1),
    boundary.toUpperCase(),
    `${boundary}--`,
  ]);
  return places.slice(0, at).join(boundary) + instead + places.slice(at).join(boundary);
};

/** Wraps a mail into so many others. */
const nest: Mutation = (dice, mail) => {
  let nested = mail;
  const depth = dice() < 0.02 ? 300 : 1 + below(dice, 5);
  for (let level = 0; level < depth; level += 1)
    nested =
      dice() < 0.5
        ? `Subject: Fwd\r\nContent-Type: message/rfc822\r\n\r\n${nested}`
        : `Content-Type: multipart/mixed; boundary=n${level}\r\n\r\n--n${level}\r\n\r\n${nested}\r\n--n${level}--\r\n`;
  return nested;
};

const splice: Mutation = (dice, mail, other) =>
  mail.slice(0, below(dice, mail.length)) + other.slice(below(dice, other.length));
const graft: Mutation = (dice, mail, other) => {
  const boundary = /boundary="?([^"\s;]+)/i.exec(mail)?.[1] ?? 'none';
  return `${mail}\r\n--${boundary}\r\nContent-Type: message/rfc822\r\n\r\n${other}\r\n--${oneOf(dice, [boundary, 'x'])}--\r\n`;
};
const truncate: Mutation = (dice, mail) => mail.slice(0, below(dice, mail.length));
const insert: Mutation = (dice, mail) => onPlace(dice, mail, (between) => oneOf(dice, WORDS) + between);
const cut: Mutation = (dice, mail) => onPlace(dice, mail, () => '');
const repeat: Mutation = (dice, mail) =>
  onPlace(dice, mail, (between) => between.repeat(2 + below(dice, 20)));
const flip: Mutation = (dice, mail) => {
  const octets = Buffer.from(mail, 'latin1');
  for (let times = 1 + below(dice, 8); times > 0 && octets.length > 0; times -= 1) {
    const at = below(dice, octets.length);
    octets[at] = (octets[at] ?? 0) ^ (1 << below(dice, 8));
  }
  return octets.toString('latin1');
};
const loop: Mutation = (dice, mail) =>
  `${'Received: from a.example by b.example\r\n'.repeat(below(dice, 130))}${mail}`;

/** Every change there is. */
export const MUTATIONS: readonly Mutation[] = [
  duplicateLine,
  dropLine,
  foldLine,
  changeCase,
  addField,
  changeValue,
  changeValue,
  changeCharset,
  mislabel,
  encode,
  changeBoundary,
  changeBoundary,
  nest,
  splice,
  graft,
  truncate,
  insert,
  cut,
  repeat,
  flip,
  loop,
];

function onLine(dice: Dice, mail: string, change: (line: string) => string | null): string {
  const lines = mail.split('\r\n');
  const at = below(dice, lines.length);
  const changed = change(lines[at] ?? '');
  lines.splice(at, 1, ...(changed === null ? [] : [changed]));
  return lines.join('\r\n');
}

function onBlock(mail: string, change: (head: string, body: string) => readonly [string, string]): string {
  const end = mail.indexOf('\r\n\r\n');
  return end < 0 ? mail : change(mail.slice(0, end), mail.slice(end + 4)).join('\r\n\r\n');
}

function onPlace(dice: Dice, mail: string, change: (between: string) => string): string {
  const at = below(dice, mail.length + 1);
  const to = at + below(dice, dice() < 0.8 ? 40 : 600);
  return mail.slice(0, at) + change(mail.slice(at, to)) + mail.slice(to);
}
