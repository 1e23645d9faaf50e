/**
 * CSV cut into rows as it comes (RFC 4180): quoted cells, CRLF, LF or CR, and a delimiter found in the first line.
 *
 * One rule: a stray quote costs its own line and no other. A quoted cell that never ends, ends in the middle of a cell or
 * makes a record too long is reported for the line where it began, and the next line is read as if it were not there.
 *
 * @module
 */

/** One record with the number of the line where it begins, from 1. Blank lines are none. */
export type CsvRow =
  | { readonly line: number; readonly cells: readonly string[] }
  | { readonly line: number; readonly code: 'quote_open' | 'record_too_large'; readonly detail: string };

/** Cuts text that comes in chunks. Rows come one by one; each answer is read to its end. */
export interface CsvCutter {
  push(text: string): Iterable<CsvRow>;
  /** What is left when the text ends. */
  end(): Iterable<CsvRow>;
  /** From here on, cells of this column (from 0) that go over lines are quotes that were not closed. */
  keepInLine(column: number): void;
}

/** Characters of one record. */
const RECORD_LIMIT = 64 * 1024;
const DELIMITERS = [',', ';', '\t'];

type Cut =
  | { readonly kind: 'row'; readonly cells: string[]; readonly end: number }
  | { readonly kind: 'broken'; readonly code: 'quote_open' | 'record_too_large' }
  | { readonly kind: 'more' };

/** Opens a cutter. Text without its byte order mark. */
export function cutCsv(): CsvCutter {
  let text = '';
  let line = 1;
  let delimiter: string | null = null;
  /** The rest of a line that was too long to be held. */
  let skipping = false;
  let inLine = -1;

  function advance(end: number): void {
    for (let at = 0; at < end; at += 1) {
      const code = text.charCodeAt(at);
      if (code === 10 || (code === 13 && text.charCodeAt(at + 1) !== 10)) line += 1;
    }
    text = text.slice(end);
  }

  function* cut(final: boolean): Generator<CsvRow> {
    while (text !== '') {
      const next = lineEnd(text, final);
      if (skipping) {
        if (next === null && !final) {
          text = text.endsWith('\r') ? '\r' : '';
          break;
        }
        skipping = false;
        advance(next ?? text.length);
        continue;
      }
      if (delimiter === null) {
        if (next === null && !final && text.length <= RECORD_LIMIT) break;
      }
      const used = delimiter ?? findDelimiter(text.slice(0, next ?? text.length));
      // What may be a comment says nothing of the lines behind it.
      if (!text.startsWith('#')) delimiter = used;
      const cutting = cutRow(text, used, final);
      const broken = cutting.kind === 'row' && /[\r\n]/.test(cutting.cells[inLine] ?? '');
      const found: Cut = broken ? { kind: 'broken', code: 'quote_open' } : cutting;
      if (found.kind === 'more') break;
      const begun = line;
      if (found.kind === 'row') {
        advance(found.end);
        if (found.cells.some((cell) => cell.trim() !== '')) yield { line: begun, cells: found.cells };
        continue;
      }
      const detail =
        found.code === 'quote_open'
          ? 'a quote is not closed'
          : `a line has at most ${RECORD_LIMIT} characters`;
      if (next === null) skipping = true;
      else advance(next);
      yield { line: begun, code: found.code, detail };
    }
  }

  return {
    push(more) {
      text += more;
      return cut(false);
    },
    end: () => cut(true),
    keepInLine(column) {
      inLine = column;
    },
  };
}

/** One record from the start of the text. */
function cutRow(text: string, delimiter: string, final: boolean): Cut {
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    let cell: string;
    if (text[at] === '"') {
      const close = closingQuote(text, at + 1);
      if (close === null || (close === text.length - 1 && !final)) {
        return text.length - at > RECORD_LIMIT || (final && close === null)
          ? broken('quote_open')
          : { kind: 'more' };
      }
      cell = text.slice(at + 1, close).replaceAll('""', '"');
      at = close + 1;
    } else {
      const from = at;
      while (at < text.length && text[at] !== delimiter && text[at] !== '\n' && text[at] !== '\r') at += 1;
      cell = text.slice(from, at);
    }
    if (at > RECORD_LIMIT) return broken('record_too_large');
    cells.push(cell);
    const mark = text[at];
    if (mark === delimiter) at += 1;
    else if (mark === undefined) return final ? { kind: 'row', cells, end: at } : { kind: 'more' };
    else if (mark === '\n') return { kind: 'row', cells, end: at + 1 };
    else if (mark !== '\r') return broken('quote_open');
    else if (at + 1 === text.length && !final) return { kind: 'more' };
    else return { kind: 'row', cells, end: text[at + 1] === '\n' ? at + 2 : at + 1 };
  }
}

function closingQuote(text: string, from: number): number | null {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] !== '"') return at;
  }
  return null;
}

/** Behind the first line, or null when it is not complete. */
function lineEnd(text: string, final: boolean): number | null {
  const at = text.search(/[\r\n]/);
  if (at < 0) return null;
  if (text[at] === '\n') return at + 1;
  if (at + 1 === text.length && !final) return null;
  return text[at + 1] === '\n' ? at + 2 : at + 1;
}

/** The one that the first line has most of, outside of quotes. */
function findDelimiter(first: string): string {
  const bare = first.replace(/"(?:[^"]|"")*"/g, '');
  const counted = DELIMITERS.map((mark) => ({ mark, count: bare.split(mark).length }));
  return counted.reduce((best, next) => (next.count > best.count ? next : best)).mark;
}

function broken(code: 'quote_open' | 'record_too_large'): Cut {
  return { kind: 'broken', code };
}
