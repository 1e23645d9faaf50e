import { describe, expect, test } from '@jest/globals';
import type { ChannelConfiguration } from './channel-configuration.ts';
import {
  checkChannelConfiguration,
  checkExecutionList,
  completeChannelConfiguration,
  isAligned,
} from './channel-configuration.ts';
import { isFailure } from './failure.ts';

const GOOD: ChannelConfiguration = completeChannelConfiguration('newsletter', {
  subdomain: 'news.example.com',
  emailType: 'marketing',
  from: { name: 'Brand', email: 'hello@news.example.com' },
});

function outcome(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isFailure(error)) return `${error.code} ${error.field}`;
    throw error;
  }
  return 'taken';
}

const check = (part: object) =>
  outcome(() => checkChannelConfiguration({ ...GOOD, ...part } as ChannelConfiguration));
const listUnsubscribe = (part: object) => ({ listUnsubscribe: { ...GOOD.listUnsubscribe, ...part } });

describe('S1 a configuration', () => {
  test('S1 U1 has its defaults filled in', () => {
    expect(GOOD).toEqual({
      name: 'newsletter',
      subdomain: 'news.example.com',
      emailType: 'marketing',
      from: { name: 'Brand', email: 'hello@news.example.com' },
      listUnsubscribe: {
        enabled: true,
        mailto: true,
        oneClick: true,
        consentLevel: 'channel',
        managedBy: 'adieu',
      },
      marketingActions: [],
      urlTracking: [],
      retryMinutes: 5040,
      unknownOutcome: 'keep',
      rate: { messagesPerSecond: null, perDomain: null },
    });
    const owed = completeChannelConfiguration('receipts', {
      ...GOOD,
      emailType: 'transactional',
      unknownOutcome: 'keep',
      listUnsubscribe: { enabled: false },
      rate: { perDomain: 5 },
    });
    expect(owed).toMatchObject({
      unknownOutcome: 'keep',
      listUnsubscribe: { enabled: false, oneClick: true },
      rate: { messagesPerSecond: null, perDomain: 5 },
    });
    const { unknownOutcome: _, ...rest } = GOOD;
    expect(completeChannelConfiguration('x', { ...rest, emailType: 'transactional' }).unknownOutcome).toBe(
      'resend',
    );
  });

  test('S1 is taken without warnings when there is nothing to say', () => {
    expect(checkChannelConfiguration(GOOD)).toEqual([]);
  });

  test('S1 its name starts with a letter and goes on with letters, digits, "_", "." and "-"', () => {
    for (const name of ['a', 'News-letter_2.0', 'x'.repeat(100)]) expect(check({ name })).toBe('taken');
    for (const name of ['', '1a', '_a', '-a', '.a', 'a b', 'a/b', 'é', 'x'.repeat(101)]) {
      expect([name, check({ name })]).toEqual([name, 'name_invalid name']);
    }
  });

  test('S1 has at most ten URL parameters, each value at most 5 KB', () => {
    const parameters = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ name: `p${index}`, value: 'v' }));
    expect(check({ urlTracking: parameters(10) })).toBe('taken');
    expect(check({ urlTracking: parameters(11) })).toBe('url_tracking_too_many urlTracking');
    expect(check({ urlTracking: [{ name: 'p', value: 'é'.repeat(2560) }] })).toBe('taken');
    expect(check({ urlTracking: [{ name: 'p', value: `${'é'.repeat(2560)}x` }] })).toBe(
      'url_tracking_value_too_long urlTracking.0.value',
    );
    expect(check({ urlTracking: [{ name: 'p q', value: '' }] })).toBe(
      'url_tracking_name_invalid urlTracking.0.name',
    );
    expect(
      check({
        urlTracking: [
          { name: 'p', value: '1' },
          { name: 'p', value: '2' },
        ],
      }),
    ).toBe('url_tracking_duplicate urlTracking.1.name');
  });

  test('S7 the retry period stays within the limits of its email type', () => {
    expect(check({ retryMinutes: 360 })).toBe('taken');
    for (const retryMinutes of [359, 5041, 400.5, Number.NaN, 0, -1]) {
      expect(check({ retryMinutes })).toBe('retry_minutes_out_of_range retryMinutes');
    }
    const owed = { emailType: 'transactional' };
    expect(check({ ...owed, retryMinutes: 10 })).toBe('taken');
    expect(check({ ...owed, retryMinutes: 9 })).toBe('retry_minutes_out_of_range retryMinutes');
  });

  test('names the field of whatever else cannot be', () => {
    expect(check({ emailType: 'newsletter' })).toBe('email_type_invalid emailType');
    expect(check({ subdomain: 'news' })).toBe('subdomain_invalid subdomain');
    expect(check({ errorPrefix: 'Bounce+x' })).toBe('error_prefix_invalid errorPrefix');
    expect(check({ errorPrefix: 'errors' })).toBe('taken');
    expect(check({ unknownOutcome: 'guess' })).toBe('unknown_outcome_invalid unknownOutcome');
    expect(check({ rate: { messagesPerSecond: 0, perDomain: null } })).toBe(
      'rate_invalid rate.messagesPerSecond',
    );
    expect(check({ rate: { messagesPerSecond: 5, perDomain: -1 } })).toBe('rate_invalid rate.perDomain');
    expect(check(listUnsubscribe({ consentLevel: 'all' }))).toBe(
      'consent_level_invalid listUnsubscribe.consentLevel',
    );
  });
});

