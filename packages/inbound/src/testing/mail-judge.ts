/**
 * What a mail may have done, told from nothing but its octets, its envelope and the replies to it.
 *
 * A second reading, simpler than the reader's: it knows no structure. A token counts where it stands in an accepted recipient, or
 * somewhere in the octets under any encoding; a complaint needs a word that only complaints have, a bounce at an address without a
 * token the name of the field that may hold one. Whatever goes beyond that is
 * invented. Where nothing was done to a report, what is written down beside it must happen, and nothing else.
 *
 * @module
 */
import type { FuzzedMail, MailCast } from './fuzzed-mail.ts';
import { mayBeAutomatic } from './transcript.ts';

/** What was answered to a mail. */
export interface Answered {
  /** Recipients that were answered 250. */
  readonly accepted: readonly string[];
  /** The reply to the content, or to DATA; empty when the connection ended. */
  readonly reply: string;
}

/** What became of one person: sources of new history rows by fingerprint of their token, and why the address is suppressed. */
export interface Became {
  readonly rows: readonly { readonly print: string; readonly source: string }[];
  readonly suppressed: string | undefined;
  /** Whether there is any row of theirs: who has left cannot leave again. */
  readonly left: boolean;
}

const COMPLAINT = /feedback-type|complaint|apple-unsubscribe/i;
const ENVELOPE_ID = /original-envelope-id/i;
const OPT_OUT = /opt-out|apple-unsubscribe/i;
const ROLE = /^(?:fbl|abuse|postmaster|unsubscribe)@/;
const BARE = /\r(?!\n)|(?<!\r)\n|\0/;

/** What is wrong about a mail and one of its people; one line each. */
export function judgeMail(
  mail: FuzzedMail,
  answered: Answered,
  { whose, became }: { readonly whose: MailCast[keyof MailCast]; readonly became: Became },
): readonly string[] {
  const findings: string[] = [];
  const { ways, member } = whose;
  const took = answered.reply.startsWith('250');
  const envelope = (address: string): boolean => took && answered.accepted.includes(address);
  const views = lazily(() => viewsOf(mail.content));
  const says = (mark: RegExp): boolean => views().some((view) => mark.test(view));
  // What stands before a token may be written in yet another way, as in an envelope id.
  const letters = (address: string): string => bare(/(?:\+)?([^+@]*)(?:@|$)/.exec(address)?.[1] ?? '');
  const holds = (token: string): boolean =>
    took && views().some((view) => bare(view).includes(letters(token)));
  const byRole = answered.accepted.some((address) => /^(?:fbl|abuse|postmaster)@/.test(address));
  const inside = byRole && (holds(ways.bounce) || holds(ways.leave) || holds(ways.link));
  const complains = (): boolean => (envelope(ways.bounce) || inside) && says(COMPLAINT);

  for (const { print, source } of became.rows) {
    const left =
      print === ways.prints.leave && envelope(ways.leave) && mail.sender !== '' && source === 'header_mailto';
    const complained = source === 'complaint' && complains();
    const passedOn = source === 'header_mailto' && complains() && says(OPT_OUT);
    if (!left && !complained && !passedOn) findings.push(`an invented opt-out: ${source} of ${member.email}`);
  }
  const { suppressed } = became;
  if (suppressed === 'complaint' && !complains()) findings.push(`an invented complaint of ${member.email}`);
  const bounces = (): boolean => envelope(ways.bounce) || (byRole && holds(ways.bounce) && says(ENVELOPE_ID));
  if (suppressed !== undefined && suppressed !== 'complaint' && !bounces())
    findings.push(`an invented bounce of ${member.email}: ${suppressed}`);
  const mustLeave =
    envelope(ways.leave) && mail.sender !== '' && !mayBeAutomatic(mail.content.toString('latin1'));
  if (mustLeave && !became.left) findings.push(`250, and no opt-out of ${member.email}`);
  return findings;
}

/** What is wrong about an answer. */
export function judgeAnswer(
  mail: FuzzedMail,
  { accepted, reply }: Answered,
  cast: MailCast,
): readonly string[] {
  if (reply === '') return ['no answer'];
  if (accepted.length > 0 && !/^(?:250|550|552|554) /.test(reply)) return [`answered ${reply}`];
  if (reply.startsWith('250') && BARE.test(mail.content.toString('latin1')))
    return ['250 to a message with a bare CR, LF or NUL'];
  const ours = [cast.mine, cast.other].flatMap(({ ways }) => [ways.bounce, ways.leave]);
  const strange = accepted.filter((address) => !ours.includes(address) && !ROLE.test(address));
  return strange.map((address) => `accepted ${address}`);
}

/** What is wrong about an unchanged report. */
export function judgeGolden({ golden }: FuzzedMail, { rows, suppressed }: Became): readonly string[] {
  if (golden === null) return [];
  const kinds = golden.recipients.map(({ kind }) => kind);
  const optOut = golden.feedbackType === 'opt-out';
  const complains = kinds.includes('complaint');
  const wantedRows = complains ? [optOut ? 'header_mailto' : 'complaint'] : [];
  const found = rows.map(({ source }) => source);
  const findings: string[] = [];
  if (found.join() !== wantedRows.join())
    findings.push(`${golden.name}: [${found}] instead of [${wantedRows}]`);
  const wanted = complains ? (optOut ? undefined : 'complaint') : kinds.includes('hard') ? 'hard' : undefined;
  // Several blocks are weighed against each other; the tests of reports say how.
  if ((wanted !== 'hard' || kinds.length === 1) && suppressed !== wanted)
    findings.push(`${golden.name}: suppressed ${suppressed} instead of ${wanted}`);
  return findings;
}

/** The octets as they are, and as every encoding makes them, twice over. */
function viewsOf(content: Buffer): readonly string[] {
  const plain = content.toString('latin1');
  const once = decodings(plain);
  return [plain, ...once, ...once.flatMap(decodings)];
}

function decodings(text: string): readonly string[] {
  const quoted = text
    .replace(/=[ \t]*\r?\n/g, '')
    .replace(/=([0-9a-f]{2})/gi, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  const blocks = text.split(/\r?\n[ \t]*\r?\n|\r?\n--[^\r\n]*\r?\n?/);
  const words = [...text.matchAll(/=\?[^?\s]*\?b\?([^?]*)\?=/gi)].map(([, word = '']) => word);
  const decoded = [...blocks, ...words]
    .filter((block) => block.length > 8)
    .map((block) => Buffer.from(block, 'base64').toString('latin1'));
  return [quoted, decoded.join('\r\n')];
}

/** Letters only: folds, and what stands between the letters of a token, are nobody's business here. */
function bare(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, '').toLowerCase();
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
