/**
 * Whole mails made from a seed: reports of other systems as they are, and such that something was done to.
 *
 * The same seed changes the same places of the same mail; tokens and addresses are those of the day.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Member, WaysOut } from './crowd.ts';
import { below, type Dice, oneOf, openDice } from './dice.ts';
import { MUTATIONS } from './mutation.ts';
import { DOMAIN } from './office.ts';

/** Somebody, and what a mail of one day to them had in it. */
export interface Addressee {
  readonly member: Member;
  readonly ways: WaysOut;
}

/** Who a mail is about, and whose tokens may get into it as well. */
export interface MailCast {
  readonly mine: Addressee;
  readonly other: Addressee;
}

/** What an unchanged report says, as written down beside it. */
export interface Golden {
  readonly recipients: readonly { readonly kind: string }[];
  readonly feedbackType?: string;
}

/** A mail, and the envelope it goes in. */
export interface FuzzedMail {
  readonly seed: number;
  readonly sender: string;
  readonly recipients: readonly string[];
  /** Octets, before dot-stuffing. */
  readonly content: Buffer;
  /** Null where anything was done to it. */
  readonly golden: (Golden & { readonly name: string }) | null;
}

const FIXTURES = new URL('../../../mail/fixtures/report/', import.meta.url);
const GOLDEN = readdirSync(FIXTURES)
  .filter((name) => name.endsWith('.eml'))
  .map((file) => {
    const name = file.slice(0, -4);
    const want: Golden = JSON.parse(readFileSync(new URL(`${name}.want.json`, FIXTURES), 'utf8'));
    const text = readFileSync(new URL(file, FIXTURES), 'latin1').replace(/\r?\n/g, '\r\n');
    return { name, want, text };
  });
const TYPES = ['abuse', 'opt-out', 'not-spam', 'auth-failure', 'fraud', 'virus', 'other', 'x'];
const ROLES = ['fbl', 'abuse', 'postmaster', 'unsubscribe'];

/** Makes one mail. One in ten is left as it was. */
export function makeMail(seed: number, cast: MailCast): FuzzedMail {
  const dice = openDice(seed);
  const { mine } = cast;
  if (dice() < 0.1) {
    const { name, want, text } = oneOf(dice, GOLDEN);
    const content = Buffer.from(inscribe(text, mine), 'latin1');
    return {
      seed,
      // What the null sender adds is in the file.
      sender: 'mta@example.net',
      recipients: [mine.ways.bounce],
      content,
      golden: { name, ...want },
    };
  }
  let mail = draw(dice, cast);
  for (let left = 1 + below(dice, 5); left > 0; left -= 1)
    mail = oneOf(dice, MUTATIONS)(dice, mail, draw(dice, cast));
  if (dice() < 0.3) mail = swapTokens(dice, mail, cast);
  // What has a bare CR, a bare LF or a NUL is refused unread; few are left that way.
  if (dice() < 0.95) mail = mail.replace(/\r?\n|\r/g, '\r\n').replaceAll('\0', '');
  return {
    seed,
    sender: dice() < 0.5 ? '' : 'mta@example.net',
    recipients: envelope(dice, cast),
    content: Buffer.from(mail, 'latin1'),
    golden: null,
  };
}

/** A token that is one letter beside itself. */
export function flipToken(dice: Dice, address: string): string {
  const [from, to] = [address.indexOf('+') + 1, address.indexOf('@')];
  const at = from + below(dice, to - from);
  const letters = 'abcdefghijklmnopqrstuvwxyz234567'.replace(address.charAt(at), '');
  return address.slice(0, at) + oneOf(dice, [...letters]) + address.slice(at + 1);
}

function envelope(dice: Dice, { mine, other }: MailCast): readonly string[] {
  const chance = dice();
  if (chance < 0.5) return [mine.ways.bounce];
  if (chance < 0.6) return [mine.ways.leave];
  if (chance < 0.85) return [`${oneOf(dice, ROLES)}@${DOMAIN}`];
  if (chance < 0.9) return [mine.ways.bounce, other.ways.bounce, other.ways.leave];
  const wrong = oneOf(dice, [
    flipToken(dice, mine.ways.bounce),
    flipToken(dice, mine.ways.leave),
    mine.ways.foreign,
    // A token of the other purpose.
    mine.ways.bounce.replace('bounce+', 'unsubscribe+'),
    mine.ways.leave.replace('unsubscribe+', 'bounce+'),
  ]);
  return dice() < 0.5 ? [wrong] : [wrong, `fbl@${DOMAIN}`];
}

