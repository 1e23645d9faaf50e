import { afterEach, describe, expect, test } from '@jest/globals';
import { openConnection } from './connection.ts';
import { readRelayUrl } from './relay-url.ts';
import { openSession, type Session } from './session.ts';
import {
  type Answer,
  type RelayScript,
  type ScriptedRelay,
  type Step,
  startScriptedRelay,
} from './testing/scripted-relay.ts';
import { type Outcome, type Outgoing, RFC_TIMEOUTS, type SmtpTimeouts } from './transaction.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(
  script: RelayScript,
  timeouts: Partial<SmtpTimeouts> = {},
): Promise<[Session, ScriptedRelay]> {
  const relay = await startScriptedRelay(script);
  const session = openSession(await openConnection(readRelayUrl(relay.url)), {
    ...RFC_TIMEOUTS,
    ...timeouts,
  });
  closing.push(relay.close, session.cut);
  return [session, relay];
}

/** A message named `id`; fresh for a minute, or for `freshMs`. */
function message(id: string, more: Partial<Outgoing> & { freshMs?: number } = {}): Outgoing {
  const { freshMs = 60_000, ...rest } = more;
  return {
    from: 'bounce+x@news.example.com',
    to: `${id}@example.com`,
    smtputf8: false,
    bytes: Buffer.from(`Message-ID: <${id}>\r\nSubject: test\r\n\r\n.dot\r\n..two\r\n`),
    startBy: performance.now() + freshMs,
    leased: () => true,
    ...rest,
  };
}

const on = (answers: Partial<Record<Step['stage'], Answer>>, when: (step: Step) => boolean = () => true) => ({
  answer: (step: Step) => (when(step) ? answers[step.stage] : undefined),
});
const first = (step: Step): boolean => step.transaction === 1;
const replied = (stage: string, code: number) =>
  expect.objectContaining({ kind: 'replied', stage, reply: expect.objectContaining({ code }) });
const notSent = (why: string): Outcome => ({ kind: 'not-sent', why }) as Outcome;
const UNKNOWN: Outcome = { kind: 'unknown' };
const WITHOUT_PIPELINING = ['8BITMIME'];