describe('the sender', () => {
  test('DK-9 a From domain that is not aligned with the subdomain is refused', () => {
    const from = (email: string) => check({ from: { name: 'Brand', email } });
    for (const domain of ['news.example.com', 'NEWS.example.com', 'example.com', 'mail.news.example.com']) {
      expect([domain, from(`hello@${domain}`)]).toEqual([domain, 'taken']);
    }
    for (const domain of [
      'example.org',
      'other.example.com',
      'fakenews.example.com.evil.example',
      'xnews.example.com',
      'ample.com',
    ]) {
      expect([domain, from(`hello@${domain}`)]).toEqual([domain, 'from_not_aligned from.email']);
    }
    expect(isAligned('b\u00fccher.example', 'news.example.com')).toBe(false);
  });

  test('OH-13 there is one From address and one Reply-To', () => {
    for (const email of [
      'a@news.example.com, b@news.example.com',
      'Brand <a@news.example.com>',
      'hello',
      '',
      'jürgen@news.example.com',
    ]) {
      expect([email, check({ from: { name: 'Brand', email } })]).toEqual([email, 'from_invalid from.email']);
    }
    for (const replyTo of ['a@b.example,c@d.example', 'Care <care@example.com>', '', 'jürgen@example.com']) {
      expect([replyTo, check({ replyTo })]).toEqual([replyTo, 'reply_to_invalid replyTo']);
    }
    expect(check({ replyTo: 'care@elsewhere.example' })).toBe('taken');
  });

  test('OH-14 a control character anywhere is refused before any library sees it', () => {
    for (const control of [
      '\r\nBcc: x@y.example',
      '\n',
      '\r',
      '\0',
      '\u0085',
      '\u2028',
      '\u2029',
      '\u202e',
      '\u2066',
      '\u007f',
      '\t',
    ]) {
      expect(check({ from: { name: `Brand${control}`, email: 'hello@news.example.com' } })).toBe(
        'control_character from.name',
      );
      expect(check({ from: { name: 'Brand', email: `hello@news.example.com${control}` } })).toBe(
        'control_character from.email',
      );
      expect(check({ urlTracking: [{ name: 'p', value: control }] })).toBe(
        'control_character urlTracking.0.value',
      );
      expect(check({ allowNoOptOutLink: `x${control}` })).toBe('control_character allowNoOptOutLink');
      expect(check({ marketingActions: ['a', control] })).toBe('control_character marketingActions.1');
      expect(check({ name: `n${control}` })).toBe('control_character name');
      // A key of the document that holds one is a place for one, too.
      expect(check({ [`x${control}`]: 1 })).toMatch(/^control_character x/);
    }
  });
});

describe('contradictions', () => {
  test('are refused with the field to blame', () => {
    expect(check({ emailType: 'transactional', marketingActions: ['email'] })).toBe(
      'marketing_actions_contradict_email_type marketingActions',
    );
    expect(check({ emailType: 'marketing', sendAfterComplaint: true })).toBe(
      'send_after_complaint_contradicts_email_type sendAfterComplaint',
    );
  });

  test('what is merely unwise is stored with a warning', () => {
    const warned = (part: object) =>
      checkChannelConfiguration({ ...GOOD, ...part } as ChannelConfiguration).join();
    expect(warned({ emailType: 'transactional' })).toContain('"enabled":false');
    expect(warned(listUnsubscribe({ enabled: false }))).toContain('mailbox providers require it');
    expect(warned(listUnsubscribe({ mailto: false, oneClick: false }))).toContain('both off');
    expect(warned({ emailType: 'transactional', allowNoOptOutLink: 'why not' })).toContain('does nothing');
  });
});

describe('U3 at the execution', () => {
  const list = (level: 'channel' | 'identity' | 'subscription', name?: string | null) =>
    outcome(() => checkExecutionList({ consentLevel: level }, name));

  test('U3 the consent level subscription needs a list', () => {
    expect(check(listUnsubscribe({ consentLevel: 'subscription' }))).toBe('taken');
    for (const none of [undefined, null, '']) expect(list('subscription', none)).toBe('list_required list');
    expect(list('subscription', 'weekly')).toBe('taken');
    expect(list('channel')).toBe('taken');
    expect(list('identity', null)).toBe('taken');
  });

  test('U3 so does a link of that level in the body', () => {
    expect(
      outcome(() => checkExecutionList({ consentLevel: 'channel' }, null, ['identity', 'subscription'])),
    ).toBe('list_required list');
    expect(outcome(() => checkExecutionList({ consentLevel: 'channel' }, 'weekly', ['subscription']))).toBe(
      'taken',
    );
  });
});
