import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cutArray, cutLines, type RecordCutter, type RecordText } from './record-text.ts';

/** Everything a cutter says about bytes that come in the given pieces. */
function cut(cutter: RecordCutter, bytes: Buffer, pieces: readonly number[] = []): RecordText[] {
  const records: RecordText[] = [];
  let from = 0;
  for (const piece of pieces) {
    records.push(...cutter.push(bytes.subarray(from, from + piece)));
    from += piece;
  }
  records.push(...cutter.push(bytes.subarray(from)), ...cutter.end());
  return records;
}

const pieces = fc.array(fc.nat(12), { maxLength: 40 });

describe('Lines of NDJSON', () => {
  test('are the same however the bytes arrive', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), pieces, (text, sizes) => {
        const bytes = Buffer.from(text);
        expect(cut(cutLines(20), bytes, sizes)).toEqual(cut(cutLines(20), bytes));
      }),
    );
  });

  test('count from 1, blank ones included, and the last needs no line feed', () => {
    expect(cut(cutLines(), Buffer.from('\ufeff{"a":1}\r\n\n  \n{"b":2}'))).toEqual([
      { line: 1, text: '{"a":1}' },
      { line: 4, text: '{"b":2}' },
    ]);
  });

  test('that are too long or not UTF-8 are reported and harm no other', () => {
    const bytes = Buffer.concat([
      Buffer.from(`${'x'.repeat(50)}\nok\n`),
      Buffer.from([0xc3, 0x28, 0x0a]),
      Buffer.from('ok'),
    ]);
    expect(cut(cutLines(10), bytes, [7, 7, 7])).toMatchObject([
      { line: 1, code: 'record_too_large' },
      { line: 2, text: 'ok' },
      { line: 3, code: 'invalid_utf8' },
      { line: 4, text: 'ok' },
    ]);
  });
});

describe('Elements of a JSON array', () => {
  test('are what JSON.parse finds, however the bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue({ maxDepth: 3 })),
        fc.constantFrom(0, 2),
        pieces,
        (values, indent, sizes) => {
          const records = cut(cutArray(), Buffer.from(JSON.stringify(values, null, indent)), sizes);
          expect(records.map((record) => ('text' in record ? JSON.parse(record.text) : record))).toEqual(
            JSON.parse(JSON.stringify(values)),
          );
        },
      ),
    );
  });

  test('are numbered, and a broken one is left to whoever reads it', () => {
    expect(cut(cutArray(), Buffer.from('[{"a":[1,"]"]}, {oops}, 3]'))).toEqual([
      { line: 1, text: '{"a":[1,"]"]}' },
      { line: 2, text: '{oops}' },
      { line: 3, text: '3' },
    ]);
  });

  test.each([
    ['{"identities":{}}', 'Expected a JSON array.'],
    ['', 'Expected a JSON array.'],
    ['[1] 2', 'Something follows the array.'],
    ['[1, {"a":', 'The array ends before its closing bracket.'],
  ])('stop where the text is no array: %s', (text, detail) => {
    expect(cut(cutArray(), Buffer.from(text)).at(-1)).toMatchObject({ code: 'invalid_json', detail });
  });

  test('that are too long are skipped to their end', () => {
    expect(cut(cutArray(10), Buffer.from(`["${'x'.repeat(99)}", 2]`), [3, 30])).toMatchObject([
      { line: 1, code: 'record_too_large' },
      { line: 2, text: '2' },
    ]);
  });
});
