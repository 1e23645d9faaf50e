import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sql } from 'kysely';
import { isStorable, storableJson, storableText } from './storable.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';

const ODD = ['\0', '\\u0000', '\\\\u0000', '\\\0', '\ud800', '\udc00', '😀', '\\ud800', 'é', '"', '\\'];
const text = fc.array(fc.constantFrom(...ODD, 'a', ' '), { maxLength: 8 }).map((parts) => parts.join(''));

describe('what PostgreSQL can keep', () => {
  let scratch: ScratchDatabase;
  beforeAll(async () => {
    scratch = await openScratchDatabase();
  });
  afterAll(() => scratch.close());

  test('any text and any JSON is kept once it is cleaned, and what was clean comes back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(text, async (given) => {
        const { rows } = await sql<{ plain: string; json: { value: string } }>`
          SELECT ${storableText(given)}::text AS plain, ${storableJson({ value: given })}::jsonb AS json`.execute(
          scratch.db,
        );
        const clean = !/\0|\p{Cs}/u.test(given);
        expect(isStorable(JSON.stringify(given))).toBe(clean);
        const expected = given.replace(/\0|\p{Cs}/gu, '\ufffd');
        expect(rows[0]).toEqual({ plain: expected, json: { value: expected } });
      }),
      { numRuns: 300 },
    );
  });
});