function draw(dice: Dice, cast: MailCast): string {
  const chance = dice();
  const about = dice() < 0.85 ? cast.mine : cast.other;
  if (chance < 0.7) return inscribe(oneOf(dice, GOLDEN).text, about);
  if (chance < 0.82) return feedback(dice, about);
  if (chance < 0.92) return statuses(dice, cast);
  if (chance < 0.96) return letter(dice, about);
  return noise(dice);
}

/** A report of another system about a message to somebody. */
function inscribe(text: string, { member, ways }: Addressee): string {
  return text
    .replaceAll(`bounce+tok@${DOMAIN}`, ways.bounce)
    .replaceAll(`unsubscribe+tok@${DOMAIN}`, ways.leave)
    .replaceAll('params=p&pid=q&sig=s', ways.link)
    .replaceAll('john@example.net', member.email);
}

function feedback(dice: Dice, { member, ways }: Addressee): string {
  return [
    'From: feedback@provider.example',
    'Content-Type: multipart/report; report-type=feedback-report; boundary="=_report/1"',
    '',
    '--=_report/1',
    'Content-Type: message/feedback-report',
    '',
    `Feedback-Type: ${oneOf(dice, TYPES)}`,
    'User-Agent: Provider/1.0',
    'Version: 1',
    ...(dice() < 0.5 ? [`Original-Mail-From: <${ways.bounce}>`] : []),
    ...Array.from({ length: below(dice, 3) }, () => `Original-Rcpt-To: ${member.email}`),
    '',
    '--=_report/1',
    `Content-Type: ${dice() < 0.5 ? 'message/rfc822' : 'text/rfc822-headers'}`,
    '',
    `To: ${member.email}`,
    ...(dice() < 0.6 ? [`Return-Path: <${ways.bounce}>`] : []),
    ...(dice() < 0.6
      ? [
          `List-Unsubscribe: <mailto:${ways.leave}>,`,
          ` <https://${DOMAIN}/unsubscribe/one-click?${ways.link}>`,
        ]
      : []),
    '',
    'Hello',
    '--=_report/1--',
    '',
  ].join('\r\n');
}

function statuses(dice: Dice, { mine, other }: MailCast): string {
  const block = (): string =>
    [
      '',
      `Final-Recipient: rfc822; ${dice() < 0.6 ? mine.member.email : other.member.email}`,
      `Action: ${oneOf(dice, ['failed', 'delayed', 'delivered', 'relayed', 'expanded'])}`,
      `Status: ${oneOf(dice, ['5.1.1', '4.2.2', '2.0.0', '5.7.1'])}`,
      '',
    ].join('\r\n');
  const [id = ''] = (dice() < 0.7 ? mine : other).ways.bounce.split('@');
  const given = oneOf(dice, [
    '',
    `Original-Envelope-Id: ${id}\r\n`,
    `Original-Envelope-Id: ${id.replace('+', '+2B')}\r\n`,
  ]);
  return [
    'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
    '',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    `Reporting-MTA: dns; mta.example.net\r\n${given}${Array.from({ length: 1 + below(dice, 6) }, block).join('')}`,
    '--b--',
    '',
  ].join('\r\n');
}

function letter(dice: Dice, { member, ways }: Addressee): string {
  return [
    `From: ${member.email}`,
    `Subject: ${oneOf(dice, ['unsubscribe', 'Re: Spring news', 'complaint', '=?utf-8?B?c3RvcA==?='])}`,
    '',
    `Take me off ${ways.leave} please, I never wanted https://${DOMAIN}/unsubscribe/one-click?${ways.link}`,
    '',
  ].join('\r\n');
}

function noise(dice: Dice): string {
  return Array.from({ length: below(dice, 2_000) }, () => String.fromCharCode(below(dice, 256))).join('');
}

function swapTokens(dice: Dice, mail: string, { mine, other }: MailCast): string {
  const instead = oneOf(dice, [
    other.ways.bounce,
    other.ways.leave,
    mine.ways.leave,
    mine.ways.foreign,
    flipToken(dice, mine.ways.bounce),
    flipToken(dice, mine.ways.leave),
  ]);
  const place = oneOf(dice, [mine.ways.bounce, mine.ways.leave, mine.member.email]);
  return dice() < 0.5 ? mail.replaceAll(place, instead) : mail.replace(place, instead);
}
