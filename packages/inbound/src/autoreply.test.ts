import { describe, expect, test } from '@jest/globals';
import { isAutomaticReply } from './autoreply.ts';
import { readFields } from './content.ts';

const SENDER = 'john@example.com';

function isReply(header: string, sender = SENDER): boolean {
  return isAutomaticReply(sender, readFields(Buffer.from(header, 'latin1')));
}

describe('a machine that answers', () => {
  test('MT-7 the null sender marks a notification', () => {
    expect(isReply('Subject: anything\r\n', '')).toBe(true);
  });

  test('MT-7 Auto-Submitted: auto-replied marks an answer, however it is written', () => {
    for (const field of [
      'Auto-Submitted: auto-replied',
      'AUTO-SUBMITTED:Auto-Replied',
      'Auto-Submitted: (vacation (nested)) auto-replied (yes) ; owner-email="a;b"',
      'Auto-Submitted:\r\n auto-replied',
      'Auto-Submitted : auto-replied; type=vacation',
    ]) {
      expect([field, isReply(`${field}\r\n`)]).toEqual([field, true]);
    }
  });

  test('MT-7 a multipart/report of any kind is no opt-out', () => {
    expect(isReply('Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n')).toBe(true);
    expect(isReply('Content-Type: Multipart/Report\r\n')).toBe(true);
    expect(isReply('Content-Type: multipart / report ; report-type=disposition-notification\r\n')).toBe(true);
  });

  test.each([
    ['multipart/report', true],
    ['(a) multipart (b (c\\))) / (d)\t report (e); x=y', true],
    ['multipart/\r\n report', true],
    ['m ultipart/report', false],
    ['multipart/re port', false],
    ['multi(x)part/report', false],
    ['multi\r\n part/report', false],
    ['multipart/report report-type=delivery-status', false],
    ['multipart//report', false],
    ['(multipart/report', false],
    [`multipart${' '.repeat(200_000)}x/report`, false],
    [`multipart${'()'.repeat(100_000)}/${'\t'.repeat(50_000)}report`, true],
  ])('MT-7 reads a type as RFC 2045 spells it: %.60s', (type, expected) => {
    const started = performance.now();
    expect(isReply(`Content-Type: ${type}\r\n`)).toBe(expected);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('MT-7 a word that is torn is none', () => {
    expect(isReply('Auto-Submitted: auto-\r\n replied\r\n')).toBe(false);
    expect(isReply('Auto-Submitted: auto(x)-replied\r\n')).toBe(false);
    expect(isReply('Auto-Submitted: auto-replied yes\r\n')).toBe(false);
  });

  test('MT-8 one tap in Apple Mail is somebody leaving, although it says auto-replied', () => {
    const apple = 'Auto-Submitted: auto-replied\r\nX-Apple-Unsubscribe: true\r\nSubject: \r\n';
    expect(isReply(apple)).toBe(false);
    expect(isReply(apple.replace('true', 'TRUE '))).toBe(false);
    expect(isReply(apple.replace('true', 'false'))).toBe(true);
    expect(isReply(apple.replace('X-Apple-Unsubscribe', 'X-Apple-Unsubscribed'))).toBe(true);
    expect(isReply(`${apple}Content-Type: multipart/report; boundary=x\r\n`)).toBe(true);
    expect(isReply(apple, '')).toBe(true);
  });

  test('MT-8 auto-generated with a real sender is somebody leaving', () => {
    expect(isReply('Auto-Submitted: auto-generated\r\n')).toBe(false);
    expect(isReply('Auto-Submitted: no\r\n')).toBe(false);
    expect(isReply('Auto-Submitted: auto-generated (not auto-replied)\r\n')).toBe(false);
  });

  test('MT-8 Precedence, X-Auto-Response-Suppress and List fields mark nothing', () => {
    const fields = [
      'Precedence: bulk',
      'X-Auto-Response-Suppress: All',
      'List-Id: <x.example>',
      'X-Auto-Submitted: auto-replied',
      'Subject: Auto-Submitted: auto-replied',
      'Content-Type: multipart/mixed; boundary="multipart/report"',
      'Content-Type: multipart/reporting',
    ];
    expect(isReply(`${fields.join('\r\n')}\r\n`)).toBe(false);
  });
});
