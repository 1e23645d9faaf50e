import { describe, expect, test } from '@jest/globals';
import { callerOf, openAdmission } from './admission.ts';

describe('admission', () => {
  test('IN-10 one address gets its share of connections and the others still get theirs', () => {
    const admission = openAdmission({ maxPerIp: 2, maxConnections: 10, messagesPerMinute: 5 });
    const first = admission.enter('192.0.2.1');
    expect(first.ok).toBe(true);
    expect(admission.enter('::ffff:192.0.2.1').ok).toBe(true);
    expect(admission.enter('192.0.2.1')).toEqual({ ok: false, full: 'address' });
    expect(admission.enter('192.0.2.2').ok).toBe(true);
    if (first.ok) {
      first.leave();
      first.leave();
    }
    expect(admission.open()).toBe(2);
    expect(admission.enter('192.0.2.1').ok).toBe(true);
    expect(admission.enter('192.0.2.1').ok).toBe(false);
  });

  test('IN-10 the total is bounded whoever calls', () => {
    const admission = openAdmission({ maxPerIp: 2, maxConnections: 3, messagesPerMinute: 5 });
    for (let caller = 1; caller <= 3; caller += 1) expect(admission.enter(`192.0.2.${caller}`).ok).toBe(true);
    expect(admission.enter('192.0.2.4')).toEqual({ ok: false, full: 'total' });
  });

  test('IN-10 messages are counted per caller and minute', () => {
    let now = 0;
    const admission = openAdmission({ maxPerIp: 1, maxConnections: 1, messagesPerMinute: 2, now: () => now });
    const answers = [1, 2, 3].map(() => admission.message('192.0.2.1'));
    expect(answers).toEqual([true, true, false]);
    expect(admission.message('192.0.2.2')).toBe(true);
    now = 60_000;
    expect(admission.message('192.0.2.1')).toBe(true);
  });

  test('an IPv6 caller counts as its /64', () => {
    expect(callerOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(callerOf('2001:0db8:0001:0002::1')).toBe('2001:db8:1:2::/64');
    expect(callerOf('2001:db8:1:2:ffff::')).toBe('2001:db8:1:2::/64');
    expect(callerOf('::1')).toBe('0:0:0:0::/64');
    expect(callerOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
    expect(callerOf('::FFFF:192.0.2.7')).toBe('192.0.2.7');
    expect(callerOf('192.0.2.7')).toBe('192.0.2.7');
  });
});
