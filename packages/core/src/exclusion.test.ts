import { expect, test } from '@jest/globals';
import { EXCLUSIONS, isExclusionCode } from './exclusion.ts';

test('X12 every exclusion code is there with its meaning, and nothing else is one', () => {
  expect(Object.keys(EXCLUSIONS).sort()).toEqual(
    '050002 050020 050024 050025 050081 050101 050102 050103 050104 050105 050106 050111 050302'.split(' '),
  );
  for (const meaning of Object.values(EXCLUSIONS)) expect(meaning).toMatch(/^[A-Z].+\.$/);
  expect(EXCLUSIONS['050101']).toContain('consent');
  expect(isExclusionCode('050101')).toBe(true);
  for (const other of ['50101', '050999', 'toString', '']) expect(isExclusionCode(other)).toBe(false);
});
