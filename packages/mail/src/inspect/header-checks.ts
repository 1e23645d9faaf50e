/**
 * The form of a header and of the lines of a mail: what every server on the way may choke on.
 *
 * @module
 */

import { fieldsOf, type RawMail } from './field-reader.ts';
import { type Finding, finding } from './finding.ts';

/** Fields that a mail has exactly once (RFC 5322 section 3.6, OH-13). */
const REQUIRED = ['From', 'Date', 'Message-ID', 'Subject', 'To', 'MIME-Version', 'Content-Type'];
/** Fields that a mail has at most once. */
const SINGLE = ['Reply-To', 'Sender', 'Cc', 'List-Id'];

/** Judges the header's form. */
export function headerFindings(mail: RawMail): Finding[] {
  const findings = [...singletons(mail), ...hygiene(mail), ...lineLengths(mail)];
  if (mail.wasUnix) {
    findings.push(
      finding(
        'info',
        'OH-28',
        'The file has bare line feeds',
        'It was read as if it had CRLF, as it had when it was sent.',
      ),
    );
  }
  return findings;
}

function singletons(mail: RawMail): Finding[] {
  const findings: Finding[] = [];
  const counted = [...REQUIRED, ...SINGLE].map((name) => ({ name, count: fieldsOf(mail, name).length }));
  for (const { name, count } of counted) {
    if (count > 1) {
      const detail = 'Readers differ in which one they believe; a signature covers one of them.';
      findings.push(finding('wrong', 'OH-13', `${name} is there ${count} times`, detail));
    } else if (count === 0 && REQUIRED.includes(name)) {
      findings.push(finding('wrong', 'OH-13', `${name} is missing`, 'RFC 5322 and MIME ask for it.'));
    }
  }
  if (findings.length === 0) findings.push(finding('ok', 'OH-13', 'Every field is there once'));
  return findings;
}

function hygiene(mail: RawMail): Finding[] {
  const findings: Finding[] = [];
  const text = mail.bytes.toString('latin1');
  if (/\r(?!\n)|(?<!\r)\n/.test(text) || text.includes('\0')) {
    const detail =
      'Servers read these line breaks differently: they break signatures and let mail be smuggled.';
    findings.push(finding('wrong', 'OH-28', 'Bare CR, bare LF or NUL', detail));
  }
  if (/[\x80-\xff]/.test(mail.body)) {
    const detail = 'A relay without 8BITMIME encodes it again, and the signature dies.';
    findings.push(finding('warn', 'OH-29', 'The body has 8-bit octets', detail));
  }
  for (const { name, lines } of mail.fields) {
    if (lines.some(hasControl)) {
      findings.push(
        finding('wrong', 'OH-14', `${name} holds a control character`, 'It may split the header.'),
      );
    }
  }
  for (const line of mail.strays.slice(0, 3)) {
    const shown = line.slice(0, 60);
    findings.push(
      finding('wrong', 'OH-13', 'A line of the header is no field', `It starts with "${shown}".`),
    );
  }
  return findings;
}

function lineLengths(mail: RawMail): Finding[] {
  const findings: Finding[] = [];
  const header = mail.fields.flatMap(({ name, lines }) =>
    lines.map((line) => ({ name, length: line.length })),
  );
  const overlong = header.find(({ length }) => length > 998);
  if (overlong !== undefined) {
    const detail = `A line of ${overlong.name} has ${overlong.length} octets; servers cut or refuse beyond 998.`;
    findings.push(finding('wrong', 'OH-7', 'A header line is too long', detail));
  }
  const body = longestLine(mail.body);
  if (body > 998) {
    const detail = `It has ${body} octets; servers cut, wrap or refuse beyond 998, and wrapping breaks the signature.`;
    findings.push(finding('wrong', 'OH-7', 'A body line is too long', detail));
  }
  if (findings.length === 0) findings.push(finding('ok', 'OH-7', 'No line passes 998 octets'));
  const long = header.filter(
    ({ name, length }) => length > 78 && !/^(?:list-unsubscribe|received|arc-.*|x-.*)$/i.test(name),
  );
  const [first] = long;
  if (first !== undefined) {
    findings.push(
      finding(
        'info',
        'OH-8',
        `A line of ${first.name} passes 78 octets`,
        'Allowed, though folding is kinder.',
      ),
    );
  }
  return findings;
}

function longestLine(body: string): number {
  let longest = 0;
  let start = 0;
  while (start <= body.length) {
    const end = body.indexOf('\r\n', start);
    longest = Math.max(longest, (end < 0 ? body.length : end) - start);
    if (end < 0) break;
    start = end + 2;
  }
  return longest;
}

/** Octets, not characters: 0x80 to 0x9f are halves of UTF-8. */
function hasControl(line: string): boolean {
  for (let index = 0; index < line.length; index += 1) {
    const code = line.charCodeAt(index);
    if ((code < 32 && code !== 9) || code === 127) return true;
  }
  return false;
}
