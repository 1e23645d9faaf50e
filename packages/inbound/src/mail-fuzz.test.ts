import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WaysOut } from './testing/crowd.ts';
import { type FuzzedMail, type MailCast, makeMail } from './testing/fuzzed-mail.ts';
import { fuzzMails } from './testing/mail-fuzz.ts';
import { type Became, judgeAnswer, judgeGolden, judgeMail } from './testing/mail-judge.ts';
import { type Office, openOffice } from './testing/office.ts';
import { fuzzReaders } from './testing/reader-fuzz.ts';
import { watch } from './testing/watchdog.ts';

let office: Office;
const dog = watch({ places: 30 });
beforeAll(async () => {
  office = await openOffice();
});
afterAll(async () => {
  await dog.close();
  await office.close();
});

/** A slice of the campaign, which goes on from here. */
const SEED = 1;
const MAILS = 3_000;
const NOISES = 15_000;

describe('mails that something was done to', () => {
  test('I5 IN-9 BC-1 no crash, no hang, no invented opt-out, and unchanged reports do what they say', async () => {
    const outcome = await fuzzMails({ office, seed: SEED, count: MAILS, hold: dog.hold });
    const { findings, ...counts } = outcome;
    console.info(JSON.stringify(counts));
    expect(findings).toEqual([]);
    expect(outcome.mails).toBe(MAILS);
    // They are not all refused, nor all taken for nothing.
    expect(outcome.taken).toBeGreaterThan(MAILS / 2);
    expect(outcome.optOuts).toBeGreaterThan(MAILS / 20);
    expect(outcome.suppressed).toBeGreaterThan(MAILS / 20);
    expect(outcome.unchanged).toBeGreaterThan(MAILS / 20);
  }, 900_000);

  test('I5 random octets are no report, whatever reads them', () => {
    const outcome = fuzzReaders({ seed: SEED, count: NOISES, hold: dog.hold });
    expect(outcome.findings).toEqual([]);
    expect(outcome.inputs).toBe(NOISES);
  }, 300_000);

  test('that cannot be read are found, although they are answered', async () => {
    const broken = { ...office.readers, ask: async () => ({ ok: false, why: 'fault' }) as const };
    const { findings } = await fuzzMails({ office, seed: SEED, count: 20, readers: broken });
    const unread = findings.filter((finding) => /^seed \d+: could not be read \(fault\)$/.test(finding));
    expect(unread.length).toBeGreaterThan(0);
  });

  test('a seed gives the same mail again', () => {
    const [one, same, other] = [makeMail(7, CAST), makeMail(7, CAST), makeMail(8, CAST)];
    expect(one).toEqual(same);
    expect(one.content).not.toEqual(other.content);
  });
});