/** Waits until what stands unread behind a command fulfils the condition. */
async function until(step: Step, holds: (unread: string) => boolean): Promise<undefined> {
  while (!holds(step.unread())) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('a transaction', () => {
  test.each([
    ['with PIPELINING', undefined],
    ['without PIPELINING', WITHOUT_PIPELINING],
  ])('%s delivers the message as it is', async (_, extensions) => {
    const [session, relay] = await start(extensions === undefined ? {} : { extensions });
    expect(await session.send(message('a'))).toEqual(replied('content', 250));
    expect(relay.mails[0]).toMatchObject({
      from: 'bounce+x@news.example.com',
      to: 'a@example.com',
      messageId: '<a>',
    });
    expect(relay.mails[0]?.raw.toString()).toBe(message('a').bytes.toString());
  });

  test('with PIPELINING the whole envelope is there before the first reply', async () => {
    const [session] = await start({
      answer: (step) =>
        step.stage === 'mail' ? until(step, (unread) => /^RCPT.*\r\nDATA\r\n$/.test(unread)) : undefined,
    });
    expect(await session.send(message('a'))).toEqual(replied('content', 250));
  });

  test('without PIPELINING every command waits for its reply', async () => {
    const unread: string[] = [];
    const [session] = await start({
      extensions: WITHOUT_PIPELINING,
      answer: async (step) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        unread.push(step.unread());
        return undefined;
      },
    });
    await Promise.all([session.send(message('a')), session.send(message('b'))]);
    expect(unread.filter((text) => /RCPT|DATA|MAIL/.test(text))).toEqual([]);
  });

  test('the next envelope is chained behind the final dot', async () => {
    const [session, relay] = await start({
      answer: (step) =>
        step.stage === 'content' && step.transaction < 3
          ? until(step, (unread) => /^MAIL.*\r\nRCPT.*\r\nDATA\r\n$/.test(unread))
          : undefined,
    });
    const sent: Promise<Outcome>[] = [session.send(message('a')), session.send(message('b'))];
    await sent[0];
    sent.push(session.send(message('c')));
    expect(await Promise.all(sent)).toEqual(sent.map(() => replied('content', 250)));
    expect(relay.mails.map((mail) => mail.messageId)).toEqual(['<a>', '<b>', '<c>']);
    expect(relay.connections()).toBe(1);
  });

  test('SIZE is named, SMTPUTF8 is not, for an ordinary message', async () => {
    const [session, relay] = await start({ extensions: ['PIPELINING', 'SIZE 1000', 'SMTPUTF8', '8BITMIME'] });
    await session.send(message('a'));
    expect(relay.mails[0]?.command).toBe(
      `MAIL FROM:<bounce+x@news.example.com> SIZE=${message('a').bytes.length}`,
    );
  });

  test('OH-19: a UTF-8 local part goes out with SMTPUTF8 where the relay offers it', async () => {
    const [session, relay] = await start({ extensions: ['PIPELINING', 'SMTPUTF8', '8BITMIME'] });
    await session.send(message('a', { to: 'jürgen@example.com', smtputf8: true }));
    expect(relay.mails[0]?.command).toMatch(/> BODY=8BITMIME SMTPUTF8$/);
    expect(relay.mails[0]?.to).toBe('jürgen@example.com');
  });

  test('OH-19: a UTF-8 local part is never shown to a relay without SMTPUTF8', async () => {
    const [session, relay] = await start({});
    expect(await session.send(message('a', { to: 'jürgen@example.com' }))).toEqual(notSent('no-smtputf8'));
    expect(await session.send(message('b', { smtputf8: true }))).toEqual(notSent('no-smtputf8'));
    expect(relay.mails).toEqual([]);
  });

  test('a message over the relay’s SIZE is not offered', async () => {
    const [session] = await start({ extensions: ['PIPELINING', 'SIZE 10'] });
    expect(await session.send(message('a'))).toEqual(notSent('too-large'));
  });

  test.each(['a@b.c>\r\nRCPT TO:<d@e.f', 'a b@c.d', 'a>@b.c', '', 'a\0@b.c'])(
    'OH-16: an address like %j is no argument of a command',
    async (to) => {
      const [session, relay] = await start({});
      expect(await session.send(message('a', { to }))).toEqual(notSent('bad-address'));
      expect(await session.send(message('b'))).toEqual(replied('content', 250));
      expect(relay.mails).toHaveLength(1);
    },
  );

  test('a large message goes out in blocks and arrives whole', async () => {
    const [session, relay] = await start({});
    const bytes = Buffer.concat([
      message('a').bytes,
      Buffer.from(`${'x'.repeat(70)}\r\n.${'y'.repeat(70)}\r\n`.repeat(9000)),
    ]);
    const both = [session.send(message('a', { bytes })), session.send(message('b'))];
    expect(await Promise.all(both)).toEqual([replied('content', 250), replied('content', 250)]);
    expect(relay.mails[0]?.raw.equals(bytes)).toBe(true);
  });

  test('replies split octet by octet are understood', async () => {
    const [session] = await start({
      dribble: true,
      ...on({ content: '250-2.0.0 taken\r\n250 2.0.0 as 4711' }),
    });
    const outcomes = await Promise.all([session.send(message('a')), session.send(message('b'))]);
    expect(outcomes[1]).toMatchObject({ reply: { code: 250, enhanced: '2.0.0', text: 'taken as 4711' } });
  });
});

describe('a refusal', () => {
  const stages = ['mail', 'rcpt', 'data', 'content'] as const;
  const cases = stages.flatMap((stage) =>
    [450, 550].flatMap((code) => [true, false].map((pipelining) => [code, stage, pipelining] as const)),
  );

  test.each(cases)(
    '%i at %s (pipelining: %s) is the outcome, and the next message is not affected',
    async (code, stage, pipelining) => {
      const [session, relay] = await start({
        ...(pipelining ? {} : { extensions: WITHOUT_PIPELINING }),
        ...on({ [stage]: `${code}-1.2.3 no\r\n${code} never` }, first),
      });
      const both = await Promise.all([session.send(message('a')), session.send(message('b'))]);
      expect(both).toEqual([replied(stage, code), replied('content', 250)]);
      expect([...relay.counts()]).toEqual([['<b>', 1]]);
      expect(relay.connections()).toBe(1);
    },
  );

  test('RCPT refused and DATA answered with 354 sends an empty message to nobody', async () => {
    const [session, relay] = await start(
      on({ rcpt: '550 5.1.1 no such user', data: '354 go', content: '554 5.5.1 nobody' }, first),
    );
    const both = await Promise.all([session.send(message('a')), session.send(message('b'))]);
    expect(both).toEqual([replied('rcpt', 550), replied('content', 250)]);
    expect(relay.mails.map((mail) => mail.messageId)).toEqual(['<b>']);
  });

  test('MAIL refused and DATA answered with 354 drops the connection, without content', async () => {
    const [session, relay] = await start(on({ mail: '550 5.7.1 go away', data: '354 go' }, first));
    expect(await session.send(message('a'))).toEqual(replied('mail', 550));
    expect(await session.end).toBe('relay');
    expect(relay.mails).toEqual([]);
  });

  test('a relay that has seen enough before the end is taken at its word', async () => {
    const [session] = await start({
      extensions: ['PIPELINING'],
      ...on({ body: { say: '552 5.3.4 too big', act: 'close' } }),
    });
    const bytes = Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(20_000));
    expect(await session.send(message('a', { bytes }))).toEqual(replied('content', 552));
  });
});

