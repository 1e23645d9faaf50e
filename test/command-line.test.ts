/**
 * The command line without a server: help, wrong arguments, broken configuration.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const MAIN = fileURLToPath(new URL('../packages/app/dist/main.js', import.meta.url));
const DATA = join(mkdtempSync(join(tmpdir(), 'adieu-cli-')), 'data');

function adieu(args: readonly string[], variables: Record<string, string> = {}) {
  const { PATH = '' } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    env: { PATH, ADIEU_DATA_DIR: DATA, ...variables },
  });
  return { status, stdout, stderr };
}

describe('a process', () => {
  test('logs an error nobody caught once, without the address in it, and ends with 1', () => {
    const script = `
      const [{ failOnUncaught }, { openLog }] = await Promise.all([
        import(process.argv[1] + 'shutdown.js'), import(process.argv[1] + 'log.js')]);
      failOnUncaught(openLog('info'));
      Promise.reject(new Error('lost ann@example.com'));
      Promise.reject(new Error('and another'));
      setTimeout(() => process.exit(0), 10_000);`;
    const dist = new URL('../packages/app/dist/', import.meta.url).href;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, dist], {
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    const lines = stderr.trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ err: { message: 'lost …@…' } });
  });
});

describe('adieu', () => {
  test.each([
    [[]],
    [['serve']],
    [['demo']],
    [['send']],
    [['import']],
    [['import', 'suppressions']],
    [['inspect']],
    [['classify']],
    [['keys']],
    [['keys', 'rotate']],
    [['migrate']],
    [['sending']],
    [['sending', 'pause']],
    [['config']],
  ])('%j explains itself', (args) => {
    const { status, stdout } = adieu([...args, '--help']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Usage: adieu/);
  });

  test.each([
    [['fly'], 'unknown command'],
    [['serve', '--roles', 'api,pilot'], 'There is no role "pilot"'],
    [['serve', '--rolls', 'api'], 'unknown option'],
    [['send', 'newsletter.mjml'], "required option '--to <file>' not specified"],
    [['send', '--to', 'people.csv'], "missing required argument 'template'"],
    [['inspect'], "missing required argument 'file'"],
    [['classify'], "missing required argument 'path'"],
    [['sending', 'pause'], "required option '--why <text>' not specified"],
    [['inspect', 'a.eml', 'b.eml'], 'too many arguments'],
  ])('%j is a wrong call, which ends with 2', (args, complaint) => {
    const { status, stderr } = adieu(args);
    expect(stderr).toContain(complaint);
    expect(status).toBe(2);
  });

  test.each([
    [['inspect', 'no-such.eml'], 'file_unreadable'],
    [['send', 'no-such.mjml', '--to', 'people.csv'], 'file_unreadable'],
    [['send', 'newsletter.docx', '--to', 'people.csv'], 'template_format'],
    [['keys', 'rotate'], 'keyring_missing'],
    [['sending'], 'no_installation'],
    [['sending', 'pause', '--why', 'x'], 'no_installation'],
  ])('%j fails with a code and without a stack', (args, code) => {
    const { status, stderr } = adieu(args);
    expect(stderr).toContain(`[${code}]`);
    expect(stderr).not.toContain('    at ');
    expect(status).toBe(1);
  });

  test('serve needs a relay where it has a worker, and no other command does', () => {
    const { status, stderr } = adieu(['serve']);
    expect([status, stderr]).toEqual([1, expect.stringContaining('RELAY_URL: it has to be set')]);
    expect(adieu(['config']).status).toBe(0);
  });

  test('any command refuses a broken configuration, all of it at once', () => {
    const { status, stderr } = adieu(['keys', 'init'], { HTTP_PORT: 'x', LEASE_SECONDS: 'y' });
    expect(status).toBe(1);
    expect(stderr).toContain('[not_a_port]');
    expect(stderr).toContain('[not_a_number]');
  });

  test('config answers as JSON, secrets hidden', () => {
    const { stdout } = adieu(['config', '--json'], { RELAY_URL: 'smtp://user:hunter2@relay.example' });
    const settings = JSON.parse(stdout) as { variable: string; value: string }[];
    expect(settings.find(({ variable }) => variable === 'RELAY_URL')?.value).toBe(
      'smtp://(hidden)@relay.example',
    );
    expect(stdout).not.toContain('hunter2');
  });

  test('keys are shown by id only, and the API key once', () => {
    const first = adieu(['keys', 'init']);
    expect(first.stdout).toMatch(/API key {3}adieu_[\w-]{32} /);
    const second = adieu(['keys', 'init', '--json']);
    expect(JSON.parse(second.stdout)).toMatchObject({ primary: 'k1', ids: ['k1'], apiKeyMade: false });
    expect(second.stdout).not.toContain('adieu_');
    expect(JSON.parse(adieu(['keys', 'rotate', '--json']).stdout)).toMatchObject({
      primary: 'k2',
      ids: ['k1', 'k2'],
    });
    expect(adieu(['keys', 'show']).stdout).toBe('Key ring  k1 k2; k2 seals\nAPI key   present\n');
  });
});

describe('adieu classify', () => {
  const REPORTS = fileURLToPath(new URL('../packages/mail/fixtures/report/', import.meta.url));
  const rows = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  test('answers a line of JSON per mail of a directory, sorted, with the promised fields and no other', () => {
    const { status, stdout } = adieu(['classify', REPORTS, '--json']);
    expect(status).toBe(0);
    const found = rows(stdout);
    expect(found.map(({ file }) => file)).toEqual(readdirSync(REPORTS).sort());
    for (const row of found) {
      expect(Object.keys(row)).toEqual(['file', 'recipients']);
      for (const recipient of row.recipients)
        expect(['address', 'status', 'kind', 'reason']).toEqual(
          expect.arrayContaining(Object.keys(recipient)),
        );
    }
    const kinds = new Set(
      found.flatMap(({ recipients }) => recipients.map(({ kind }: { kind: string }) => kind)),
    );
    expect([...kinds].sort()).toEqual([
      'auto-reply',
      'complaint',
      'delivered',
      'hard',
      'none',
      'sender',
      'soft',
    ]);
  });

  test('takes one file, needs no configuration, and says that a delay is one', () => {
    const broken = { HTTP_PORT: 'x', DATABASE_URL: 'postgres://127.0.0.1:1/none' };
    const path = join(REPORTS, '06-postfix-delayed.eml');
    const { status, stdout, stderr } = adieu(['classify', path, '--json'], broken);
    expect([status, stderr]).toEqual([0, '']);
    expect(rows(stdout)).toEqual([
      {
        file: path,
        recipients: [
          {
            address: 'john@example.net',
            status: '4.4.1',
            kind: 'soft',
            reason: expect.stringMatching(/^delayed: /),
          },
        ],
      },
    ]);
  });

  test('says in its place what cannot be read, reads on, and ends with 1', () => {
    const directory = mkdtempSync(join(tmpdir(), 'adieu-classify-'));
    symlinkSync(join(directory, 'nowhere'), join(directory, 'a.eml'));
    symlinkSync(directory, join(directory, 'b.eml'));
    writeFileSync(
      join(directory, 'c.eml'),
      'From: MAILER-DAEMON@example.com\n\n<john@example.net>: unknown user',
    );
    writeFileSync(join(directory, 'd.eml'), '');
    const { status, stdout } = adieu(['classify', directory, '--json']);
    expect(status).toBe(1);
    const error = { code: 'file_unreadable', detail: expect.stringContaining(directory) };
    expect(rows(stdout)).toMatchObject([
      { file: 'a.eml', recipients: [], error },
      { file: 'b.eml', recipients: [], error },
      { file: 'c.eml', recipients: [{ kind: 'hard' }] },
      { file: 'd.eml', recipients: [{ kind: 'none' }] },
    ]);
    expect(adieu(['classify', join(directory, 'a.eml')])).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('cannot be read (ENOENT)'),
    });
  });

  test('shows a person what was read, with nothing in it that steers a terminal', () => {
    const directory = mkdtempSync(join(tmpdir(), 'adieu-classify-'));
    const hostile = 'From: MAILER-DAEMON@example.com\n\n<john@example.net>: unknown user \u001b[2J\u202e\n';
    writeFileSync(join(directory, 'one.eml'), hostile);
    const { status, stdout } = adieu(['classify', directory]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^one\.eml\n {2}hard {7}5\.1\.1 {3}john@example\.net\n/);
    expect(stdout).toMatch(/1 mail: 1 hard\n$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });
});
