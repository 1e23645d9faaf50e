/**
 * A delivered mail, judged by others: two independent DKIM verifiers, and a reader that trusts nothing.
 *
 * @module
 */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type RelayedMail,
  type ScriptedRelay,
  startScriptedRelay,
} from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, DOMAIN, enqueue, finished, importPeople, TEMPLATE, waysOut } from './brand.ts';
import { decodedParts } from './decoded-parts.ts';
import {
  OPENDKIM,
  type PublishedKeys,
  PYTHON_DKIM,
  testWith,
  verifyWithOpendkim,
  verifyWithPythonDkim,
} from './outside-tools.ts';
import { type RunningAdieu, runAdieu } from './running-adieu.ts';

let backend: Backend;
let relay: ScriptedRelay;
let adieu: RunningAdieu;
let keys: PublishedKeys;

beforeAll(async () => {
  backend = await openBackend();
  relay = await startScriptedRelay();
  adieu = await runAdieu({ backend, relayUrl: relay.url });
  keys = await createBrand(adieu);
  await importPeople(adieu, 2);
  await finished(
    adieu,
    await enqueue(adieu, {
      campaignId: 'spring-2026',
      journey: { versionId: 'journey-version-17', actionId: 'journey-action-4' },
    }),
  );
});

afterAll(async () => {
  await adieu?.stop();
  await relay?.close();
  await backend?.close();
});

const delivered = (): RelayedMail => {
  const mail = relay.mails.find(({ to }) => to === 'p0@example.org');
  if (mail === undefined) throw new Error('nothing was delivered');
  return mail;
};

/** The header fields of one name, unfolded. */
function fields(mail: RelayedMail, name: string): string[] {
  const header = mail.raw.toString('latin1').split('\r\n\r\n')[0] ?? '';
  return header
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((line) => line.slice(name.length + 1).trim());
}

describe('the signature', () => {
  testWith([PYTHON_DKIM], 'DK-1 DK-5: is valid for python3-dkim, Ed25519 beside RSA', async () => {
    expect(verifyWithPythonDkim(delivered().raw, keys)).toMatchObject({ valid: true });
    expect(fields(delivered(), 'DKIM-Signature').map((field) => /a=([^;]+)/.exec(field)?.[1])).toContain(
      'rsa-sha256',
    );
  });

  testWith([OPENDKIM], 'DK-1: is valid for opendkim', async () => {
    const rsa = Object.fromEntries(Object.entries(keys).filter(([, value]) => !value.includes('k=ed25519')));
    expect(verifyWithOpendkim(delivered().raw, rsa).said).toContain('succeeded');
  });

  test('DK-1 DK-3 U9: covers both headers, once more than they stand there', () => {
    for (const signature of fields(delivered(), 'DKIM-Signature')) {
      const signed = (/h=([^;]+)/.exec(signature)?.[1] ?? '')
        .toLowerCase()
        .split(':')
        .map((name) => name.trim());
      for (const name of ['from', 'to', 'subject', 'reply-to', 'list-unsubscribe', 'list-unsubscribe-post']) {
        expect(signed.filter((other) => other === name)).toHaveLength(2);
      }
    }
  });

  testWith([PYTHON_DKIM, OPENDKIM], 'DK-3: breaks when a second field is prepended', async () => {
    const added = [
      'List-Unsubscribe: <https://evil.example/>',
      'Subject: You won',
      'Reply-To: evil@evil.example',
    ];
    for (const line of added) {
      const forged = Buffer.concat([Buffer.from(`${line}\r\n`), delivered().raw]);
      expect({ line, ...verifyWithPythonDkim(forged, keys) }).toMatchObject({ valid: false });
      expect({ line, ...verifyWithOpendkim(forged, keys) }).toMatchObject({ valid: false });
    }
    const harmless = Buffer.concat([Buffer.from('X-Seen-By: a relay\r\n'), delivered().raw]);
    expect(verifyWithPythonDkim(harmless, keys)).toMatchObject({ valid: true });
  });
});

