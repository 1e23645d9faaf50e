/**
 * The file of a form (`multipart/form-data`, RFC 7578), as a stream: the first part that is called `file`.
 *
 * One rule: of what is not the file never more than the headers of a part is held, and a form that ends early is an
 * error, so that half a file is never taken for a whole one.
 *
 * @module
 */
import { Problem } from '../problem.ts';

const HEADER_LIMIT = 16 * 1024;

/** The bytes of the file. Throws a problem where the form is not well formed or has no file. */
export async function* fileOfForm(body: AsyncIterable<Buffer>, contentType: string): AsyncGenerator<Buffer> {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;,]{1,70}))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw malformed('it has no boundary');
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  // The first delimiter has no line end before it.
  let held: Buffer = Buffer.from('\r\n');
  let place: 'outside' | 'header' | 'file' | 'done' = 'outside';

  for await (const bytes of body) {
    if (place === 'done') continue;
    held = Buffer.concat([held, bytes]);
    for (let moved = true; moved; ) {
      moved = false;
      if (place === 'outside' || place === 'file') {
        const at = held.indexOf(delimiter);
        const sure = at < 0 ? held.length - delimiter.length : at;
        if (place === 'file' && sure > 0) yield held.subarray(0, sure);
        if (at >= 0) {
          held = held.subarray(at + delimiter.length);
          place = place === 'file' ? 'done' : 'header';
          moved = place === 'header';
        } else if (sure > 0) held = held.subarray(sure);
      } else if (place === 'header') {
        const end = held.indexOf('\r\n\r\n');
        if (end < 0 && held.length > HEADER_LIMIT) throw malformed('the header of a part is too long');
        if (held.subarray(0, 2).toString() === '--') throw malformed('it has no part called "file"');
        if (end < 0) break;
        const header = held.subarray(0, end).toString('latin1');
        place = /^content-disposition:[^\r\n]*;\s*name="?file"?\s*(?:;|$)/im.test(header)
          ? 'file'
          : 'outside';
        held = held.subarray(end + 4);
        moved = true;
      }
    }
  }
  if (place !== 'done') throw malformed('it ends before its end');
}

function malformed(why: string): Problem {
  return new Problem(400, 'form_invalid', { detail: `The form cannot be read: ${why}.` });
}
