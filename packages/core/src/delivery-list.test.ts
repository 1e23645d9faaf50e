import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseListedValue } from './delivery-list.ts';

function keyOf(kind: 'email' | 'domain', input: string): string {
  const parsed = parseListedValue(kind, input);
  return parsed.ok ? parsed.value.key : parsed.code;
}

test('X5 X10 addresses and domains are entered under the key they compare by', () => {
  expect(keyOf('email', 'John.DOE+x@Bücher.Example')).toBe('john.doe+x@xn--bcher-kva.example');
  expect(keyOf('domain', 'BÜCHER.example')).toBe('xn--bcher-kva.example');
  expect(keyOf('domain', 'xn--bcher-kva.example')).toBe('xn--bcher-kva.example');
});

test('what is no address and no domain is no entry', () => {
  for (const input of [
    '',
    'john',
    'john@',
    ' john@example.com',
    'a@b@c.example',
    `${'x'.repeat(65)}@example.com`,
  ]) {
    expect(keyOf('email', input)).toBe('address_invalid');
  }
  for (const input of [
    '',
    'com',
    'example.com.',
    '@example.com',
    'john@example.com',
    '127.0.0.1',
    'a\nb.com',
  ]) {
    expect(keyOf('domain', input)).toBe('domain_invalid');
  }
});

test('reading never throws, and what was read once reads the same', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('email' as const, 'domain' as const),
      fc.string({ unit: 'binary' }),
      (kind, input) => {
        const parsed = parseListedValue(kind, input);
        if (parsed.ok) expect(keyOf(kind, parsed.value.key)).toBe(parsed.value.key);
      },
    ),
  );
});
