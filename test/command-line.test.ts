/**
 * The command line without a server: help, wrong arguments, broken configuration.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
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
