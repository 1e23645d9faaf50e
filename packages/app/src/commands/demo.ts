/**
 * `adieu demo`: everything in one process, with a mailbox where the world would be.
 *
 * The first start in a data directory loads the demo brand and sends its letter; a later one keeps all and sends
 * nothing. The log goes to a file, so that what is on the screen is for the person before it.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Log } from '@adieu/core';
import { verifySignatures } from '@adieu/inbound';
import { type Mailbox, startMailbox } from '@adieu/mailbox';
import type { Config } from '../config.ts';
import { DEMO, loadBrand, sendLetter } from '../demo/brand.ts';
import { readDiary, writeDiary } from '../demo/diary.ts';
import { welcomePage } from '../demo/welcome.ts';
import { startHeartbeat } from '../heartbeat.ts';
import { type Alive, live } from '../life.ts';
import { openLog } from '../log.ts';
import { type Management, openManagement } from '../management.ts';
import { addUp, type Outcome, settledCount, waitForOutcome, whoWasSkipped } from '../outcome.ts';
import { outcomePage, skippedPage } from '../outcome-page.ts';
import { startProgress } from '../progress.ts';
import { ownKeys } from '../published-keys.ts';
import { ROLES } from '../role.ts';
import { type Doors, listening, startRoles } from '../roles.ts';
import { closeStages, type Stage } from '../shutdown.ts';
import { type Paints, paintsFor } from '../terminal.ts';
import { type Foundation, openFoundation } from '../wiring.ts';
import { pauseNotice } from './sending.ts';

interface DemoAlive extends Alive {
  readonly mailbox: Mailbox;
}

/** Mails that the mailbox keeps. */
const KEEP = 2_000;
const SKIPPED_SHOWN = 30;

export async function demo(config: Config): Promise<void> {
  await mkdir(config.dataDir, { recursive: true });
  const logPath = join(config.dataDir, 'adieu.log');
  const log = openLog(config.logLevel, logPath);
  const paints = paintsFor(process.stdout);
  say(`\n${paints.bold('Adieu')}  every message carries its own way out\n`);
  await live<DemoAlive>(log, {
    dataDir: config.dataDir,
    start: () => start(config, log),
    whileAlive: async ({ foundation, heartbeat, roles, mailbox }) => {
      for (const line of pauseNotice(heartbeat.sending())) say(paints.red(line));
      const management = openManagement(roles.url ?? '', foundation.apiKey.value);
      const { outcome, earlier } = await firstLetter(management, config.dataDir);
      const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true;
      const { url: mailboxUrl } = mailbox;
      const places = { mailboxUrl, apiUrl: management.url, apiKey: foundation.apiKey, logPath };
      say(welcomePage({ outcome, earlier, ...places, interactive, program: program() }, paints));
      if (interactive) listenForAgain(management, config.dataDir, paints);
    },
  });
}

async function start(config: Config, log: Log): Promise<DemoAlive> {
  say('Starting the database …');
  const foundation = await openFoundation(config, log);
  const started: { mailbox?: Mailbox } = {};
  const mailboxStage: Stage = { name: 'mailbox', patience: 500, close: async () => started.mailbox?.close() };
  try {
    const relayUrl = async (doors: Doors) => {
      started.mailbox = await openMailbox(foundation, { config, doors, log });
      return config.relayUrl ?? started.mailbox.smtpUrl;
    };
    const heartbeat = await startHeartbeat(foundation, { config, sends: true, log });
    const roles = await startRoles(foundation, { config, roles: ROLES, relayUrl, heartbeat, log });
    if (started.mailbox === undefined) throw new Error('the mailbox did not start');
    return { foundation, heartbeat, roles, mailbox: started.mailbox, extra: [mailboxStage] };
  } catch (error) {
    const database: Stage = { name: 'database', patience: 5_000, close: foundation.close };
    await closeStages([mailboxStage, database], log);
    throw error;
  }
}

function openMailbox(
  { database, ring }: Foundation,
  { config, doors, log }: { readonly config: Config; readonly doors: Doors; readonly log: Log },
): Promise<Mailbox> {
  const { httpPort, smtpPort } = config.mailbox;
  const { host } = config.http;
  const inbound =
    doors.smtpPort === null ? {} : { relayInbound: { host: config.inbound.host, port: doors.smtpPort } };
  return listening(['MAILBOX_SMTP_PORT', 'MAILBOX_HTTP_PORT'], [smtpPort, httpPort], () =>
    startMailbox({
      host,
      smtpPort,
      httpPort,
      verify: verifySignatures,
      resolve: ownKeys(database.db, ring.value),
      ...inbound,
      ...(doors.url === null ? {} : { postBase: doors.url }),
      keep: KEEP,
      directory: join(config.dataDir, 'mailbox'),
      log,
    }),
  );
}

/** Sends on the first start; afterwards asks what became of it. */
async function firstLetter(
  management: Management,
  dataDir: string,
): Promise<{ readonly outcome: Outcome; readonly earlier: boolean }> {
  const diary = await readDiary(dataDir);
  const counts = diary === null ? null : await management.findExecution(diary.execution);
  if (counts !== null) return { outcome: addUp([counts]), earlier: true };
  say('Loading the demo brand …');
  await loadBrand(management);
  const execution = await sendLetter(management);
  await writeDiary(dataDir, { execution });
  return { outcome: await watch(management, execution), earlier: false };
}

async function watch(management: Management, execution: string): Promise<Outcome> {
  const progress = startProgress('settled');
  try {
    return await waitForOutcome(management, [execution], (outcome) =>
      progress.update(
        settledCount(outcome),
        Object.values(outcome.counts).reduce((sum, count) => sum + count, 0),
      ),
    );
  } finally {
    progress.stop();
  }
}

/** `s` and Enter sends again, to everybody who may still be written to. */
function listenForAgain(management: Management, dataDir: string, paints: Paints): void {
  const lines = createInterface({ input: process.stdin });
  let busy = false;
  lines.on('line', (line) => {
    if (line.trim().toLowerCase() !== 's' || busy) return;
    busy = true;
    sendAgain(management, dataDir, paints)
      .catch((error: unknown) => say(paints.red(error instanceof Error ? error.message : String(error))))
      .finally(() => {
        busy = false;
      });
  });
}

async function sendAgain(management: Management, dataDir: string, paints: Paints): Promise<void> {
  const execution = await sendLetter(management, `demo-again-${randomUUID()}`);
  await writeDiary(dataDir, { execution });
  const outcome = await watch(management, execution);
  const { configuration } = DEMO;
  const skipped = await whoWasSkipped(management, [execution], { configuration, limit: SKIPPED_SHOWN });
  say(`\n${outcomePage(outcome, paints)}\n\n${paints.bold('Skipped')}\n${skippedPage(skipped, paints)}\n`);
}

/** How this program was called, as it can be typed again. */
function program(): string {
  const script = relative(process.cwd(), process.argv[1] ?? '');
  return script.endsWith('.js') && !script.startsWith('..') ? `node ${script}` : 'adieu';
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
