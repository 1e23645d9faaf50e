import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkPeople, type PersonLine, readPeople } from './people.ts';
import { placeOf } from './person-column.ts';

const folder = mkdtempSync(join(tmpdir(), 'adieu-people-'));

async function read(name: string, content: string): Promise<PersonLine[]> {
  const path = join(folder, name);
  writeFileSync(path, content);
  const lines: PersonLine[] = [];
  for await (const line of readPeople(path)) lines.push(line);
  return lines;
}

describe('a CSV of people', () => {
  test('fills profiles by everyday names, by dotted paths and by roots', async () => {
    const [line] = await read(
      'a.csv',
      'Email,ID,First name,last_name,loyalty.points,consents.marketing.email.val,context.coupon,identities.ECID\n' +
        'ann@example.com,A1,Ann,Ó Briain,12,y,SPRING,e-1\n',
    );
    expect(line).toEqual({
      ok: true,
      line: 2,
      person: {
        identities: { Email: 'ann@example.com', CRMID: 'A1', ECID: 'e-1' },
        attributes: {
          person: { name: { firstName: 'Ann', lastName: 'Ó Briain' } },
          loyalty: { points: '12' },
        },
        consents: { marketing: { email: { val: 'y' } } },
        context: { coupon: 'SPRING' },
      },
    });
  });

  test('survives what spreadsheets write: a byte order mark, semicolons, CRLF, quotes, blank lines', async () => {
    const lines = await read(
      'b.csv',
      '\uFEFF"email";"firstName"\r\n\r\n"a@example.com";"Ann; ""the"" one"\r\n',
    );
    expect(lines).toEqual([
      {
        ok: true,
        line: 3,
        person: {
          identities: { Email: 'a@example.com' },
          attributes: { person: { name: { firstName: 'Ann; "the" one' } } },
        },
      },
    ]);
  });

  test('reads a cell over several lines and counts on', async () => {
    const lines = await read('c.csv', 'email,city\na@example.com,"one\ntwo"\nb@example.com,x\n');
    expect(lines.map(({ line }) => line)).toEqual([3, 4]);
  });

  test('counts lines alike whether CRLF or LF ends them, also within a cell', async () => {
    const text = 'email,city\r\na@example.com,"one\r\ntwo"\r\nb@example.com,x\r\n';
    expect((await read('crlf.csv', text)).map(({ line }) => line)).toEqual([3, 4]);
  });

  test('a file that is not there, or not UTF-8, is told before anything is stored', async () => {
    await expect(checkPeople('/nowhere/people.csv')).rejects.toMatchObject({ code: 'file_unreadable' });
    const latin1 = join(folder, 'latin1.csv');
    writeFileSync(latin1, Buffer.from('email,firstName\na@example.com,Zo\xeb\n', 'latin1'));
    await expect(checkPeople(latin1)).rejects.toMatchObject({ code: 'file_not_utf8' });
  });

  test('reports each line that cannot be read with its number and goes on with the others', async () => {
    const lines = await read(
      'd.csv',
      'email,firstName\n,Nobody\na@example.com,Ann,extra\nb@example.com,B"ad"\nc@example.com,Cy\nd@example.com\n',
    );
    const inOrder = lines.toSorted((a, b) => a.line - b.line);
    expect(inOrder.map((line) => [line.line, line.ok ? 'read' : line.code])).toEqual([
      [2, 'identities_required'],
      [3, 'too_many_cells'],
      [4, 'line_unreadable'],
      [5, 'read'],
      [6, 'read'],
    ]);
  });

  test('says when a quote is never closed', async () => {
    const lines = await read('e.csv', 'email,city\na@example.com,x\nb@example.com,"never\nc@example.com,y\n');
    expect(lines.map((line) => line.ok)).toEqual([true, false]);
  });

  test.each([
    ['firstName,city\nAnn,York\n', 'column_missing'],
    ['email,__proto__.polluted\na@example.com,1\n', 'column_unknown'],
    ['email,consents\na@example.com,y\n', 'column_unknown'],
    ['email,E-Mail\na@example.com,b@example.com\n', 'column_conflict'],
    ['email,loyalty,loyalty.points\na@example.com,1,2\n', 'column_conflict'],
    ['', 'people_empty'],
  ])('refuses the header of %j', async (content, code) => {
    await expect(read('f.csv', content)).rejects.toMatchObject({ code });
  });

  test('never writes outside the record, whatever a column is called', () => {
    fc.assert(
      fc.property(fc.string(), (column) => {
        const place = placeOf(column);
        if (place === null) return true;
        return (
          ['identities', 'attributes', 'consents', 'context'].includes(place[0] ?? '') && place.length > 1
        );
      }),
    );
  });
});

describe('an NDJSON of people', () => {
  test('gives each line as it is, and reports those that say nothing', async () => {
    const lines = await read(
      'a.ndjson',
      '{"identities":{"CRMID":"1"}}\n\nnot json\n{"identities":{}}\n[1]\n',
    );
    expect(lines.map((line) => [line.line, line.ok ? 'read' : line.code])).toEqual([
      [1, 'read'],
      [3, 'line_unreadable'],
      [4, 'identities_required'],
      [5, 'identities_required'],
    ]);
  });

  test('of another ending is refused', async () => {
    await expect(read('a.xlsx', '')).rejects.toMatchObject({ code: 'people_format' });
  });
});
