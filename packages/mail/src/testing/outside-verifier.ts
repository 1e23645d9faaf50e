/**
 * DKIM verifiers that are not ours: dkimpy and OpenDKIM, when the machine has them. Nothing leaves it: DNS is a
 * table.
 *
 * @module
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DkimKey, dkimRecord } from '@adieu/core';
import { DOMAIN } from './sample.ts';

/** For each message, whether each of its signatures is valid. */
export type VerifyOutside = (messages: readonly Buffer[], keys: readonly DkimKey[]) => boolean[][];

const DKIMPY = `
import base64, dkim, json, sys
given = json.load(sys.stdin)
records = {name.encode() + b'.': value.encode() for name, value in given['records'].items()}
def dns(name, timeout=5): return records.get(name if name.endswith(b'.') else name + b'.')
def verify(raw):
    count = sum(1 for name, _ in dkim.DKIM(raw).headers if name.lower() == b'dkim-signature')
    def one(index):
        try: return dkim.DKIM(raw).verify(idx=index, dnsfunc=dns)
        except dkim.DKIMException: return False
    return [bool(one(index)) for index in range(count)]
json.dump([verify(base64.b64decode(message)) for message in given['messages']], sys.stdout)
`;

/** dkimpy (Debian's python3-dkim), which knows RSA and Ed25519; null when it is not installed. */
export function findDkimpy(): VerifyOutside | null {
  const python = ['/usr/bin/python3', 'python3'].find(
    (command) => spawnSync(command, ['-c', 'import dkim, nacl']).status === 0,
  );
  if (python === undefined) return null;
  return (messages, keys) => {
    const input = { records: records(keys), messages: messages.map((message) => message.toString('base64')) };
    const answer = execFileSync(python, ['-c', DKIMPY], {
      input: JSON.stringify(input),
      maxBuffer: 1 << 26,
    });
    return JSON.parse(answer.toString());
  };
}

/** OpenDKIM, which milters use; null when it is not installed. */
export function findOpendkim(): VerifyOutside | null {
  if (spawnSync('opendkim', ['-V']).error !== undefined) return null;
  return (messages, keys) => {
    const folder = mkdtempSync(join(tmpdir(), 'adieu-opendkim-'));
    try {
      const table = Object.entries(records(keys)).map(([name, value]) => `${name} ${value}\n`);
      writeFileSync(join(folder, 'keys'), table.join(''));
      const settings = [
        'Mode v',
        `TestPublicKeys ${join(folder, 'keys')}`,
        'Syslog no',
        'AlwaysAddARHeader yes',
      ];
      writeFileSync(join(folder, 'conf'), `${settings.join('\n')}\n`);
      return messages.map((message) => {
        writeFileSync(join(folder, 'message.eml'), message);
        const run = spawnSync('opendkim', [
          '-x',
          join(folder, 'conf'),
          '-vvv',
          '-t',
          join(folder, 'message.eml'),
        ]);
        const results = `${run.stdout}${run.stderr}`.matchAll(/dkim=(\w+)[^;]*header\.a=/g);
        return [...results].map(([, result]) => result === 'pass');
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

function records(keys: readonly DkimKey[]): Record<string, string> {
  return Object.fromEntries(
    keys.map((key) => [`${key.selector}._domainkey.${DOMAIN}`, dkimRecord(DOMAIN, key).value]),
  );
}
