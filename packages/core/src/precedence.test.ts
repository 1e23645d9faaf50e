import { describe, expect, test } from '@jest/globals';
import type { BodyLink, HeaderPlan, ListUnsubscribeSettings } from './precedence.ts';
import { planListUnsubscribe } from './precedence.ts';

const ON: ListUnsubscribeSettings = { enabled: true, mailto: true, oneClick: true, consentLevel: 'channel' };
const oneClick = (level: BodyLink['level'], page?: string): BodyLink => ({
  type: 'one-click',
  level,
  ...(page === undefined ? {} : { page }),
});
const others: BodyLink[] = [
  { type: 'unsubscribe', level: 'channel' },
  { type: 'mirror', level: 'channel' },
];

function plan(
  settings: Partial<ListUnsubscribeSettings>,
  links: BodyLink[] = [],
  inbound = true,
): HeaderPlan {
  return planListUnsubscribe({ ...ON, ...settings }, links, inbound);
}

describe('U1 the switches', () => {
  test('U1 off means no header, whatever else is on', () => {
    expect(plan({ enabled: false }, [oneClick('channel')])).toEqual({
      kind: 'none',
      why: 'List-Unsubscribe is off in the channel configuration.',
    });
  });

  test('U1 mailto stands in the header where it is on and somebody listens', () => {
    expect(plan({})).toMatchObject({ kind: 'header', mailto: true });
    expect(plan({ mailto: false })).toMatchObject({ kind: 'header', mailto: false });
    expect(plan({}, [], false)).toMatchObject({ kind: 'header', mailto: false });
  });
});

describe('U2 the precedence', () => {
  test('U2 one-click on gives a generated URL, even if the body has a one-click link', () => {
    expect(plan({})).toMatchObject({ url: { from: 'generated', level: 'channel' } });
    expect(plan({}, [oneClick('identity')])).toMatchObject({ url: { from: 'generated', level: 'channel' } });
  });

  test("U2 one-click off takes the body's first one-click link, with its own level", () => {
    const links = [...others, oneClick('identity', 'https://brand.example/bye'), oneClick('subscription')];
    expect(plan({ oneClick: false }, links)).toMatchObject({
      url: { from: 'body', index: 2, level: 'identity' },
    });
  });

  test('U2 without any URL the mailto stands alone', () => {
    expect(plan({ oneClick: false }, others)).toMatchObject({ kind: 'header', url: null, mailto: true });
    expect(plan({ oneClick: false, mailto: false }, others).kind).toBe('none');
    expect(plan({ oneClick: false }, others, false).kind).toBe('none');
  });
});

describe('U3 the level', () => {
  test("U3 header and mailto share the configuration's level", () => {
    for (const consentLevel of ['channel', 'identity', 'subscription'] as const) {
      expect(plan({ consentLevel })).toMatchObject({ url: { level: consentLevel } });
    }
  });
});

test('every plan says why it is as it is', () => {
  const whyOf = (made: HeaderPlan): string => (made.kind === 'none' ? made.why : made.why.join(' '));
  expect(whyOf(plan({}, [oneClick('identity')]))).toContain(
    'generated URL of level channel, though the body has',
  );
  expect(whyOf(plan({ oneClick: false }, [oneClick('identity')]))).toContain('of level identity');
  expect(whyOf(plan({ oneClick: false }, []))).toContain('no one-click link');
  expect(whyOf(plan({}, [], false))).toContain('no inbound listener');
  expect(whyOf(plan({ oneClick: false, mailto: false }))).toContain('Mailto is off');
});
