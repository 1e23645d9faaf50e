/**
 * Many mails against one listener and a real database, and what must not come of them: a crash, a hang, an invented opt-out.
 *
 * A thread that could not read a mail is a finding as well: the listener answers all the same, so nobody else would notice.
 *
 * Every mail has somebody and a day of its own, so each row that comes of it names it; what is in the database afterwards is held
 * against what the mail's judge allows, and rows of whoever was not meant are findings, too.
 *
 * @module
 */
import { SILENT } from '@adieu/core';
import type { Evidence } from '@adieu/store/testing';
import type { Readers } from '../readers.ts';
import { type Caller, greet } from './caller.ts';
import type { Crowd, Member } from './crowd.ts';
import { type FuzzedMail, type MailCast, makeMail } from './fuzzed-mail.ts';
import { type Answered, type Became, judgeAnswer, judgeGolden, judgeMail } from './mail-judge.ts';
import type { Office } from './office.ts';
import type { Watchdog } from './watchdog.ts';

export interface MailFuzzOptions {
  readonly office: Office;
  /** Of the first mail; each further one has the next. */
  readonly seed: number;
  readonly count: number;
  /** Connections at a time; 30 unless told otherwise. */
  readonly abreast?: number;
  /** What reads the mails; the office's unless told otherwise. */
  readonly readers?: Readers;
  /** Is told what is in hand, by place. */
  readonly hold?: Watchdog['hold'];
  /** Sees each mail before it is brought. */
  readonly show?: (mail: FuzzedMail) => void;
}

export interface MailFuzzOutcome {
  readonly mails: number;
  /** Answered 250. */
  readonly taken: number;
  /** Rows of history that came of them. */
  readonly optOuts: number;
  /** Addresses that are suppressed now. */
  readonly suppressed: number;
  /** Kept as they were: each had to do exactly what is written down beside it. */
  readonly unchanged: number;
  readonly connections: number;
  /** Milliseconds of the slowest mail, from MAIL to the last reply. */
  readonly slowestMs: number;
  /** One line each, with the seed that repeats it. */
  readonly findings: readonly string[];
}

/** Everybody's own, and those whose tokens get into the mails of others. */
const BATCH = 1_000;
const OTHERS = 40;
const MAILS_OF_A_CONNECTION = 10;

