import { describe, expect, test } from '@jest/globals';
import { faultOfFile, isCommentRow, planFile, readFileRow } from './suppression-file.ts';
import { readReason } from './suppression-reason.ts';

/** The rows behind the plan of the first, as `key reason comment`, or the code of what is wrong. */
function read(lines: readonly (readonly string[])[], column?: string): string[] {
  const [first = [], ...rest] = lines;
  const planned = planFile(first, column);
  if (!planned.ok) return [planned.code];
  const rows = planned.plan.column === null ? lines : rest;
  return rows.map((cells) => {
    const row = readFileRow(planned.plan, cells);
    return row.ok ? `${row.value.key} ${row.reason} ${row.comment}` : row.code;
  });
}

describe('X10 exports of other systems', () => {
  test('Journey Optimizer: TYPE, VALUE, COMMENTS', () => {
    expect(
      read([
        ['TYPE', 'VALUE', 'COMMENTS'],
        ['EMAIL', 'John@Example.com', 'known bad'],
        ['DOMAIN', 'BÜCHER.example', ''],
        ['PHONE', '+49', ''],
        ['EMAIL', 'example.com', ''],
        ['DOMAIN', 'john@example.com', ''],
      ]),
    ).toEqual([
      'john@example.com null known bad',
      'xn--bcher-kva.example null null',
      'type_unknown',
      'address_invalid',
      'domain_invalid',
    ]);
  });

  test('Amazon SES, SendGrid, Mailgun, Postmark and Mailchimp', () => {
    expect(
      read([
        ['EmailAddress', 'Reason', 'LastUpdateTime'],
        ['a@example.com', 'BOUNCE', '2026-01-01'],
        ['b@example.com', 'COMPLAINT', '2026-01-01'],
      ]),
    ).toEqual(['a@example.com hard BOUNCE', 'b@example.com complaint COMPLAINT']);
    expect(
      read([
        ['email', 'created', 'reason'],
        ['a@example.com', '1', '550 5.1.1 rejected as spam'],
        ['b@example.com', '1', '452 4.2.2 full'],
      ]),
    ).toEqual(['a@example.com hard 550 5.1.1 rejected as spam', 'b@example.com soft 452 4.2.2 full']);
    expect(
      read([
        ['address', 'code', 'error', 'created_at'],
        ['a@example.com', '605', 'Not delivering', 'Mon'],
        ['b@example.com', '550', 'No such user', 'Mon'],
      ]),
    ).toEqual(['a@example.com null Not delivering', 'b@example.com hard No such user']);
    expect(
      read([
        ['EmailAddress', 'SuppressionReason', 'Origin', 'CreatedAt'],
        ['a@example.com', 'SpamComplaint', 'Recipient', 'x'],
        ['b@example.com', 'HardBounce', 'Recipient', 'x'],
        ['c@example.com', 'ManualSuppression', 'Customer', 'x'],
      ]),
    ).toEqual(['a@example.com complaint null', 'b@example.com hard null', 'c@example.com manual null']);
    expect(
      read([
        ['Email Address', 'First Name', 'Last Name', 'Address', 'CLEAN_TIME'],
        ['a@example.com', 'A', 'B', '1 Street', 'x'],
      ]),
    ).toEqual(['a@example.com null null']);
  });

  test('people who unsubscribed are told apart, by their column or by their reason', () => {
    expect(
      read([
        ['Email Address', 'UNSUB_TIME'],
        ['a@example.com', 'x'],
      ]),
    ).toEqual(['a@example.com unsubscribe null']);
    expect(
      read([
        ['email', 'reason'],
        ['a@example.com', 'Unsubscribed'],
      ]),
    ).toEqual(['a@example.com unsubscribe Unsubscribed']);
  });

  test('lists without a header: addresses, domains, and other columns beside them', () => {
    expect(
      read([['a@example.com'], ['example.com'], ['@example.com'], ['*@Example.com'], ['*.example.com']]),
    ).toEqual([
      'a@example.com null null',
      'example.com null null',
      'example.com null null',
      'example.com null null',
      'domain_invalid',
    ]);
    expect(
      read([
        ['x', 'a@example.com'],
        ['b@example.com', 'c@example.com'],
      ]),
    ).toEqual(['a@example.com null null', 'c@example.com null null']);
    expect(read([['not@an@address'], ['a@example.com']])).toEqual([
      'address_invalid',
      'a@example.com null null',
    ]);
  });
});

describe('a wrong guess is refused', () => {
  test('where no column, or more than one, may hold the addresses', () => {
    expect(
      read([
        ['name', 'city'],
        ['a@example.com', 'Rome'],
      ]),
    ).toEqual(['column_missing']);
    expect(read([['Email', 'E-Mail', 'x']])).toEqual(['column_ambiguous']);
    expect(read([['a@example.com', 'b@example.com']])).toEqual(['column_ambiguous']);
    expect(read([['not@an@address', 'Rome']])).toEqual(['column_missing']);
    expect(read([['example.com', 'x']])).toEqual(['column_missing']);
  });

  test('and a column that is named decides', () => {
    expect(
      read(
        [
          ['Email', 'Work mail'],
          ['a@example.com', 'b@example.com'],
        ],
        'work MAIL',
      ),
    ).toEqual(['b@example.com null null']);
    expect(read([['Email']], 'Mail')).toEqual(['column_missing']);
  });
});