describe('the message', () => {
  test('OH-1 OH-2 OH-3 OH-5 OH-9: has one List-Unsubscribe with one https URI, and the Post field to the byte', () => {
    const [field, ...more] = fields(delivered(), 'List-Unsubscribe');
    expect(more).toEqual([]);
    expect(field).toMatch(/^<https:\/\/[^<>\s]+>, <mailto:[^<>\s]+>$/);
    const raw = delivered().raw.toString('latin1');
    expect(raw.match(/^List-Unsubscribe-Post:.*$/gm)).toEqual([
      'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
    ]);
    expect(waysOut(delivered()).https.href.length).toBeLessThan(500);
  });

  test('MT-2 MT-3 MT-4 TK-7: its mailto is one address of letters and digits that survives any case folding', () => {
    const [field = ''] = fields(delivered(), 'List-Unsubscribe');
    const [, token = ''] =
      /<mailto:unsubscribe\+([a-z2-7]+)@news\.example\.com\?subject=unsubscribe>$/.exec(field) ?? [];
    expect(token).toHaveLength(45);
    expect(`unsubscribe+${token}`.length).toBeLessThanOrEqual(64);
  });

  test('OH-7 OH-28 OH-29: is plain ASCII in lines of at most 998 octets, ended by CRLF alone', () => {
    const raw = delivered().raw.toString('latin1');
    expect(Math.max(...raw.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
    expect(raw.replaceAll('\r\n', '')).not.toMatch(/[^\t -~]/);
  });

  test('OH-13 OH-18: has each singleton once, and a return path of its own in our domain', () => {
    for (const name of [
      'From',
      'Date',
      'Message-ID',
      'Subject',
      'To',
      'Reply-To',
      'MIME-Version',
      'Content-Type',
    ]) {
      expect({ name, found: fields(delivered(), name).length }).toEqual({ name, found: 1 });
    }
    const [first, second] = relay.mails;
    expect(first?.from).toMatch(new RegExp(`^bounce\\+[a-z2-7]+@${DOMAIN.replaceAll('.', '\\.')}$`));
    expect(first?.from).not.toBe(second?.from);
  });

  test('OH-21 OH-23: has every opt-out link replaced, in HTML, in conditional comments and in the text', () => {
    const { html, text } = decodedParts(delivered().raw);
    for (const part of [html, text]) expect(part).not.toMatch(/\{\{|\}\}|data-link-type|data-consent-level/);
    expect(html).toContain('Hello Ada0');
    const outlook = /<!--\[if mso\]><a href="([^"]+)">Leave \(Outlook\)/.exec(html)?.[1] ?? '';
    expect(outlook).toContain(`https://${DOMAIN}/unsubscribe/one-click?params=`);
    expect(html.match(/unsubscribe\/one-click\?params=/g)?.length).toBeGreaterThanOrEqual(3);
    expect(html).toContain(`https://${DOMAIN}/unsubscribe?params=`);
    expect(
      text.match(/https:\/\/news\.example\.com\/unsubscribe\/one-click\?params=/g)?.length,
    ).toBeGreaterThanOrEqual(1);
    expect(TEMPLATE.mjml).toContain('x=1'); // an ordinary link keeps its query, escaped once
    expect(html).toContain('https://brand.example/shop?from=mail&amp;x=1');
  });

  test('TK-3: shows no address and no id in any URL or address it carries', () => {
    const raw = delivered().raw.toString('latin1');
    const { html, text } = decodedParts(delivered().raw);
    const uris = [raw, html, text].flatMap(
      (part) => part.match(/(?:https?:\/\/|mailto:|bounce\+)[^\s"<>]+/g) ?? [],
    );
    const tokens = uris.flatMap((uri) => uri.match(/[A-Za-z0-9_-]{20,}/g) ?? []);
    expect(tokens.length).toBeGreaterThan(5);
    const secrets = [
      'p0@example.org',
      'p0%40',
      'CRMID',
      'spring-2026',
      'journey-version-17',
      'journey-action-4',
    ];
    for (const secret of secrets) {
      for (const uri of uris) expect(uri).not.toContain(secret);
      for (const token of tokens)
        expect(Buffer.from(token, 'base64url').toString('latin1')).not.toContain(secret);
    }
  });

  test('shares no token with the next recipient', () => {
    const tokensOf = (mail: RelayedMail) => {
      const { html, text } = decodedParts(mail.raw);
      const header = mail.raw.toString('latin1').split('\r\n\r\n')[0];
      const everything = [header, html, text, mail.from].join('\n');
      return new Set(everything.match(/(?:params=|pid=|sig=|bounce\+|unsubscribe\+)[A-Za-z0-9_-]{10,}/g));
    };
    const [first, second] = relay.mails as [RelayedMail, RelayedMail];
    expect(tokensOf(first).size).toBeGreaterThan(5);
    expect([...tokensOf(first)].filter((token) => tokensOf(second).has(token))).toEqual([]);
  });
});
