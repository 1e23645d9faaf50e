import { afterEach, describe, expect, test } from '@jest/globals';
import type { Step } from './testing/scripted-relay.ts';
import {
  closeSessions,
  first,
  message,
  notSent,
  on,
  replied,
  startSession as start,
  WITHOUT_PIPELINING,
} from './testing/session-stage.ts';
import type { Outcome } from './transaction.ts';

afterEach(closeSessions);

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
    expect(relay.mails[0]?.raw.toString()).toBe(Buffer.concat(message('a').content).toString());
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
    expect(relay.mails[0]?.command).toBe(`MAIL FROM:<bounce+x@news.example.com> SIZE=${message('a').size}`);
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
    const content = [
      ...message('a').content,
      Buffer.from(`${'x'.repeat(70)}\r\n.${'y'.repeat(70)}\r\n`.repeat(9000)),
    ];
    const both = [session.send(message('a', { content })), session.send(message('b'))];
    expect(await Promise.all(both)).toEqual([replied('content', 250), replied('content', 250)]);
    expect(relay.mails[0]?.raw.equals(Buffer.concat(content))).toBe(true);
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
    const content = [Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(20_000))];
    expect(await session.send(message('a', { content }))).toEqual(replied('content', 552));
  });
});
