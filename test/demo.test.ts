/**
 * The first minutes of a newcomer, as a process: start, look at the mails, leave, send again, stop, start again.
 *
 * Needs the build (`npx pnpm@12 test` builds first).
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MAIN = join(ROOT, 'packages/app/dist/main.js');
const LETTER = join(ROOT, 'packages/app/demo/newsletter.mjml');
const PEOPLE = join(ROOT, 'packages/app/demo/people.ndjson');
const DEADLINE = 90_000;

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

interface Mail {
  readonly id: string;
  readonly recipients: readonly string[];
}

let folder = '';
let dataDir = '';
const started: ChildProcess[] = [];

/** Ports of 0 everywhere: whatever is free. The server of a directory is found by its note. */
function run(args: readonly string[], variables: Record<string, string> = {}): Running {
  const { PATH = '', HOME = '', LANG = '' } = process.env;
  const free = { HTTP_PORT: '0', SMTP_PORT: '0', MAILBOX_HTTP_PORT: '0', MAILBOX_SMTP_PORT: '0' };
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH, HOME, LANG, ADIEU_DATA_DIR: dataDir, ...free, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exit = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, output: () => output, exit };
}

async function until(what: string, running: Running, done: () => boolean): Promise<void> {
  const end = Date.now() + DEADLINE;
  while (!done()) {
    if (running.child.exitCode !== null || Date.now() > end) {
      throw new Error(`${what} did not happen:\n${running.output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function startDemo(): Promise<Running> {
  const demo = run(['demo']);
  await until('the summary', demo, () => demo.output().includes('Ctrl-C stops'));
  return demo;
}

async function command(args: readonly string[], variables: Record<string, string> = {}) {
  const running = run(args, variables);
  const code = await running.exit;
  return { code, output: running.output() };
}

function urlOf(demo: Running, name: string): string {
  return new RegExp(`${name} +(http://[0-9.]+:\\d+)`).exec(demo.output())?.[1] ?? '';
}

async function mails(demo: Running): Promise<readonly Mail[]> {
  const answer = await fetch(`${urlOf(demo, 'Mailbox')}/messages.json`);
  return ((await answer.json()) as { messages: Mail[] }).messages;
}

/** A POST as a mailbox provider sends it, to the host of the link, which DNS does not know here. */
function postOneClick(link: URL, base: string): Promise<number> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const body = 'List-Unsubscribe=One-Click';
    const headers = { host: link.host, 'content-type': 'application/x-www-form-urlencoded' };
    request({ hostname, port, method: 'POST', path: `${link.pathname}${link.search}`, headers })
      .on('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
      .on('error', reject)
      .end(body);
  });
}

function headerOf(eml: string, name: string): string {
  const head = eml.slice(0, eml.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ');
  return new RegExp(`^${name}: (.*)$`, 'mi').exec(head)?.[1] ?? '';
}

beforeAll(async () => {
  // The embedded server may run as another user, who has to enter.
  folder = await mkdtemp(join(tmpdir(), 'adieu-demo-'));
  await chmod(folder, 0o755);
  dataDir = join(folder, 'data');
});

afterAll(async () => {
  for (const child of started) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }
  await rm(folder, { recursive: true, force: true });
});

describe('the demo', () => {
  let demo: Running;
  let gone: Mail;
  let eml = '';

  test('starts on an empty directory, sends to everybody who may be written to, and says who was skipped', async () => {
    demo = await startDemo();
    expect(demo.output()).toMatch(/ 185 {2}sent/);
    expect(demo.output()).toMatch(/ 13 {2}050101 {2}No consent to marketing mail\./);
    expect(demo.output()).toMatch(/ 2 {2}050020 {2}The profile has no address to send to\./);
    expect(await mails(demo)).toHaveLength(185);
  });

  test('prints its key once and keeps keys where only their owner reads them', async () => {
    const key = (await readFile(join(dataDir, 'api-key'), 'utf8')).trim();
    expect(demo.output().split(key)).toHaveLength(2);
    for (const name of ['api-key', 'keyring.json']) {
      expect((await stat(join(dataDir, name))).mode & 0o777).toBe(0o600);
    }
  });

  test('writes no address, no key and no token into its log', async () => {
    const log = await readFile(join(dataDir, 'adieu.log'), 'utf8');
    expect(log).not.toMatch(/@[a-z]+\.example|params=A|adieu_/);
    expect(log).toContain('request answered');
  });

  test('delivers mails that a mailbox provider finds nothing wrong with', async () => {
    [gone] = (await mails(demo)) as [Mail];
    eml = await (await fetch(`${urlOf(demo, 'Mailbox')}/messages/${gone.id}.eml`)).text();
    await writeFile(join(folder, 'mail.eml'), eml);
    const { code, output } = await command(['inspect', 'mail.eml', '--json']);
    const answer = JSON.parse(output) as {
      fine: boolean;
      findings: { level: string; title: string }[];
      signatures: { valid: boolean }[];
    };
    expect(answer.findings.filter(({ level }) => level === 'wrong')).toEqual([]);
    expect(answer.signatures.map(({ valid }) => valid)).toEqual([true, true]);
    expect([code, answer.fine]).toEqual([0, true]);
  });

  test('finds the damage in a mail that was changed on the way', async () => {
    await writeFile(join(folder, 'changed.eml'), eml.replace('Subject: ', 'Subject: Re: '));
    const { code, output } = await command(['inspect', 'changed.eml']);
    expect(code).toBe(1);
    expect(output).toContain('not valid');
  });

  test('answers the POST of the header with 200, and skips that person when it is sent again, saying why', async () => {
    const link = new URL(/<(https:[^>]+)>/.exec(headerOf(eml, 'List-Unsubscribe'))?.[1] ?? '');
    expect(link.hostname).toBe('news.slowrails.example');
    expect(await postOneClick(link, urlOf(demo, 'API'))).toBe(200);
    const { code, output } = await command(['send', LETTER, '--to', PEOPLE, '--json']);
    const answer = JSON.parse(output) as {
      finished: boolean;
      counts: Record<string, number>;
      exclusions: Record<string, number>;
      skipped: { id: string; code: string; why: string }[];
    };
    expect(answer).toMatchObject({
      finished: true,
      counts: { sent: 184, excluded: 16 },
      exclusions: { '050101': 14, '050020': 2 },
    });
    expect(code).toBe(0);
    const person = (await readFile(PEOPLE, 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { identities: { CRMID: string; Email?: string } })
      .find(({ identities }) => identities.Email === gone.recipients[0]);
    const skipped = answer.skipped.find(({ id }) => id === person?.identities.CRMID);
    expect(skipped).toMatchObject({ code: '050101', why: 'marketing.email: n' });
    const again = (await mails(demo)).filter(({ recipients }) => recipients[0] === gone.recipients[0]);
    expect(again).toHaveLength(1);
  });

  test('sends a CSV, lists its bad lines by number, and says so in the exit code', async () => {
    const csv = join(folder, 'people.csv');
    await writeFile(csv, 'email,firstName\nann@example.com,Ann\nno address,Bo\n,Cy\n');
    const { code, output } = await command([
      'send',
      LETTER,
      '--to',
      csv,
      '--subject',
      'To {{profile.person.name.firstName}}',
    ]);
    expect(output).toMatch(/ 1 {2}sent/);
    expect(output).toMatch(/line 3: /);
    expect(output).toMatch(/line 4: /);
    expect(code).toBe(1);
    const [mail] = await mails(demo);
    expect(mail).toMatchObject({ recipients: ['ann@example.com'], subject: 'To Ann' });
  });

  test('tells where a template is broken, as file:line:column', async () => {
    const broken = join(folder, 'broken.mjml');
    await writeFile(broken, '<mjml>\n  <mj-body>\n    <mj-oops></mj-oops>\n  </mj-body>\n</mjml>\n');
    const { code, output } = await command(['send', 'broken.mjml', '--to', PEOPLE, '--subject', 'x']);
    expect(code).toBe(1);
    expect(output).toMatch(/^broken\.mjml:3:\d+: .*mj-oops/m);
  });

  test('does not start twice on the same ports, and names the variable to change', async () => {
    const { port } = new URL(urlOf(demo, 'API'));
    const second = await command(['demo'], { ADIEU_DATA_DIR: join(folder, 'second'), HTTP_PORT: port });
    expect(second.code).toBe(1);
    expect(second.output).toMatch(new RegExp(`Port ${port} is in use .* HTTP_PORT .*\\[port_in_use\\]`));
    const mailbox = new URL(urlOf(demo, 'Mailbox')).port;
    const third = await command(['demo'], {
      ADIEU_DATA_DIR: join(folder, 'second'),
      MAILBOX_HTTP_PORT: mailbox,
    });
    expect(third.output).toContain('MAILBOX_HTTP_PORT');
    expect(third.code).toBe(1);
  });

  test('ends with 0 on SIGTERM, and a second signal does no harm', async () => {
    demo.child.kill('SIGTERM');
    demo.child.kill('SIGTERM');
    expect(await demo.exit).toBe(0);
    await expect(stat(join(dataDir, 'server.json'))).rejects.toThrow('ENOENT');
    expect(await command(['send', LETTER, '--to', PEOPLE])).toMatchObject({
      code: 1,
      output: expect.stringContaining('server_unreachable'),
    });
  });

  test('keeps everything for the next start, which sends nothing', async () => {
    demo = await startDemo();
    expect(demo.output()).toContain('is not sent again');
    expect(demo.output()).toMatch(/ 185 {2}sent/);
    expect(await mails(demo)).toHaveLength(185 + 184 + 1);
    demo.child.kill('SIGINT');
    expect(await demo.exit).toBe(0);
  });

  test('comes back after its process was killed by force', async () => {
    demo = await startDemo();
    demo.child.kill('SIGKILL');
    await demo.exit;
    demo = await startDemo();
    expect(demo.output()).toContain('is not sent again');
    demo.child.kill('SIGTERM');
    expect(await demo.exit).toBe(0);
  });
});

describe('adieu serve', () => {
  test('refuses to start with a key ring that cannot open the stored keys', async () => {
    const ring = JSON.stringify({ primary: 'k1', keys: { k1: Buffer.alloc(32, 7).toString('base64') } });
    const relay = { RELAY_URL: 'smtp://127.0.0.1:9', ADIEU_KEYRING: ring };
    const { code, output } = await command(['serve'], relay);
    expect(code).toBe(1);
    expect(output).toContain('[keyring_cannot_open]');
    expect(output).not.toContain('k1":');
  });

  test('runs a subset of the roles, and is ready when they are', async () => {
    const server = run(['serve', '--roles', 'api']);
    await until('the API', server, () => /API +http/.test(server.output()));
    const answer = await fetch(`${urlOf(server, 'API')}/readyz`);
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ready' }]);
    server.child.kill('SIGTERM');
    expect(await server.exit).toBe(0);
    expect(server.output()).not.toContain('inbound SMTP listens');
  });
});

describe('its ports', () => {
  test('may be taken by any program', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const address = blocker.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    const { code, output } = await command(['demo'], { SMTP_PORT: port });
    blocker.close();
    expect(output).toContain(
      `Port ${port} is in use by another program. Stop it, or set SMTP_PORT to a free port.`,
    );
    expect(code).toBe(1);
  });
});
