/**
 * Postfix from Debian, in a folder and on a port of its own, relaying everything to one sink.
 *
 * The rule: nothing of the machine's own Postfix is used but its programs, and none of its services is touched.
 *
 * @module
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixture } from '../packages/worker/src/testing/scripted-relay.ts';
import type { OutsideTool } from './outside-tools.ts';
import { freePort, until } from './running-adieu.ts';

/** Postfix starts only as root. */
export const POSTFIX: OutsideTool = {
  name: 'postfix, as root',
  probe: ['sh', '-c', 'test "$(id -u)" = 0 && PATH=$PATH:/usr/sbin command -v postfix'],
};

/** A running Postfix. */
export interface Postfix {
  readonly url: string;
  log(): Promise<string>;
  close(): Promise<void>;
}

const SERVICES = [
  ['pickup unix n - n 60 1 pickup', 'cleanup unix n - n - 0 cleanup', 'qmgr unix n - n 300 1 qmgr'],
  [
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    'rewrite unix - - n - - trivial-rewrite',
    'bounce unix - - n - 0 bounce',
  ],
  ['defer unix - - n - 0 bounce', 'trace unix - - n - 0 bounce', 'smtp unix - - n - - smtp'],
  ['relay unix - - n - - smtp', 'error unix - - n - - error', 'retry unix - - n - - error'],
  ['anvil unix - - n - 1 anvil', 'scache unix - - n - 1 scache', 'postlog unix-dgram n - n - 1 postlogd'],
].flat();

/** Starts it; STARTTLS with the certificate of the tests' own authority. */
export async function startPostfix(sinkPort: number): Promise<Postfix> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'adieu-postfix-'));
  // Its daemons run as somebody else.
  await chmod(folder, 0o755);
  for (const name of ['etc', 'queue', 'data']) await mkdir(join(folder, name));
  spawnSync('chown', ['postfix', join(folder, 'data')]);
  const log = join(folder, 'postfix.log');
  const settings = {
    compatibility_level: '3.6',
    queue_directory: join(folder, 'queue'),
    data_directory: join(folder, 'data'),
    maillog_file: log,
    maillog_file_prefixes: folder,
    myhostname: 'relay.test',
    mydestination: '',
    local_recipient_maps: '',
    alias_maps: '',
    alias_database: '',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    mynetworks: '127.0.0.0/8',
    relayhost: `[127.0.0.1]:${sinkPort}`,
    disable_dns_lookups: 'yes',
    smtpd_peername_lookup: 'no',
    smtpd_relay_restrictions: 'permit_mynetworks, reject',
    smtpd_tls_security_level: 'may',
    smtpd_tls_cert_file: fixture('relay.pem'),
    smtpd_tls_key_file: fixture('relay.key'),
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  await writeFile(join(folder, 'etc/main.cf'), `${lines.join('\n')}\n`);
  const services = [`127.0.0.1:${port} inet n - n - - smtpd`, ...SERVICES];
  await writeFile(join(folder, 'etc/master.cf'), `${services.join('\n')}\n`);

  const postfix = (...args: string[]) => ['-c', join(folder, 'etc'), ...args];
  const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  const child = spawn('postfix', postfix('start-fg'), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const readLog = (): Promise<string> => readFile(log, 'utf8').catch(() => '');
  await until(
    () => {
      if (child.exitCode !== null) throw new Error(`postfix ended with ${child.exitCode}: ${said}`);
      return greets(port);
    },
    () => `postfix does not greet: ${said}`,
  );
  return {
    url: `smtp://127.0.0.1:${port}`,
    log: readLog,
    async close() {
      if (child.exitCode === null) {
        const ended = once(child, 'exit');
        spawnSync('postfix', postfix('stop'), { env, timeout: 20_000 });
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Tells whether somebody says 220 at a port. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.setTimeout(1000, () => socket.destroy());
    socket.once('data', (data) => {
      resolve(data.toString().startsWith('220'));
      socket.end('QUIT\r\n');
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}