describe('the judge of a mail', () => {
  const NOTHING: Became = { rows: [], suppressed: undefined, left: false };
  const judge = (mail: Partial<FuzzedMail>, accepted: readonly string[], became: Partial<Became>) =>
    judgeMail(
      { seed: 1, sender: 'a@b.example', recipients: [], golden: null, content: Buffer.from(''), ...mail },
      { accepted, reply: '250 OK' },
      { whose: CAST.mine, became: { ...NOTHING, ...became } },
    );
  const row = (print: string, source: string) => ({ rows: [{ print, source }], left: true });
  const abuse = (within: string) => ({ content: Buffer.from(`Feedback-Type: abuse\r\n\r\n${within}`) });

  test.each([
    ['quoted-printable', (text: string) => [...text].map((c) => `=${c.charCodeAt(0).toString(16)}`).join('')],
    ['base64', (text: string) => Buffer.from(text).toString('base64')],
    ['a fold', (text: string) => `${text.slice(0, 20)}\r\n ${text.slice(20)}`],
    ['nothing', (text: string) => text],
  ])('finds a token within %s', (_what, wrap) => {
    const mail = abuse(wrap(`<${MINE.bounce}>`));
    expect(judge(mail, ['fbl@x.example'], row(MINE.prints.bounce, 'complaint'))).toEqual([]);
  });

  test('calls a complaint invented where the token is missing, differs, or stands before no address of ours', () => {
    const became = { ...row(MINE.prints.bounce, 'complaint'), suppressed: 'complaint' };
    const invented = [
      expect.stringMatching(/^an invented opt-out/),
      expect.stringMatching(/^an invented co/),
    ];
    expect(judge(abuse('nothing'), ['fbl@x.example'], became)).toEqual(invented);
    expect(judge(abuse(MINE.bounce.replace('a', 'b')), ['fbl@x.example'], became)).toEqual(invented);
    expect(judge(abuse(MINE.bounce), ['unsubscribe@x.example'], became)).toEqual(invented);
    expect(judge({ content: Buffer.from(MINE.bounce) }, ['fbl@x.example'], became)).toEqual(invented);
  });

  test('calls a bounce invented that no return path brought, and misses an opt-out that was promised', () => {
    expect(judge(abuse(MINE.bounce), ['fbl@x.example'], { suppressed: 'hard' })).toEqual([
      expect.stringMatching(/^an invented bounce/),
    ]);
    expect(judge({}, [MINE.bounce], { suppressed: 'hard' })).toEqual([]);
    const named = { content: Buffer.from(`Original-Envelope-Id: ${MINE.bounce.split('@')[0]}\r\n`) };
    expect(judge(named, ['abuse@x.example'], { suppressed: 'hard' })).toEqual([]);
    expect(judge({}, [MINE.leave], {})).toEqual([expect.stringMatching(/^250, and no opt-out/)]);
    expect(judge({ sender: '' }, [MINE.leave], {})).toEqual([]);
    expect(judge({}, [MINE.leave], row(MINE.prints.leave, 'header_mailto'))).toEqual([]);
    expect(judge({}, [MINE.leave], row(MINE.prints.bounce, 'header_mailto'))).toHaveLength(1);
  });

  test('minds what is answered, and what an unchanged report does', () => {
    const mail = makeMail(1, CAST);
    const answer = (accepted: readonly string[], reply: string, content = 'a\r\n') =>
      judgeAnswer({ ...mail, content: Buffer.from(content) }, { accepted, reply }, CAST);
    expect(answer([MINE.bounce], '250 OK')).toEqual([]);
    expect(answer([MINE.bounce], '451 later')).toEqual(['answered 451 later']);
    expect(answer([MINE.bounce], '')).toEqual(['no answer']);
    expect(answer([MINE.bounce], '250 OK', 'a\nb')).toHaveLength(1);
    expect(answer([`${MINE.bounce}x`], '250 OK')).toHaveLength(1);
    const golden = { name: 'x', recipients: [{ kind: 'hard' }] };
    expect(judgeGolden({ ...mail, golden }, { ...NOTHING, suppressed: 'hard' })).toEqual([]);
    expect(judgeGolden({ ...mail, golden }, NOTHING)).toHaveLength(1);
    expect(judgeGolden({ ...mail, golden }, { ...NOTHING, ...row('x', 'complaint') })).toHaveLength(2);
  });
});

function ways(name: string): WaysOut {
  const token = name.repeat(45);
  return {
    bounce: `bounce+${token}@news.example.com`,
    leave: `unsubscribe+${token}@news.example.com`,
    foreign: `bounce+${'z'.repeat(45)}@news.example.com`,
    link: `params=${name}&pid=${name}&sig=${name}`,
    prints: { bounce: `${name}1`, leave: `${name}2`, link: `${name}3` },
  };
}

const MINE = ways('a');
const CAST: MailCast = {
  mine: { member: { email: 'mine@example.net', profile: 1, address: 1 }, ways: MINE },
  other: { member: { email: 'other@example.net', profile: 2, address: 2 }, ways: ways('b') },
};
