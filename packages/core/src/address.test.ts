import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { identityKey, maskAddress, namespaceKey, parseAddress, parseDomain } from './address.ts';

function key(input: string): string {
  const parsed = parseAddress(input);
  if (!parsed.ok) throw new Error(`${JSON.stringify(input)}: ${parsed.reason}`);
  return parsed.address.key;
}

describe('one addr-spec', () => {
  test('keeps the local part as given and puts the domain in lower case', () => {
    expect(parseAddress("Jo.O'Neil+tag@News.Example.COM")).toEqual({
      ok: true,
      address: {
        spelling: "Jo.O'Neil+tag@news.example.com",
        key: "jo.o'neil+tag@news.example.com",
        localPart: "Jo.O'Neil+tag",
        domain: 'news.example.com',
        ascii: true,
      },
    });
  });

  test('OH-16 refuses everything that another parser could read as another mailbox or as several', () => {
    const hostile = [
      '',
      ' ',
      'john',
      '@example.com',
      'john@',
      'john@@example.com',
      'a@b.example, c@d.example',
      'a@b.example,c@d.example',
      'a@b.example;c@d.example',
      'a@b.example c@d.example',
      '<john@example.com>',
      'John <john@example.com>',
      '"John" <john@example.com>',
      '"a@evil.example, b"@example.com',
      '"john"@example.com',
      '"john doe"@example.com',
      'john(comment)@example.com',
      'john@example.com(comment)',
      '@relay.example:john@example.com',
      'group:john@example.com;',
      'mailto:john@example.com',
      'john\\@evil.example@example.com',
      'victim@evil.example@example.com',
      ' john@example.com',
      'john@example.com ',
      'john@ example.com',
      'john\t@example.com',
      '.john@example.com',
      'john.@example.com',
      'jo..hn@example.com',
      'john@example.com\r\nBcc: all@example.com',
      'john@example.com\n',
      'john\r@example.com',
      'john@example.com\0',
      'jo\0hn@example.com',
      'john\u2028@example.com',
      'john\u2029@example.com',
      'john\u0085@example.com',
      'john\u202e@example.com',
      'john\u2066x\u2069@example.com',
      'jo\u200bhn@example.com',
      '\ufeffjohn@example.com',
      'jo\u00adhn@example.com',
      'john\ud800@example.com',
      'john\u007f@example.com',
    ];
    for (const input of hostile) expect([input, parseAddress(input).ok]).toEqual([input, false]);
  });

  test('OH-16 refuses characters that fold to a separator', () => {
    const folding = [
      'a\uff20b.example',
      'a\uff0cb',
      'a\u2024b',
      'a\ufe52b',
      'a\u3002b',
      'a\uff0eb',
      'a\uff1cb',
      'a\u00a8b',
    ];
    for (const local of folding)
      expect([local, parseAddress(`${local}@example.com`).ok]).toEqual([local, false]);
    for (const dot of ['\u3002', '\uff0e', '\uff61', '\u2024', '\u2025', '\u2026']) {
      expect([dot, parseAddress(`john@example${dot}com`).ok]).toEqual([dot, false]);
    }
  });

  test('refuses domains that are no fully qualified host name', () => {
    const domains = [
      'localhost',
      'example.com.',
      '.example.com',
      'exa..mple.com',
      '-a.example',
      'a-.example',
      'a_b.example',
      'exa%6dple.com',
      '[192.0.2.1]',
      '[IPv6:2001:db8::1]',
      '192.0.2.1',
      '127.1',
      '0x7f.1',
      'example.0x7f',
      'example.123',
      'xn--a.example',
      `${'a'.repeat(64)}.example`,
      'exam ple.com',
      'a/b.example',
      'a:25.example',
    ];
    for (const domain of domains)
      expect([domain, parseAddress(`john@${domain}`).ok]).toEqual([domain, false]);
  });

  test('OH-17 holds local part, domain and path to their octets', () => {
    expect(parseAddress(`${'a'.repeat(64)}@example.com`).ok).toBe(true);
    expect(parseAddress(`${'a'.repeat(65)}@example.com`).ok).toBe(false);
    // Octets, not characters: 32 times two octets fit, 33 do not.
    expect(parseAddress(`${'é'.repeat(32)}@example.com`).ok).toBe(true);
    expect(parseAddress(`${'é'.repeat(33)}@example.com`).ok).toBe(false);
    const label = 'a'.repeat(63);
    const domain = (last: number) => `${label}.${label}.${label}.${'a'.repeat(last)}.example`;
    // The path counts its angle brackets: 254 octets of address are the most.
    const fitting = 254 - 'x@'.length - domain(0).length;
    expect(parseAddress(`x@${domain(fitting)}`).ok).toBe(true);
    expect(parseAddress(`x@${domain(fitting + 1)}`).ok).toBe(false);
    expect(parseDomain(`${label}.${label}.${label}.${label}.example`)).toBeNull();
    expect(parseAddress('a'.repeat(100_000)).ok).toBe(false);
  });

  test('OH-19 sends an A-label for an IDN and marks a local part that needs SMTPUTF8', () => {
    expect(parseAddress('john@MÜNCHEN.example')).toMatchObject({
      ok: true,
      address: { spelling: 'john@xn--mnchen-3ya.example', ascii: true },
    });
    expect(parseAddress('jürgen@example.com')).toMatchObject({
      ok: true,
      address: { spelling: 'jürgen@example.com', ascii: false },
    });
  });

  test('never throws and never changes an ASCII address that it takes, whatever it is given', () => {
    for (const odd of [undefined, null, 7, {}, ['a@b.example'], Symbol.iterator]) {
      expect(parseAddress(odd as unknown as string).ok).toBe(false);
    }
    const pieces = fc.constantFrom(
      'a',
      'B',
      '@',
      '.',
      ',',
      '<',
      '>',
      '"',
      ' ',
      '\r\n',
      'é',
      '\u202e',
      'example.com',
      '%',
      '\\',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(pieces).map((parts) => parts.join('')),
        ),
        (input) => {
          const parsed = parseAddress(input);
          if (!parsed.ok) return;
          expect(parsed.address.spelling.split('@')).toHaveLength(2);
          expect(/[\s,;:<>()"\\]/.test(parsed.address.spelling)).toBe(false);
          expect(parsed.address.localPart).toBe(input.slice(0, input.lastIndexOf('@')));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('comparison', () => {
  test('X5 one mailbox has one key, however it is spelt', () => {
    expect(key('John@Example.COM')).toBe(key('john@example.com'));
    // Composed and decomposed é.
    expect(key('jos\u00e9@example.com')).toBe(key('JOSE\u0301@example.com'));
    expect(key('john@M\u00dcNCHEN.example')).toBe(key('john@xn--mnchen-3ya.example'));
    expect(key('john+news@example.com')).not.toBe(key('john@example.com'));
  });

  test('X5 the key is a fixed point, and the key of an address is the key of its spelling', () => {
    const local = fc.stringMatching(/^[A-Za-zÀ-ÿĀ-ſΑ-ώ0-9_+-]{1,12}$/);
    const domain = fc.stringMatching(/^[A-Za-zÀ-ÖØ-öø-ÿ]{1,10}\.(?:example|de|COM)$/);
    let seen = 0;
    fc.assert(
      fc.property(local, domain, (name, host) => {
        const parsed = parseAddress(`${name}@${host}`);
        if (!parsed.ok) return;
        seen += 1;
        expect(key(parsed.address.key)).toBe(parsed.address.key);
        expect(key(parsed.address.spelling)).toBe(parsed.address.key);
        // Letters whose capital is another letter (ß, SS) are other letters here as well.
        if (name.toUpperCase().toLowerCase() !== name.toLowerCase()) return;
        expect(key(`${name.toUpperCase()}@${host}`)).toBe(parsed.address.key);
      }),
    );
    expect(seen).toBeGreaterThan(50);
  });

  test('X5 namespaces compare case-insensitively, and ids by what their namespace makes of them', () => {
    expect(namespaceKey(' EMAIL ')).toBe(namespaceKey('Email'));
    expect(identityKey('EMAIL', ' John@Example.com ')).toBe('john@example.com');
    expect(identityKey('email', 'NOT AN ADDRESS')).toBe('not an address');
    expect(identityKey('CRMID', ' AbC ')).toBe('AbC');
  });
});

test('a masked address shows two letters and the top domain', () => {
  expect(maskAddress('john.smith@mail.example.com')).toBe('j•••@m•••.com');
  expect(maskAddress('😀x@example.com')).toBe('😀•••@e•••.com');
  expect(maskAddress('nonsense')).toBe('•••');
});
