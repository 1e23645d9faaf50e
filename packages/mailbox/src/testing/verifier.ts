/**
 * A DKIM verifier for relaxed/relaxed RSA signatures (RFC 6376 §3.4, §6.1), enough for the mails of these tests.
 *
 * @module
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import type { SignatureReport, VerifySignatures } from '@adieu/core';

export const verifyRelaxedRsa: VerifySignatures = async (message, resolve) => {
  const text = message.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const fields = text
    .slice(0, end)
    .replace(/\r\n(?=[ \t])/g, '\n')
    .split('\r\n')
    .map((line) => ({ name: line.slice(0, line.indexOf(':')).trim().toLowerCase(), line }));
  const body = `${text
    .slice(end + 4)
    .replace(/[ \t]+/g, ' ')
    .replace(/ (?=\r\n)/g, '')
    .replace(/(?:\r\n)*$/, '')}\r\n`;
  const reports: SignatureReport[] = [];
  for (const signature of fields.filter((field) => field.name === 'dkim-signature')) {
    const tags = readTags(signature.line);
    const names = (tags.h ?? '').split(':').map((name) => name.trim().toLowerCase());
    const left = [...fields];
    const signed = names.flatMap((name) => {
      const at = left.findLastIndex((field) => field.name === name);
      return at < 0 ? [] : left.splice(at, 1).map((field) => `${relax(field.line)}\r\n`);
    });
    signed.push(relax(signature.line.replace(/([;\s]b\s*=)[^;]*/, '$1')));
    const common = {
      algorithm: tags.a ?? '',
      domain: tags.d ?? '',
      selector: tags.s ?? '',
      signedHeaders: names,
    };
    if (tags.a !== 'rsa-sha256') continue;
    const [record] = await resolve(`${tags.s}._domainkey.${tags.d}`);
    const key = readTags(`:${record ?? ''}`).p ?? '';
    const isBody = createHash('sha256').update(body, 'latin1').digest('base64') === tags.bh;
    const valid =
      isBody &&
      key !== '' &&
      verify(
        'sha256',
        Buffer.from(signed.join(''), 'latin1'),
        createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' }),
        Buffer.from(tags.b ?? '', 'base64'),
      );
    reports.push({
      ...common,
      valid,
      ...(valid ? {} : { reason: isBody ? 'bad signature' : 'body hash differs' }),
    });
  }
  return reports;
};

function readTags(line: string): Record<string, string | undefined> {
  const value = line.slice(line.indexOf(':') + 1).replace(/\s+/g, '');
  return Object.fromEntries(
    value.split(';').map((tag) => [tag.slice(0, tag.indexOf('=')), tag.slice(tag.indexOf('=') + 1)]),
  );
}

function relax(line: string): string {
  const colon = line.indexOf(':');
  const value = line
    .slice(colon + 1)
    .replace(/[ \t\n]+/g, ' ')
    .trim();
  return `${line.slice(0, colon).trim().toLowerCase()}:${value}`;
}