test('a row that is no entry says why', () => {
  const rows = [
    ['', 'x'],
    ['john', 'x'],
    [`${'x'.repeat(65)}@example.com`, 'x'],
    ['jo\u0007hn@example.com', 'x'],
    ['j\ufffdhn@example.com', 'x'],
    ['example.com', 'x'],
    ['john@example.com', 'it said a, b', ' c'],
  ];
  expect(read([['email', 'comment'], ...rows])).toEqual([
    'value_missing',
    'address_invalid',
    'address_invalid',
    'address_invalid',
    'invalid_utf8',
    'address_invalid',
    'john@example.com null it said a, b',
  ]);
  expect(
    read([
      ['comment', 'email'],
      ['it said a', ' b', 'john@example.com'],
    ]),
  ).toEqual(['too_many_cells']);
});

test('a reason is a complaint only where the whole word says so', () => {
  for (const text of [
    'COMPLAINT',
    'Spam Complaint',
    'spamreport',
    'spam_reports',
    'Complained',
    'abuse',
    'spam',
  ]) {
    expect([text, readReason(text)]).toEqual([text, 'complaint']);
  }
  for (const text of [
    '550 rejected as spam',
    'blocked: spam',
    'no complaint',
    '',
    'whatever',
    'constructor',
  ]) {
    expect([text, readReason(text)]).not.toEqual([text, 'complaint']);
  }
});

test('words of whoever gets mail, or asked for none, are no reasons, in eight languages', () => {
  const words = {
    subscribed:
      'Subscribed, active, DELIVERED, ok, valid, confirmed, Opt-In, double opt-in, abonniert, Abonné, iscritto',
    unsubscribe:
      'unsubscribed from all, opted out, Abgemeldet, désabonné, dado de baja, disiscritto, descadastrado, uitgeschreven, wypisany, suscripción cancelada, has unsubscribed',
    hard: 'invalid, Undelivered, hard bounce, Bounced, 550 5.1.1 see https://x.example/unsubscribe',
    soft: 'soft bounce, Transient',
    null: 'inactive, not confirmed, Not delivering, whatever',
  };
  for (const [meaning, list] of Object.entries(words)) {
    for (const word of list.split(', ')) expect([word, String(readReason(word))]).toEqual([word, meaning]);
  }
});

test('a status that is not known is told apart, a reason that is not known is none', () => {
  const row = (column: string, text: string) =>
    read([
      ['email', column],
      ['a@example.com', text],
    ]);
  expect(row('status', 'whatever')).toEqual(['a@example.com unknown null']);
  expect(row('status', '')).toEqual(['a@example.com null null']);
  expect(row('status', 'Subscribed')).toEqual(['a@example.com subscribed null']);
  expect(row('status', 'bounced')).toEqual(['a@example.com hard null']);
  expect(row('comment', 'whatever')).toEqual(['a@example.com null whatever']);
  const header = ['Email Address', 'OPTIN_TIME', 'CONFIRM_TIME'];
  expect(read([header, ['a@example.com', 'x', 'x']])).toEqual(['a@example.com subscribed null']);
  expect(
    read([
      [...header, 'CLEAN_TIME'],
      ['a@example.com', 'x', 'x', 'x'],
    ]),
  ).toEqual(['a@example.com null null']);
  expect(
    read([
      [...header, 'UNSUB_TIME'],
      ['a@example.com', 'x', 'x', 'x'],
    ]),
  ).toEqual(['a@example.com unsubscribe null']);
});

test('lists without a header tell reasons in other cells, and take addresses as mail programs write them', () => {
  expect(
    read([
      ['a@example.com', 'COMPLAINT'],
      ['b@example.com', 'BOUNCE'],
      ['<c@example.com>', ''],
      ['mailto:d@example.com', ''],
      ['John <e@example.com>', ''],
    ]),
  ).toEqual([
    'a@example.com complaint null',
    'b@example.com hard null',
    'c@example.com null null',
    'd@example.com null null',
    'e@example.com null null',
  ]);
  const plain = planFile(['a@example.com']);
  expect(plain.ok && isCommentRow(['# b@example.com'], plain.plan)).toBe(true);
  expect([isCommentRow(['# x'], null), isCommentRow(['#', 'email'], null)]).toEqual([true, false]);
  const headed = planFile(['#', 'email']);
  expect(headed.ok && isCommentRow(['#1', 'a@example.com'], headed.plan)).toBe(false);
});

test('a file of nobody to suppress is called by what most of its rejected lines are', () => {
  const [left, subscribed, broken] = [
    'unsubscribe_is_no_suppression',
    'subscriber_is_no_suppression',
    'address_invalid',
  ];
  expect(faultOfFile([left, left, broken])).toMatchObject({ code: 'file_of_unsubscribes' });
  expect(faultOfFile([left, subscribed, subscribed, broken])).toMatchObject({ code: 'file_of_subscribers' });
  expect(faultOfFile(['status_unknown'])).toMatchObject({ code: 'file_of_unknown_status' });
  expect([faultOfFile([left, broken]), faultOfFile([])]).toEqual([null, null]);
});