describe('a connection that fails', () => {
  test.each([
    ['421 at MAIL', on({ mail: { say: '421 4.3.2 bye', act: 'close' } }, first), 'closing'],
    ['421 at RCPT', on({ rcpt: { say: '421 4.3.2 bye', act: 'close' } }, first), 'closing'],
    ['421 at DATA', on({ data: { say: '421 4.3.2 bye', act: 'close' } }, first), 'closing'],
    ['421 to the final dot', on({ content: { say: '421 4.3.2 bye', act: 'close' } }, first), 'closing'],
    ['closing at MAIL', on({ mail: { act: 'close' } }, first), 'lost'],
    ['closing at DATA', on({ data: { act: 'close' } }, first), 'lost'],
    ['resetting at RCPT', on({ rcpt: { act: 'reset' } }, first), 'lost'],
    ['speaking another protocol', on({ rcpt: 'HTTP/1.1 400' }, first), 'lost'],
    ['a reply that never ends', on({ rcpt: `${'250-x\r\n'.repeat(60_000)}250-x` }, first), 'lost'],
    ['a flood of replies', on({ rcpt: `250 ok\r\n${'250 and ok\r\n'.repeat(1000)}250 ok` }, first), 'lost'],
    ['250 to DATA', on({ data: '250 thanks' }, first), 'lost'],
  ])('%s: neither message was sent, neither is to blame', async (_, script, why) => {
    const [session, relay] = await start(script);
    const both = await Promise.all([session.send(message('a')), session.send(message('b'))]);
    expect(both[0]).toEqual(notSent(why));
    expect(both[1]).toEqual(notSent('lost'));
    expect(await session.end).toBe('relay');
    expect(relay.counts().size).toBe(0);
  });

  test('lost in the middle of the content: known not to be sent', async () => {
    const [session, relay] = await start({ extensions: ['PIPELINING'], ...on({ body: { act: 'reset' } }) });
    const bytes = Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(20_000));
    expect(await session.send(message('a', { bytes }))).toEqual(notSent('lost'));
    expect(relay.mails).toEqual([]);
  });

  test.each(['close', 'reset'] as const)(
    'S9: %s after the final dot without a reply: unknown, and the chained message not sent',
    async (act) => {
      const [session] = await start(on({ content: { act } }));
      const both = await Promise.all([session.send(message('a')), session.send(message('b'))]);
      expect(both).toEqual([UNKNOWN, notSent('lost')]);
    },
  );

  test('S9: no reply to the final dot in time: unknown', async () => {
    const [session] = await start(on({ content: { act: 'go on' } }), { final: 50 });
    expect(await session.send(message('a'))).toEqual(UNKNOWN);
    expect(await session.end).toBe('relay');
  });

  test.each(['mail', 'rcpt', 'data'] as const)('no reply to %s in time: not sent', async (stage) => {
    let silent = false;
    const [session] = await start(
      {
        answer: (step) => {
          silent ||= step.stage === stage;
          return silent ? { act: 'go on' } : undefined;
        },
      },
      { [stage]: 50 },
    );
    expect(await session.send(message('a'))).toEqual(notSent('lost'));
  });

  test('a relay that stops reading in the middle of the content: not sent', async () => {
    const [session] = await start(
      { extensions: ['PIPELINING'], ...on({ body: { act: 'stall' } }) },
      { block: 200 },
    );
    // More than the socket buffers of both sides hold.
    const bytes = Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(40_000));
    expect(await session.send(message('a', { bytes }))).toEqual(notSent('lost'));
    expect(await session.end).toBe('relay');
  });

  test('421 on an idle connection ends it and blames nobody', async () => {
    const [session, relay] = await start(on({ content: '250 ok\r\n421 4.4.2 idle for too long' }));
    expect(await session.send(message('a'))).toEqual(replied('content', 250));
    expect(await session.end).toBe('idle');
    expect(await session.send(message('b'))).toEqual(notSent('lost'));
    expect(relay.mails).toHaveLength(1);
  });
});

