import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cutCsv } from './csv.ts';

/** Rows as text, `line: cells` or `line! code`. */
function cut(text: string, { size = text.length || 1, inLine = -1 } = {}): string[] {
  const cutter = cutCsv();
  if (inLine >= 0) cutter.keepInLine(inLine);
  const rows: string[] = [];
  const take = (found: ReturnType<typeof cutter.push>) => {
    for (const row of found) {
      rows.push('cells' in row ? `${row.line}: ${row.cells.join('|')}` : `${row.line}! ${row.code}`);
    }
  };
  for (let at = 0; at < text.length; at += size) take(cutter.push(text.slice(at, at + size)));
  take(cutter.end());
  return rows;
}

describe('rows', () => {
  test('are cut at every kind of line end, and blank lines count as lines', () => {
    expect(cut('a,b\r\nc,d\n\n \ne\rf')).toEqual(['1: a|b', '2: c|d', '5: e', '6: f']);
  });

  test('have the delimiter that the first line has most of, outside of quotes', () => {
    expect(cut('a;b;c\n1,2;3;4')).toEqual(['1: a|b|c', '2: 1,2|3|4']);
    expect(cut('a\tb\n1\t2')).toEqual(['1: a|b', '2: 1|2']);
    expect(cut('"a;b;c;d",e\n1,2')).toEqual(['1: a;b;c;d|e', '2: 1|2']);
    expect(cut('a@example.com\nb;c@example.com')).toEqual(['1: a@example.com', '2: b;c@example.com']);
  });

  test('are not cut by what a comment before them holds', () => {
    expect(cut('# a; b\nc,d')).toEqual(['1: # a| b', '2: c|d']);
    expect(cut('#;email\n1;c')).toEqual(['1: #|email', '2: 1|c']);
  });

  test('may hold quoted delimiters, quotes and line ends', () => {
    expect(cut('"a,1","say ""hi""","x\r\ny"\nb')).toEqual(['1: a,1|say "hi"|x\r\ny', '3: b']);
  });

  test('are the same however the text was cut into chunks', () => {
    const piece = fc.constantFrom('a', 'b@c.de', ',', ';', '"', '""', '\r', '\n', '\r\n', ' ');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.integer({ min: 1, max: 7 }), (pieces, size) => {
        const text = pieces.join('');
        expect(cut(text, { size })).toEqual(cut(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test('lose no line to a quote that is not closed', () => {
    const text = 'a@x.de,1\n"b@x.de,2\nc@x.de,3\nd@x.de,"4"\n';
    expect(cut(text)).toEqual(['1: a@x.de|1', '2! quote_open', '3: c@x.de|3', '4: d@x.de|4']);
    expect(cut('a\n"b\nc')).toEqual(['1: a', '2! quote_open', '3: c']);
    expect(cut('a\n"b"x\nc')).toEqual(['1: a', '2! quote_open', '3: c']);
    expect(cut('a,k\n"b\nc",k\nd,k', { inLine: 0 })).toEqual([
      '1: a|k',
      '2! quote_open',
      '3: c"|k',
      '4: d|k',
    ]);
  });

  test('that are too long cost themselves only, quoted or not, in bounded memory', () => {
    const long = 'x'.repeat(70_000);
    for (const size of [1_000, 1_000_000]) {
      expect(cut(`a\n${long}\nb`, { size })).toEqual(['1: a', '2! record_too_large', '3: b']);
      expect(cut(`a\n"${long}\nb\nc`, { size })).toEqual(['1: a', '2! quote_open', '3: b', '4: c']);
      expect(cut(`${long}\nb`, { size })).toEqual(['1! record_too_large', '2: b']);
    }
  });
});
