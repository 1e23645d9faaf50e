/**
 * `adieu serve`: the roles of this process, until a signal.
 *
 * @module
 */
import type { Config } from '../config.ts';
import { startHeartbeat } from '../heartbeat.ts';
import { type Alive, live } from '../life.ts';
import { openLog } from '../log.ts';
import type { Role } from '../role.ts';
import { startRoles } from '../roles.ts';
import { closeStages } from '../shutdown.ts';
import { openFoundation } from '../wiring.ts';
import { pauseNotice } from './sending.ts';

/** Serves. The configuration has a relay, which its reader made sure of. */
export async function serve(config: Config, roles: readonly Role[]): Promise<void> {
  const log = openLog(config.logLevel);
  await live(log, {
    dataDir: config.dataDir,
    start: async () => {
      const foundation = await openFoundation(config, log);
      try {
        const heartbeat = await startHeartbeat(foundation, { config, sends: roles.includes('worker'), log });
        const relayUrl = async () => config.relayUrl ?? '';
        const running = await startRoles(foundation, { config, roles, relayUrl, heartbeat, log });
        const { url, watchUrl, smtpPort } = running;
        log.info({ roles, url, watchUrl, smtpPort }, 'ready');
        return { foundation, heartbeat, roles: running };
      } catch (error) {
        await closeStages([{ name: 'database', patience: 5_000, close: foundation.close }], log);
        throw error;
      }
    },
    whileAlive: async (alive) => greet(alive),
  });
}

/** What a person who started it by hand wants to know. The key is shown when it was made, and never again. */
function greet({ foundation, heartbeat, roles }: Alive): void {
  const { ring, apiKey } = foundation;
  const lines = [
    ...pauseNotice(heartbeat.sending()),
    ...(ring.generated ? [`Key ring      made in ${ring.path}: keep a copy, links die with it`] : []),
    ...(apiKey.generated ? [`API key       ${apiKey.value}  (shown this once; kept in ${apiKey.path})`] : []),
    ...(roles.url === null ? [] : [`API           ${roles.url}  (described at ${roles.url}/docs)`]),
    ...(roles.url !== null ? [] : [`Watch         ${roles.watchUrl}/readyz and /metrics`]),
    ...(roles.smtpPort === null ? [] : [`Inbound SMTP  port ${roles.smtpPort}`]),
  ];
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
}