/** Brings so many mails. */
export async function fuzzMails(options: MailFuzzOptions): Promise<MailFuzzOutcome> {
  const { office, seed, count, abreast = 30, show = () => undefined, hold = () => undefined } = options;
  const { readers = office.readers } = options;
  const { crowd } = office;
  const findings: string[] = [];
  const counts = {
    mails: 0,
    taken: 0,
    optOuts: 0,
    suppressed: 0,
    unchanged: 0,
    connections: 0,
    slowestMs: 0,
  };
  let batch: readonly Brought[] = [];
  const listener = await office.listen({
    readers: {
      ...readers,
      ask: async (question, caller) => {
        const reading = await readers.ask(question, caller);
        if (!reading.ok) findings.push(`${nameIn(batch, question.raw)}: could not be read (${reading.why})`);
        return reading;
      },
    },
    maxPerIp: 4 * abreast,
    maxConnections: 8 * abreast,
    messagesPerMinute: Number.MAX_SAFE_INTEGER,
    // Nobody vouches for anybody: no letter to the plain address can make anyone leave.
    resolver: () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })),
    log: {
      ...SILENT,
      error: (fields, message) => findings.push(`the listener failed: ${message} ${JSON.stringify(fields)}`),
    },
  });
  await crowd.evidence();
  try {
    for (let first = 0; first < count; first += BATCH)
      await bringBatch(seed + first, Math.min(BATCH, count - first));
  } finally {
    await listener.close();
  }
  return { ...counts, findings };

  async function bringBatch(from: number, size: number): Promise<void> {
    const others = await crowd.gather(OTHERS);
    const mine = await crowd.gather(size);
    const brought: Brought[] = mine.map((member, place) => {
      const cast = castOf(crowd, { member, other: others[place % OTHERS] ?? member }, from + place);
      return { cast, mail: makeMail(from + place, cast), answered: { accepted: [], reply: '' } };
    });
    batch = brought;
    let next = 0;
    const lane = async (place: number): Promise<void> => {
      let line: Line | null = null;
      while (next < brought.length) {
        const one = brought[next++];
        if (one === undefined) break;
        hold(place, one.mail.seed);
        show(one.mail);
        const started = performance.now();
        try {
          line = await lineFor(line);
          one.answered = await bring(line.caller, one.mail);
          if (!/^(?:250|50\d|552 5\.3|554 5\.4)/.test(one.answered.reply)) line = hangUp(line);
        } catch (error) {
          findings.push(`seed ${one.mail.seed}: ${error}`);
          line = hangUp(line);
        }
        counts.slowestMs = Math.max(counts.slowestMs, performance.now() - started);
      }
      hold(place, -1);
      hangUp(line);
    };
    await Promise.all(Array.from({ length: abreast }, (_, place) => lane(place)));
    await judge(brought, [...mine, ...others]);
  }

  async function lineFor(line: Line | null): Promise<Line> {
    if (line !== null && line.mails < MAILS_OF_A_CONNECTION) {
      line.mails += 1;
      return line;
    }
    hangUp(line);
    counts.connections += 1;
    return { caller: await greet(listener.port), mails: 1 };
  }

  async function judge(brought: readonly Brought[], members: readonly Member[]): Promise<void> {
    const rows = await crowd.evidence();
    const suppressed = await crowd.suppressed(members);
    const print = new Map(rows.map((row) => [row, `${row.profileId} ${row.fingerprint}`]));
    const byToken = new Map<string, Evidence[]>();
    for (const [row, key] of print) byToken.set(key, [...(byToken.get(key) ?? []), row]);
    const leavers = new Set(rows.map(({ profileId }) => profileId));
    const named = new Set<string>();
    /** Whose address is suppressed for what no single mail allows. */
    const unexplained = new Map(suppressed);

    for (const { cast, mail, answered } of brought) {
      const find = (what: string): number => findings.push(`seed ${mail.seed}: ${what}`);
      judgeAnswer(mail, answered, cast).forEach(find);
      counts.mails += 1;
      if (answered.reply.startsWith('250')) counts.taken += 1;
      for (const whose of [cast.mine, cast.other]) {
        const { member, ways } = whose;
        const found = Object.values(ways.prints).flatMap((one) => {
          named.add(`${member.profile} ${one}`);
          return byToken.get(`${member.profile} ${one}`) ?? [];
        });
        const reason = suppressed.get(member.email);
        const became: Became = {
          rows: found.map(({ fingerprint, source }) => ({ print: fingerprint ?? '', source })),
          suppressed: reason,
          left: leavers.has(member.profile),
        };
        const judged = judgeMail(mail, answered, { whose, became });
        // Others are in forty mails: one of them has to explain it.
        const aside = whose === cast.other ? judged.filter((what) => !what.includes(' opt-out')) : [];
        if (aside.length === 0) unexplained.delete(member.email);
        judged.filter((what) => !aside.includes(what)).forEach(find);
        if (whose === cast.mine && mail.golden !== null) {
          counts.unchanged += 1;
          judgeGolden(mail, became).forEach(find);
        }
      }
    }
    for (const [row, key] of print)
      if (!named.has(key)) findings.push(`an opt-out that names no mail: ${JSON.stringify(row)}`);
    for (const [email, reason] of unexplained) findings.push(`${email} is suppressed for nothing: ${reason}`);
    counts.optOuts += rows.length;
    counts.suppressed += suppressed.size;
  }
}

interface Line {
  readonly caller: Caller;
  mails: number;
}

interface Brought {
  readonly cast: MailCast;
  readonly mail: FuzzedMail;
  answered: Answered;
}

/** The mail that a thread was given, as far as it was kept. */
function nameIn(batch: readonly Brought[], raw: Uint8Array): string {
  const found = batch.filter(({ mail: { content } }) => {
    const kept = Math.min(content.length, raw.length);
    return content.subarray(0, kept).equals(raw.subarray(0, kept));
  });
  return `seed ${found.map(({ mail }) => mail.seed).join(' or ')}`;
}

function castOf(
  crowd: Crowd,
  { member, other }: { readonly member: Member; readonly other: Member },
  day: number,
): MailCast {
  // Days of tokens end at 2^22.
  const ways = (one: Member) => ({ member: one, ways: crowd.waysOut(one, day % 4_000_000) });
  return { mine: ways(member), other: ways(other) };
}

/** One transaction, said in one go up to DATA, as senders that pipeline do. */
async function bring(caller: Caller, { sender, recipients, content }: FuzzedMail): Promise<Answered> {
  const lines = ['RSET', `MAIL FROM:<${sender}>`, ...recipients.map((one) => `RCPT TO:<${one}>`), 'DATA'];
  caller.say(`${lines.join('\r\n')}\r\n`);
  await caller.hear();
  await caller.hear();
  const accepted: string[] = [];
  for (const recipient of recipients) if ((await caller.hear()).startsWith('250')) accepted.push(recipient);
  const go = await caller.hear();
  if (!go.startsWith('354')) return { accepted, reply: go };
  const stuffed = content.toString('latin1').replace(/(^|\r\n)\./g, '$1..');
  caller.say(Buffer.from(`${stuffed}\r\n.\r\n`, 'latin1'));
  return { accepted, reply: await caller.hear() };
}

function hangUp(line: Line | null): null {
  line?.caller.hangUp();
  return null;
}
