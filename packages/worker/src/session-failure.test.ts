import { afterEach, describe, expect, test } from '@jest/globals';
import {
  closeSessions,
  first,
  message,
  notSent,
  on,
  replied,
  startSession as start,
  UNKNOWN,
  WITHOUT_PIPELINING,
} from './testing/session-stage.ts';

afterEach(closeSessions);

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
    const content = [Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(20_000))];
    expect(await session.send(message('a', { content }))).toEqual(notSent('lost'));
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
    const content = [Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(40_000))];
    expect(await session.send(message('a', { content }))).toEqual(notSent('lost'));
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

  test('nothing more is taken after that', async () => {
    const [session] = await start({});
    const sent = session.send(message('a'));
    session.retire();
    expect(await session.send(message('b'))).toEqual(notSent('lost'));
    expect(await sent).toEqual(replied('content', 250));
    expect(await session.send(message('c'))).toEqual(notSent('lost'));
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
