import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BODY_LIMIT, type Form, readForm, receiveBody } from './form-body.ts';

const PAIR = { 'List-Unsubscribe': ['One-Click'] };

function read(body: string | Buffer, contentType?: string): unknown {
  const form: Form = readForm(Buffer.from(body), contentType);
  return form.kind === 'fields' ? Object.fromEntries(form.fields) : form.kind;
}

describe('The fields of a form', () => {
  test.each([
    undefined,
    'application/x-www-form-urlencoded',
    'Application/X-WWW-Form-Urlencoded; charset=UTF-8',
  ])('OC-1, OC-16: are read from an urlencoded body of type %s', (type) => {
    expect(read('List-Unsubscribe=One-Click', type)).toEqual(PAIR);
    expect(read('List-Unsubscribe=One-Click\r\n', type)).toEqual(PAIR);
  });

  test.each([
    'multipart/form-data; boundary=xYz',
    'multipart/form-data; boundary="xYz"',
    'multipart/form-data; charset=utf-8; BOUNDARY="xYz"; q=1',
    'Multipart/Form-Data;boundary=xYz;charset=utf-8',
  ])('OC-1, OC-16: are read from a multipart body of type %s', (type) => {
    const part = 'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n';
    expect(read(`--xYz\r\n${part}--xYz--\r\n`, type)).toEqual(PAIR);
    expect(read(`--xYz\n${part.replaceAll('\r', '')}--xYz--`, type)).toEqual(PAIR);
    expect(read(`preamble\r\n--xYz  \r\n${part}`, type)).toEqual(PAIR);
  });

  test('OC-12: are read from the example of RFC 8058 section 8.3 as it is printed', () => {
    const body = [
      '---FormBoundaryjWmhtjORrn',
      'Content-Disposition: form-data; name="List-Unsubscribe"',
      '',
      'One-Click',
      '---FormBoundaryjWmhtjORrn--',
    ].join('\r\n');
    expect(body.length).toBe(124);
    expect(read(body, 'multipart/form-data; boundary=---FormBoundaryjWmhtjORrn')).toEqual(PAIR);
    expect(read(body, 'multipart/form-data; boundary=-FormBoundaryjWmhtjORrn')).toEqual(PAIR);
  });

  test('are told from a file of the same name', () => {
    const part =
      'content-disposition: form-data; filename="List-Unsubscribe"; name=other\r\n\r\nOne-Click\r\n';
    expect(read(`--b\r\n${part}--b--`, 'multipart/form-data; boundary=b')).toEqual({ other: ['One-Click'] });
  });

  test('OC-2: are none in an empty body, whatever its type', () => {
    for (const type of [undefined, 'application/json', 'multipart/form-data', 'text/plain', 'garbage']) {
      expect(read('', type)).toBe('empty');
      expect(read('\r\n', type)).toBe('empty');
    }
  });

  test.each(['application/json', 'text/plain', 'text/html', 'multipart/mixed; boundary=b', 'garbage', ''])(
    'OC-15: are not looked for in a body of type %s',
    (type) => {
      expect(read('List-Unsubscribe=One-Click', type)).toBe('other');
    },
  );

  test('OC-15: are not found in a multipart body without its boundary', () => {
    expect(read('--x\r\n\r\nOne-Click\r\n--x--', 'multipart/form-data')).toBe('other');
    expect(read('no delimiter at all', 'multipart/form-data; boundary=x')).toBe('other');
    expect(read('--\r\n--', 'multipart/form-data; boundary=--')).toBe('other');
  });

  test('OC-10: are at most ten', () => {
    const pairs = (count: number): string => Array.from({ length: count }, (_, n) => `f${n}=1`).join('&');
    expect(Object.keys(read(pairs(10)) as object)).toHaveLength(10);
    expect(read(pairs(11))).toBe('too_many');
    const parts = '--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n'.repeat(11);
    expect(read(parts, 'multipart/form-data; boundary=b')).toBe('too_many');
  });

  test('never make the reader throw', () => {
    const type = fc.oneof(fc.string(), fc.constantFrom('multipart/form-data; boundary=a', undefined));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), type, (bytes, contentType) => {
        expect(readForm(Buffer.from(bytes), contentType).kind).toMatch(/^(empty|fields|too_many|other)$/);
      }),
    );
  });
});

describe('A body', () => {
  test('OC-10: beyond the limit is not kept, and the sender is heard out for a while', async () => {
    const stream = new PassThrough();
    const received = receiveBody(stream);
    for (let sent = 0; sent <= BODY_LIMIT; sent += 1_024) stream.write(Buffer.alloc(1_024));
    stream.end();
    expect(await received).toEqual({ kind: 'too_large' });
  });

  test('OC-10: without an end is given up', async () => {
    const endless = new PassThrough();
    endless.on('drain', () => endless.write(Buffer.alloc(65_536)));
    endless.write(Buffer.alloc(65_536));
    expect(await receiveBody(endless)).toEqual({ kind: 'too_large' });
    endless.destroy();

    const silent = new PassThrough();
    silent.write('List-Unsub');
    expect(await receiveBody(silent, BODY_LIMIT, 20)).toEqual({ kind: 'late' });
  });

  test('that breaks off is nobody’s choice', async () => {
    const stream = new PassThrough();
    const received = receiveBody(stream);
    stream.write('List-Unsubscribe=One-Click');
    stream.destroy(new Error('reset'));
    expect(await received).toEqual({ kind: 'late' });
  });
});
