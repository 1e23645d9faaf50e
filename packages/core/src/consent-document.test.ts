import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Consents } from './consent.ts';
import { CONSENT_VALUES } from './consent.ts';
import { parseConsents } from './consent-document.ts';
import { addressConsents } from './identity-consents.ts';

function read(value: unknown): Consents {
  const parsed = parseConsents(value);
  if (!parsed.ok) throw new Error(`${parsed.path}: ${parsed.reason}`);
  return parsed.consents;
}

function refusal(value: unknown): string {
  const parsed = parseConsents(value);
  return parsed.ok ? 'read' : `${parsed.path}: ${parsed.reason}`;
}

const TIME = '2026-03-01T12:30:00.250+01:00';

describe('X1 the shape', () => {
  test('reads every field of the model', () => {
    const field = { val: 'y', time: TIME, reason: 'asked for it' };
    const channel = {
      ...field,
      subscriptions: { weekly: { start: TIME }, old: { start: TIME, end: TIME, reason: 'bored' } },
    };
    const whole = {
      marketing: {
        any: field,
        preferred: { val: 'email' },
        email: channel,
        sms: channel,
        push: channel,
        whatsApp: channel,
        call: field,
        fax: field,
        commercialEmail: field,
        postalMail: field,
      },
      idSpecific: {
        Email: {
          'john@example.com': { marketing: { email: field, push: field, sms: field, whatsApp: field } },
        },
      },
      collect: field,
      share: field,
      personalize: { content: field },
      adID: field,
      metadata: { time: TIME },
    };
    expect(read(whole)).toEqual(whole);
  });

  test('reads what the documentation of XDM gives as an example', () => {
    const consents = read({
      collect: { val: 'VI' },
      personalize: { content: { val: 'y' } },
      marketing: {
        preferred: 'email',
        any: { val: 'y' },
        email: {
          val: 'y',
          subscriptions: {
            'daily-mail': {
              val: 'y',
              type: 'paid',
              subscribers: { 'john@xyz.com': { time: TIME, source: 'website' } },
            },
          },
        },
      },
      idSpecific: {
        ECID: { '3778': { adID: { val: 'n' }, share: { val: 'n' }, marketing: { push: { val: 'n' } } } },
      },
      metadata: { time: '2019-01-01T15:52:25+00:00' },
    });
    expect(consents.marketing?.preferred).toEqual({ val: 'email' });
    expect(consents.marketing?.email?.subscriptions?.['daily-mail']?.val).toBe('y');
    expect(consents.idSpecific?.ECID?.['3778']?.marketing?.push).toEqual({ val: 'n' });
  });

  test('an empty value says nothing, and being on a list is a statement in itself', () => {
    expect(read({})).toEqual({});
    expect(read(null)).toEqual({});
    expect(
      read({ marketing: { any: { val: '' }, email: {}, sms: null, call: { val: null, time: TIME } } }),
    ).toEqual({});
    expect(read({ marketing: { email: { subscriptions: { weekly: {} } } } })).toEqual({
      marketing: { email: { subscriptions: { weekly: {} } } },
    });
    expect(
      read({ marketing: { email: { val: '', time: TIME, subscriptions: { weekly: {}, gone: null } } } }),
    ).toEqual({
      marketing: { email: { subscriptions: { weekly: {} } } },
    });
  });

  test('an unknown field refuses the document, since it may be a misspelt no', () => {
    expect(refusal({ marketing: { e_mail: { val: 'n' } } })).toBe('marketing.e_mail: unknown field');
    expect(refusal({ marketing: { email: { value: 'n' } } })).toBe('marketing.email.value: unknown field');
    expect(refusal({ Marketing: {} })).toBe('Marketing: unknown field');
    expect(refusal({ idSpecific: { Email: { 'a@b.example': { email: { val: 'n' } } } } })).toBe(
      'idSpecific.Email.a@b.example.email: unknown field',
    );
    expect(refusal(JSON.parse('{"__proto__":{"marketing":{}}}'))).toBe('__proto__: unknown field');
    expect(refusal({ marketing: { call: { val: 'y', subscriptions: {} } } })).toBe(
      'marketing.call.subscriptions: unknown field',
    );
  });

  test('what is no object, text or time is refused with its path', () => {
    expect(refusal('y')).toBe(': not an object');
    expect(refusal([])).toBe(': not an object');
    expect(refusal({ marketing: { email: 'y' } })).toBe('marketing.email: not an object');
    expect(refusal({ marketing: { email: { val: 'y', time: 'yesterday' } } })).toBe(
      'marketing.email.time: not an ISO 8601 time',
    );
    expect(refusal({ marketing: { email: { val: 'y', time: 5 } } })).toBe(
      'marketing.email.time: not an ISO 8601 time',
    );
    for (const time of [
      '2026-02-30',
      '2026-13-01T00:00:00Z',
      '2026-01-01T25:00:00Z',
      '2026-01-01T00:00:00+23:00',
      '0000-01-01',
    ]) {
      expect(refusal({ metadata: { time } })).toBe('metadata.time: not an ISO 8601 time');
    }
    expect(refusal({ collect: { val: 'y', reason: ['x'] } })).toBe('collect.reason: not a text');
    expect(refusal({ collect: { val: 'y', reason: 'a\0b' } })).toBe('collect.reason: not a text');
  });

  test('a reason has at most 255 characters', () => {
    expect(refusal({ collect: { val: 'n', reason: 'x'.repeat(255) } })).toBe('read');
    expect(refusal({ collect: { val: 'n', reason: 'x'.repeat(256) } })).toBe(
      'collect.reason: over 255 characters',
    );
  });

  test('names that cannot be stored or would be something else are refused', () => {
    const lists = (name: string) => ({ marketing: { email: { subscriptions: { [name]: {} } } } });
    for (const name of ['', ' ', 'a\nb', 'a\0', '\ud800', 'x'.repeat(321)]) {
      expect(refusal(lists(name))).toBe('marketing.email.subscriptions: not a name');
    }
    const hostile = JSON.parse('{"marketing":{"email":{"subscriptions":{"__proto__":{}}}}}');
    expect(refusal(hostile)).toBe('marketing.email.subscriptions: not a name');
    expect(refusal(lists('constructor'))).toBe('read');
  });
});

