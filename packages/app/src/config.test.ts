import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyRing } from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import { type Config, Environment, readConfig, type Variables } from './config.ts';
import { settingsPage, showSettings } from './config-page.ts';

function read(variables: Variables): Config {
  const outcome = readConfig(variables);
  if (outcome.ok) return outcome.config;
  throw new Error(JSON.stringify(outcome.problems));
}

describe('the configuration', () => {
  test('without a variable is the documented default', () => {
    expect(read({})).toEqual({
      dataDir: '.adieu',
      databaseUrl: null,
      queueUrl: null,
      relayUrl: null,
      http: { host: '127.0.0.1', port: 3000 },
      inbound: {
        host: '127.0.0.1',
        port: 2525,
        said: false,
        tls: null,
        deadlineSeconds: 300,
        maxPerIp: 50,
        maxSize: 10_485_760,
        proxies: [],
        separators: ['+'],
        canarySeconds: 60,
      },
      apiKey: null,
      keyRing: null,
      mailbox: { httpPort: 3001, smtpPort: 1025 },
      trustProxy: [],
      sesTopics: [],
      retryFirstSeconds: null,
      leaseSeconds: 60,
      relayReplySeconds: 600,
      retentionDays: 90,
      logLevel: 'info',
    });
  });

  test('takes an empty value for an absent one, as Compose files write it', () => {
    expect(read({ HTTP_PORT: '', DATABASE_URL: '  ', RELAY_URL: '' })).toEqual(read({}));
  });

  test('reads a port of 0 as any free one and "off" as no inbound listener', () => {
    const config = read({ HTTP_PORT: '0', SMTP_PORT: 'off' });
    expect(config.http.port).toBe(0);
    expect(config.inbound).toMatchObject({ port: null, said: false });
  });

  test('lets a process that does something else too have the role inbound and no port', () => {
    expect(readConfig({ SMTP_PORT: 'off' }, [], ['inbound', 'api']).ok).toBe(true);
    expect(readConfig({ SMTP_PORT: 'off' }, [], ['inbound']).ok).toBe(false);
  });

  test('knows whether somebody said where inbound mail is received', () => {
    expect(read({ SMTP_PORT: '2525' }).inbound.said).toBe(true);
    expect(read({ SMTP_HOST: 'mx.example.com' }).inbound.said).toBe(true);
    expect(read({}).inbound.said).toBe(false);
  });

  test('takes a host in brackets, a name and both families of addresses', () => {
    for (const [given, host] of [
      ['[::1]', '::1'],
      ['0.0.0.0', '0.0.0.0'],
      ['mx.example.com', 'mx.example.com'],
    ]) {
      expect(read({ HTTP_HOST: given }).http.host).toBe(host);
    }
  });

  test('takes a database behind a socket, whose host stands in the query', () => {
    const url = 'postgres:///adieu?host=/var/run/postgresql';
    expect(read({ DATABASE_URL: url }).databaseUrl).toBe(url);
  });

  test('reads proxies as addresses, networks and names of networks', () => {
    const { trustProxy } = read({ TRUST_PROXY: '10.0.0.0/8, ::1,loopback' });
    expect(trustProxy).toEqual(['10.0.0.0/8', '::1', 'loopback']);
    expect(read({ SMTP_TRUST_PROXY: '10.0.0.0/8,::1' }).inbound.proxies).toEqual(['10.0.0.0/8', '::1']);
  });

  test('MT-12 reads what stands in our addresses beside the plus', () => {
    expect(read({}).inbound.separators).toEqual(['+']);
    expect(read({ SMTP_SEPARATORS: '-=-' }).inbound.separators).toEqual(['+', '-', '=']);
  });

  test('takes a key ring inline or as a file, and remembers which', () => {
    const json = generateKeyRing();
    const path = join(mkdtempSync(join(tmpdir(), 'adieu-')), 'ring.json');
    writeFileSync(path, json);
    expect(read({ ADIEU_KEYRING: json }).keyRing).toEqual({ json, path: null });
    expect(read({ ADIEU_KEYRING: path }).keyRing).toEqual({ json, path });
  });

  test('tells what is missing for one command only where it is needed', () => {
    expect(readConfig({}).ok).toBe(true);
    const outcome = readConfig({}, ['RELAY_URL']);
    expect(outcome).toMatchObject({ ok: false, problems: [{ variable: 'RELAY_URL', code: 'required' }] });
  });

  test('gives every variable a meaning, and either a default or a word for none', () => {
    for (const { variable, meaning, fallback } of showSettings({})) {
      expect([variable, meaning]).toEqual([variable, expect.stringMatching(/\w{3,}/)]);
      expect([variable, fallback]).toEqual([variable, expect.stringMatching(/^.+$/)]);
    }
  });

  test('is documented in the README, variable by variable', () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    for (const name of Object.keys(Environment.shape)) expect(readme).toContain(`\`${name}\``);
  });
});

describe('the page of the configuration', () => {
  const SECRETS: Variables = {
    DATABASE_URL: 'postgres://adieu:hunter2@db.example:5432/adieu?sslmode=require&password=hunter2',
    QUEUE_URL: 'redis://:hunter2@queue.example:6379/1',
    RELAY_URL: 'smtp://user:hunter2@relay.example:587?tls.key=hunter2',
    ADIEU_API_KEY: 'hunter2',
    ADIEU_KEYRING: '{"primary":"k1","keys":{"k1":"hunter2"}}',
  };

  test('hides every secret, also one that is broken', () => {
    const shown = JSON.stringify(showSettings(SECRETS)) + settingsPage(showSettings(SECRETS));
    expect(shown).not.toContain('hunter2');
    expect(JSON.stringify(showSettings({ RELAY_URL: 'hunter2 without a scheme' }))).not.toContain('hunter2');
  });

  test('shows of a URL with a password what is no secret', () => {
    const [url] = showSettings(SECRETS).filter(({ variable }) => variable === 'DATABASE_URL');
    expect(url?.value).toBe('postgres://(hidden)@db.example:5432/adieu?(hidden)');
  });

  test('shows where a key ring lies', () => {
    const [ring] = showSettings({ ADIEU_KEYRING: '/run/secrets/ring.json' }).filter(
      ({ variable }) => variable === 'ADIEU_KEYRING',
    );
    expect(ring).toMatchObject({ value: '/run/secrets/ring.json', source: 'environment' });
  });

  test('tells a default from what was set', () => {
    const page = settingsPage(showSettings({ HTTP_PORT: '8080' }));
    expect(page).toMatch(/^HTTP_PORT +8080$/m);
    expect(page).toMatch(/^SMTP_PORT +2525 {2}default$/m);
    expect(page).toMatch(/^DATABASE_URL +\(embedded\) {2}default$/m);
  });
});
