/**
 * Two DKIM verifiers of others that the tests hold Adieu against.
 *
 * They are not needed to use or to test Adieu: where one is missing its tests are skipped and say why, except under `CI=true`, where they fail.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from '@jest/globals';

/** A program, and how to ask whether it is there. */
export interface OutsideTool {
  readonly name: string;
  readonly probe: readonly [string, ...string[]];
}

export const PYTHON_DKIM: OutsideTool = {
  name: 'python3-dkim',
  probe: ['/usr/bin/python3', '-c', 'import dkim'],
};
export const OPENDKIM: OutsideTool = { name: 'opendkim', probe: ['opendkim', '-V'] };

function run([command, ...args]: readonly [string, ...string[]], input?: string | Buffer) {
  return spawnSync(command, args, {
    ...(input === undefined ? {} : { input }),
    timeout: 60_000,
    encoding: 'utf8',
  });
}

/** A test that needs tools of others; skipped with a printed reason where one is missing, a failure under `CI=true`. */
export function testWith(tools: readonly OutsideTool[], name: string, body: () => Promise<void>): void {
  const missing = tools.filter((tool) => run(tool.probe).status !== 0).map((tool) => tool.name);
  if (missing.length === 0 || process.env.CI === 'true') test(name, body);
  else test.skip(`${name} (skipped: ${missing.join(', ')} not installed)`, body);
}

/** What an outside verifier said of one message. */
export interface OutsideVerdict {
  readonly valid: boolean;
  readonly said: string;
}

/** Published keys: DNS name of a TXT record to its value. */
export type PublishedKeys = Readonly<Record<string, string>>;

function withFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'adieu-verify-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const PYTHON_VERIFY = `
import dkim, json, sys
keys = json.load(open(sys.argv[2]))
message = open(sys.argv[1], 'rb').read()
checker = dkim.DKIM(message)
answers = []
for index in range(message.lower().split(b'\\r\\n\\r\\n')[0].count(b'dkim-signature:')):
    try:
        valid = checker.verify(index, dnsfunc=lambda name, timeout=5: keys.get(name.decode().rstrip('.'), '').encode())
    except Exception as error:
        valid = False
        answers.append('%d error %s' % (index, error))
    answers.append('%d %s %s' % (index, valid, checker.signature_fields.get(b'a')))
    if not valid:
        print('; '.join(answers)); sys.exit(1)
print('; '.join(answers))
sys.exit(0 if answers else 1)
`;

/** Every signature of the message by python3-dkim; valid only if there is one and all are. */
export function verifyWithPythonDkim(message: Buffer, keys: PublishedKeys): OutsideVerdict {
  return withFolder((folder) => {
    writeFileSync(join(folder, 'm.eml'), message);
    writeFileSync(join(folder, 'keys.json'), JSON.stringify(keys));
    const done = run([
      '/usr/bin/python3',
      '-c',
      PYTHON_VERIFY,
      join(folder, 'm.eml'),
      join(folder, 'keys.json'),
    ]);
    return { valid: done.status === 0, said: `${done.stdout}${done.stderr}` };
  });
}

/** The message by opendkim in test mode. */
export function verifyWithOpendkim(message: Buffer, keys: PublishedKeys): OutsideVerdict {
  return withFolder((folder) => {
    writeFileSync(join(folder, 'm.eml'), message);
    writeFileSync(
      join(folder, 'keys'),
      Object.entries(keys)
        .map((entry) => entry.join(' '))
        .join('\n'),
    );
    writeFileSync(join(folder, 'conf'), `Mode v\nTestPublicKeys ${join(folder, 'keys')}\n`);
    const done = run(['opendkim', '-x', join(folder, 'conf'), '-t', join(folder, 'm.eml')]);
    const said = `${done.stdout}${done.stderr}`;
    return { valid: / succeeded$/m.test(said) && !/ failed/m.test(said), said };
  });
}
