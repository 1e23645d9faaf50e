import { describe, expect, test } from '@jest/globals';
import {
  type ChannelConfiguration,
  checkChannelConfiguration,
  completeChannelConfiguration,
} from './channel-configuration.ts';
import { customerMailto, customerUrl } from './customer-managed.ts';
import { isFailure } from './failure.ts';
import { planListUnsubscribe } from './precedence.ts';

const URL_ = 'https://brand.example/leave';
const MAILTO = 'leave@brand.example';

function check(listUnsubscribe: object): string | string[] {
  const configuration = completeChannelConfiguration('newsletter', {
    subdomain: 'news.example.com',
    emailType: 'marketing',
    from: { name: 'Brand', email: 'hello@news.example.com' },
    listUnsubscribe: listUnsubscribe as ChannelConfiguration['listUnsubscribe'],
  });
  try {
    return checkChannelConfiguration(configuration);
  } catch (error) {
    if (isFailure(error)) return `${error.code} ${error.field?.replace('listUnsubscribe.', '')}`;
    throw error;
  }
}

const customer = (part: object): object => ({ managedBy: 'customer', ...part });

describe('U7 a configuration whose header the customer manages', () => {
  test('is taken with both endpoints, with one, with the header off', () => {
    expect(check(customer({ customUrl: URL_, customMailto: MAILTO }))).toEqual([]);
    expect(check(customer({ customUrl: URL_, customMailto: MAILTO, shadowSuppression: true }))).toEqual([]);
    expect(check(customer({ customUrl: URL_, mailto: false }))).toEqual([]);
    expect(check(customer({ customUrl: URL_ }))).toEqual([expect.stringContaining('no customMailto')]);
    expect(check(customer({ customMailto: MAILTO }))).toEqual([expect.stringContaining('no customUrl')]);
    expect(check(customer({ enabled: false }))).toEqual([expect.stringContaining('List-Unsubscribe is off')]);
  });

  test('is refused with the field to blame where its parts contradict each other', () => {
    for (const [part, refusal] of [
      [{ managedBy: 'somebody' }, 'managed_by_invalid managedBy'],
      [{ customUrl: URL_ }, 'custom_url_contradicts_managed_by customUrl'],
      [{ customMailto: MAILTO }, 'custom_mailto_contradicts_managed_by customMailto'],
      [{ shadowSuppression: false }, 'shadow_suppression_contradicts_managed_by shadowSuppression'],
      [customer({}), 'custom_endpoint_required customUrl'],
      [customer({ oneClick: false, mailto: false }), 'custom_endpoint_required customUrl'],
      [customer({ customUrl: URL_, oneClick: false }), 'custom_url_contradicts_one_click customUrl'],
      [
        customer({ customUrl: URL_, customMailto: MAILTO, mailto: false }),
        'custom_mailto_contradicts_mailto customMailto',
      ],
      [customer({ customUrl: URL_, enabled: false }), 'custom_url_contradicts_enabled customUrl'],
      [customer({ customMailto: MAILTO, enabled: false }), 'custom_mailto_contradicts_enabled customMailto'],
    ] as const) {
      expect([part, check(part)]).toEqual([part, refusal]);
    }
  });

  test('is refused with an endpoint that cannot stand in a header', () => {
    for (const customUrl of [
      '',
      'http://brand.example/leave',
      'ftp://brand.example/',
      'brand.example/leave',
      'https://',
      'https://user@brand.example/',
      'https://u:p@brand.example/',
      'https://brand.example/#leave',
      'https://brand.example/#',
      'https://brand.example/a b',
      'https://brand.example/?pid=1',
      'https://brand.example/?a=1&params=2',
      `https://brand.example/${'x'.repeat(480)}`,
    ]) {
      expect([customUrl, check(customer({ customUrl }))]).toEqual([
        customUrl,
        'custom_url_invalid customUrl',
      ]);
    }
    for (const customMailto of [
      '',
      'leave',
      'mailto:leave@brand.example',
      'leave@brand.example?subject=x',
      'a@b.example, c@d.example',
      'Leave <leave@brand.example>',
      'jürgen@brand.example',
    ]) {
      expect([customMailto, check(customer({ customMailto }))]).toEqual([
        customMailto,
        'custom_mailto_invalid customMailto',
      ]);
    }
  });

  test('its endpoints are spelled as a header needs them, their query kept', () => {
    expect(customerUrl('https://Brand.example/leave?a=1&b=ü')).toBe(
      'https://brand.example/leave?a=1&b=%C3%BC',
    );
    expect(customerUrl("https://bücher.example/{x}'>")).toMatch(
      /^https:\/\/xn--bcher-kva\.example\/%7Bx%7D['%27]+%3E$/,
    );
    expect(customerMailto('leave+all@brand.example')).toBe('leave%2Ball@brand.example');
    expect(customerMailto('a&b=c/d@bücher.example')).toBe('a%26b%3Dc%2Fd@xn--bcher-kva.example');
  });
});

describe('U7 the plan of a customer managed header', () => {
  const settings = {
    enabled: true,
    mailto: true,
    oneClick: true,
    consentLevel: 'identity',
    managedBy: 'customer',
    customUrl: URL_,
    customMailto: MAILTO,
  } as const;
  const body = [{ type: 'one-click', level: 'channel' }] as const;

  test('names the customer’s endpoints, with a listener of ours or without', () => {
    for (const inbound of [true, false]) {
      expect(planListUnsubscribe(settings, body, inbound)).toMatchObject({
        kind: 'header',
        url: { from: 'customer', level: 'identity' },
        mailto: true,
      });
    }
  });

  test('never borrows a link of the body, and says why something is missing', () => {
    const { customUrl: _, ...mailOnly } = settings;
    expect(planListUnsubscribe(mailOnly, body, true)).toMatchObject({
      url: null,
      mailto: true,
      why: [expect.stringContaining('gave no URL'), expect.stringContaining('own mailto')],
    });
    expect(planListUnsubscribe({ ...mailOnly, oneClick: false }, body, true)).toMatchObject({ url: null });
    const { customMailto: __, ...urlOnly } = settings;
    expect(planListUnsubscribe(urlOnly, body, true)).toMatchObject({ mailto: false });
    expect(planListUnsubscribe({ ...settings, enabled: false }, body, true)).toMatchObject({ kind: 'none' });
  });
});