describe('OH-27: an intent has its time', () => {
  test('content never starts when the lease was lost while the envelope was on its way', async () => {
    let leased = true;
    const [session, relay] = await start({
      answer: (step) => {
        if (step.stage === 'rcpt') leased = false;
        return undefined;
      },
    });
    expect(await session.send(message('a', { leased: () => leased }))).toEqual(notSent('lease-lost'));
    expect(await session.end).toBe('ours');
    expect(relay.mails).toEqual([]);
  });

  test.each([
    ['with', undefined],
    ['without', WITHOUT_PIPELINING],
  ])('content never starts when the 354 comes too late, %s PIPELINING', async (_, extensions) => {
    const [session, relay] = await start({
      ...(extensions === undefined ? {} : { extensions }),
      answer: async (step) => {
        if (step.stage === 'data') await new Promise((resolve) => setTimeout(resolve, 150));
        return undefined;
      },
    });
    expect(await session.send(message('a', { freshMs: 50 }))).toEqual(notSent('stale'));
    expect(await session.end).toBe('relay');
    expect(relay.mails).toEqual([]);
  });

  test('a relay that is slow to ask for content gets it under a new intent, on the same connection', async () => {
    const [session, relay] = await start({
      answer: async (step) => {
        if (step.stage === 'data') await new Promise((resolve) => setTimeout(resolve, 150));
        return undefined;
      },
    });
    let asked = 0;
    const renew = async (): Promise<number> => {
      asked++;
      return performance.now() + 1000;
    };
    expect(await session.send(message('a', { freshMs: 50, renew }))).toEqual(replied('content', 250));
    expect(asked).toBe(1);
    expect(session.depth()).toBe(2);
    expect(relay.connections()).toBe(1);
  });

  test('content never starts when no new intent is to be had', async () => {
    const [session, relay] = await start({
      answer: async (step) => {
        if (step.stage === 'data') await new Promise((resolve) => setTimeout(resolve, 150));
        return undefined;
      },
    });
    expect(await session.send(message('a', { freshMs: 50, renew: async () => null }))).toEqual(
      notSent('stale'),
    );
    expect(await session.end).toBe('relay');
    expect(relay.mails).toEqual([]);
  });

  test('a message chained behind a slow one is given back in time, and the slow one is not disturbed', async () => {
    let release: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const [session, relay] = await start({
      answer: async (step) => {
        if (step.stage === 'content') await gate;
        return undefined;
      },
    });
    const slow = session.send(message('a'));
    expect(await session.send(message('b', { freshMs: 50 }))).toEqual(notSent('stale'));
    release();
    expect(await slow).toEqual(replied('content', 250));
    expect(await session.end).toBe('relay');
    expect(relay.mails.map((mail) => mail.messageId)).toEqual(['<a>']);
  });

  test('without PIPELINING a slow envelope is left by RSET, not by dropping the connection', async () => {
    const [session, relay] = await start({
      extensions: WITHOUT_PIPELINING,
      answer: async (step) => {
        if (step.stage === 'mail' && first(step)) await new Promise((resolve) => setTimeout(resolve, 150));
        return undefined;
      },
    });
    expect(await session.send(message('a', { freshMs: 50 }))).toEqual(notSent('stale'));
    expect(await session.send(message('b'))).toEqual(replied('content', 250));
    expect(relay.connections()).toBe(1);
  });

  test('after a slow reply only one message is asked for at a time', async () => {
    const [session] = await start({
      answer: async (step) => {
        if (step.stage === 'content') await new Promise((resolve) => setTimeout(resolve, 1100));
        return undefined;
      },
    });
    expect(session.depth()).toBe(2);
    await session.send(message('a'));
    expect(session.depth()).toBe(1);
  });
});

describe('leaving', () => {
  test('retire says QUIT after what it holds', async () => {
    const stages: string[] = [];
    const [session] = await start({
      answer: (step) => {
        stages.push(step.stage);
        return undefined;
      },
    });
    const both = [session.send(message('a')), session.send(message('b'))];
    session.retire();
    expect(session.depth()).toBe(0);
    expect(await Promise.all(both)).toEqual([replied('content', 250), replied('content', 250)]);
    expect(await session.end).toBe('ours');
    expect(stages.at(-1)).toBe('quit');
  });

  test('cut makes content under way unknown', async () => {
    const [session] = await start(on({ content: { act: 'go on' } }));
    const sent = session.send(message('a'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    session.cut();
    expect(await sent).toEqual(UNKNOWN);
    expect(await session.end).toBe('ours');
  });
});