describe('X2 the values', () => {
  test('takes the eleven of XDM, in their own spelling only', () => {
    for (const val of CONSENT_VALUES)
      expect(read({ marketing: { email: { val } } })).toEqual({ marketing: { email: { val } } });
    for (const val of ['N', 'no', 'yes', 'Y', 'li', 'true', true, false, 0, 1, {}, ['n'], 'toString']) {
      expect([val, refusal({ marketing: { email: { val } } })]).toEqual([
        val,
        'marketing.email.val: not a consent value',
      ]);
    }
  });
});

describe('X5 idSpecific', () => {
  test('namespaces and addresses are put in one spelling', () => {
    const consents = read({
      idSpecific: { EMAIL: { ' John@EXAMPLE.com ': { marketing: { email: { val: 'n' } } } } },
    });
    expect(consents.idSpecific).toEqual({
      Email: { 'john@example.com': { marketing: { email: { val: 'n' } } } },
    });
    expect(addressConsents(consents.idSpecific, 'email', 'JOHN@example.com')).toEqual({
      email: { val: 'n' },
    });
    expect(addressConsents(consents.idSpecific, 'Email', 'jane@example.com')).toEqual({});
    expect(addressConsents(consents.idSpecific, 'Email', 'constructor')).toEqual({});
    expect(addressConsents(undefined, 'Email', 'john@example.com')).toEqual({});
  });

  test('where two spellings of one address disagree the no wins, whichever came first', () => {
    const said = (first: string, second: string) =>
      read({
        idSpecific: {
          Email: { 'john@example.com': { marketing: { email: { val: first }, push: { val: 'y' } } } },
          email: { 'John@example.com': { marketing: { email: { val: second }, sms: { val: 'n' } } } },
        },
      }).idSpecific?.Email?.['john@example.com']?.marketing;
    for (const no of ['n', 'dn']) {
      expect(said(no, 'y')).toEqual({ email: { val: no }, push: { val: 'y' }, sms: { val: 'n' } });
      expect(said('y', no)).toEqual({ email: { val: no }, push: { val: 'y' }, sms: { val: 'n' } });
    }
  });

  test('a no for what is no address is refused, and other namespaces keep their ids', () => {
    expect(
      refusal({ idSpecific: { Email: { 'not an address': { marketing: { email: { val: 'n' } } } } } }),
    ).toMatch(/^idSpecific\.Email: not an address/);
    expect(
      read({ idSpecific: { Loyalty: { AbC: { marketing: { push: { val: 'n' } } } } } }).idSpecific,
    ).toEqual({
      Loyalty: { AbC: { marketing: { push: { val: 'n' } } } },
    });
  });
});

test('never throws, and what was read is read again as itself', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const parsed = parseConsents(value);
      if (parsed.ok) expect(parseConsents(parsed.consents)).toEqual(parsed);
    }),
  );
  const field = fc.record(
    { val: fc.constantFrom(...CONSENT_VALUES, '', 'x'), reason: fc.string() },
    { requiredKeys: [] },
  );
  const lists = fc.dictionary(
    fc.string(),
    fc.record({ end: fc.constantFrom(TIME, ''), val: fc.constantFrom('y', 'n') }, { requiredKeys: [] }),
  );
  const email = fc.tuple(field, lists).map(([said, subscriptions]) => ({ ...said, subscriptions }));
  let accepted = 0;
  fc.assert(
    fc.property(email, field, (channel, any) => {
      const parsed = parseConsents({ marketing: { email: channel, any } });
      if (!parsed.ok) return;
      accepted += 1;
      expect(parseConsents(parsed.consents)).toEqual(parsed);
    }),
  );
  expect(accepted).toBeGreaterThan(5);
});
