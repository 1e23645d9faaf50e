import { readdirSync, readFileSync } from 'node:fs';
import type { SignatureReport, VerifySignatures } from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findDkimpy } from '../testing/outside-verifier.ts';
import { fields } from '../testing/reading.ts';
import { compiled, composed, composerOptions, KEYS, recipient } from '../testing/sample.ts';
import { type Inspection, inspectMessage } from './inspection.ts';

const FIXTURES = new URL('fixtures/', import.meta.url);

function inspect(raw: Buffer, signatures: readonly SignatureReport[] = []): Promise<Inspection> {
  return inspectMessage(raw, { verify: async () => [...signatures], resolve: async () => [] });
}

/** What stands in a golden twin. */
function summary(inspection: Inspection): object {
  return {
    listUnsubscribe: inspection.listUnsubscribe,
    providers: Object.fromEntries(inspection.providers.map(({ provider, button }) => [provider, button])),
    findings: inspection.findings.map(({ level, row, title }) => `${level} ${row}: ${title}`),
    links: inspection.links.map(
      ({ part, url, text, visible }) => `${part} ${visible ? 'visible' : 'hidden'} ${text} -> ${url}`,
    ),
  };
}

describe('An inspection', () => {
  for (const name of readdirSync(FIXTURES).filter((file) => file.endsWith('.eml'))) {
    test(`U10: says what its golden twin says: ${name}`, async () => {
      const text = readFileSync(new URL(name, FIXTURES), 'utf8');
      const raw = Buffer.from(name.includes('unix') ? text : text.replace(/\n/g, '\r\n'));
      const given = JSON.parse(readFileSync(new URL(name.replace('.eml', '.given.json'), FIXTURES), 'utf8'));
      const want = JSON.parse(readFileSync(new URL(name.replace('.eml', '.want.json'), FIXTURES), 'utf8'));
      expect(summary(await inspect(raw, given.signatures))).toEqual(want);
    });
  }

  test('OH-4: names the reason why a field that is there does nothing', async () => {
    const raw = Buffer.from(
      'From: a@b.example\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nList-Unsubscribe: <mailto:u@b.example>\r\n\r\nx',
    );
    const { findings, providers } = await inspect(raw);
    expect(findings.map(({ title }) => title)).toContain(
      'List-Unsubscribe-Post is there but there is no https URI',
    );
    expect(providers[0]).toMatchObject({ provider: 'Gmail', button: 'mailto' });
    expect(providers[0]?.why).toContain('no single https URI');
  });

  test('OH-21, OH-22: an encoded placeholder and a link to a host named https are wrong', async () => {
    const wrong = async (type: string, body: string): Promise<string[]> => {
      const { findings } = await inspect(
        Buffer.from(`From: a@b.example\r\nContent-Type: ${type}\r\n\r\n${body}`),
      );
      return findings.filter(({ level }) => level === 'wrong').map(({ row, title }) => `${row} ${title}`);
    };
    for (const spelled of ['%7B%7BoneClickUrl%7D%7D', '&#123;&#123;unsubscribeUrl&#125;&#125;']) {
      expect(await wrong('text/html', `<a href="${spelled}">x</a>`)).toContain(
        'OH-21 A placeholder is left in the html part',
      );
      expect(await wrong('text/plain', spelled)).toContain('OH-21 A placeholder is left in the text part');
    }
    const nowhere = 'OH-22 A link leads nowhere';
    expect(await wrong('text/html', '<a href="http://https://b.example/">x</a>')).toContain(nowhere);
    expect(await wrong('text/plain', 'see https://http//b.example/')).toContain(nowhere);
    expect(await wrong('text/html', '<a href="https://https.example/">x</a>')).not.toContain(nowhere);
  });

  const dkimpy = findDkimpy();
  const proven = dkimpy === null ? test.skip : test;
  proven('finds nothing wrong with a message of ours, its signature checked by another', async () => {
    const html = '<p>Hi {{profile.name}} <a data-link-type="unsubscribe">Unsubscribe</a></p>';
    const options = composerOptions(await compiled({ html }), {
      list: { name: 'weekly', number: 3, title: 'Wöchentlich' },
    });
    const { bytes } = await composed(options, recipient({ profile: { attributes: { name: 'Jöhn' } } }));
    const verify: VerifySignatures = async (message) => {
      const [valid = []] = dkimpy?.([message], KEYS) ?? [];
      return (fields(message).get('dkim-signature') ?? []).map((value, index) => ({
        valid: valid[index] === true,
        algorithm: / a=([^;]*);/.exec(value)?.[1] ?? '',
        domain: / d=([^;]*);/.exec(value)?.[1] ?? '',
        selector: / s=([^;]*);/.exec(value)?.[1] ?? '',
        signedHeaders: (/ h=([^;]*);/.exec(value)?.[1] ?? '').replace(/\s/g, '').toLowerCase().split(':'),
      }));
    };
    const inspection = await inspectMessage(bytes, { verify, resolve: async () => [] });
    expect(inspection.findings.filter(({ level }) => level === 'wrong' || level === 'warn')).toEqual([]);
    expect(inspection.providers.map(({ button }) => button)).toEqual([
      'one-click',
      'one-click',
      'mailto',
      'one-click',
    ]);
    expect(inspection.headers.find(({ name }) => name === 'List-Unsubscribe')?.explanation).toContain(
      'RFC 2369',
    );
    expect(inspection.text).toContain('Hi Jöhn Unsubscribe <https://news.example.com/unsubscribe?params=');
  });

  test('a verifier that fails is said, and counts as no signature', async () => {
    const raw = Buffer.from('From: a@b.example\r\n\r\nx');
    const verify: VerifySignatures = async () => Promise.reject(new Error('no DNS'));
    const { findings } = await inspectMessage(raw, { verify, resolve: async () => [] });
    expect(findings).toContainEqual({
      row: 'DK-1',
      level: 'warn',
      title: 'The signatures could not be checked',
      detail: 'no DNS',
    });
  });

  test('any octets are inspected', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 2_000 }),
        fc.constantFrom(
          '',
          'From: a@b.example\r\n',
          'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n',
        ),
        async (octets, start) => {
          const inspection = await inspect(Buffer.concat([Buffer.from(start), octets]));
          expect(inspection.findings.length).toBeGreaterThan(0);
        },
      ),
    );
  });

  test('IN-17: hostile mails only get a worse verdict: every one of these would keep a careless reader busy', async () => {
    const head = 'From: a@b.example\r\nMIME-Version: 1.0\r\n';
    const many = 1_000_000;
    const html = (body: string): string => `${head}Content-Type: text/html\r\n\r\n${body}`;
    const quoted = (body: string): string =>
      `${head}Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${body}`;
    const nested = (depth: number): string =>
      Array.from(
        { length: depth },
        (_, level) => `--b${level}\r\nContent-Type: multipart/mixed; boundary=b${level + 1}\r\n\r\n`,
      ).join('');
    const mails = [
      html('<div>'.repeat(many / 5)),
      html('<'.repeat(many)),
      html('<a'.repeat(many / 2)),
      html('<a ="'.repeat(many / 5)),
      html(`${'<b>'.repeat(many / 6)}${'</i>'.repeat(many / 8)}`),
      html('<!--'.repeat(many / 4)),
      html('&'.repeat(many)),
      html('{{'.repeat(many / 2)),
      html('*|'.repeat(many / 2)),
      html(`<a href="${'x'.repeat(many)}">y</a>`),
      html('http://x '.repeat(many / 9)),
      quoted(' '.repeat(many)),
      quoted('='.repeat(many)),
      `${head}Content-Type: multipart/mixed; boundary=b0\r\n\r\n${nested(20_000)}`,
      `${head}Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\n\r\n'.repeat(many / 9)}`,
      `${head}Content-Type: multipart/mixed;${' '.repeat(200_000)}boundary=b\r\n\r\n--b`,
      `${head}${'X: y\r\n'.repeat(30_000)}\r\n`,
      `${head}List-Unsubscribe: ${'<'.repeat(200_000)}\r\n\r\n`,
      `${head}List-Unsubscribe: ${'<a>,'.repeat(50_000)}x\r\n\r\n`,
      `${head}To: ${'a@'.repeat(100_000)}\r\n\r\n`,
      `${head}To: ${'a'.repeat(200_000)}\r\n\r\n`,
      `${head}Subject: ${'=?utf-8?q?a?= '.repeat(20_000)}\r\n\r\n`,
      `From:${' '.repeat(250_000)}x\r\n\r\n`,
      '\r'.repeat(many),
      '\n'.repeat(many),
      '\r\n'.repeat(many / 2),
      ':'.repeat(many),
    ];
    for (const mail of mails) {
      const inspection = await inspect(Buffer.from(mail, 'latin1'));
      expect(inspection.findings.some(({ level }) => level === 'wrong')).toBe(true);
    }
  });
});
