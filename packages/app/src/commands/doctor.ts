/**
 * `adieu doctor`: whether mail can come in, and what DNS says about the sending subdomains, asked from where it is run.
 *
 * One rule: it changes nothing but the time of the last canary, and what it cannot find out is said and is no fault. It runs
 * beside a server or on another machine: what the server's own canary cannot see, a firewall and DNS, it can from there.
 *
 * @module
 */
import { Failure, isFailure } from '@adieu/core';
import { type Listener, readCertificate, sendCanary } from '@adieu/inbound';
import { checkDatabase, type Db, hasCluster, readInboundWatch, readVersion } from '@adieu/store';
import type { Config } from '../config.ts';
import { type Finding, findingsPage } from '../finding.ts';
import { findKeyRing } from '../keys.ts';
import { openLog, redact } from '../log.ts';
import { answer, type Output } from '../output.ts';
import { type JudgeSts, openStsJudge } from '../sts-mode.ts';
import { checkSubdomains } from '../subdomain-check.ts';
import { openOwnDatabase } from '../wiring.ts';

/** How the command is run. */
export interface DoctorOptions extends Output {
  /** `host:port` where outside senders reach the listener; as configured unless given. */
  readonly listener?: string;
}

/** Canaries come once a minute unless said otherwise. */
const MISSED = 5;

/** Looks, and answers whether nothing was found to be wrong. */
export async function examine(config: Config, options: DoctorOptions): Promise<boolean> {
  const listener = findListener(config, options);
  const judge = await judgeListener(listener);
  const findings = [...(await askDatabase(config, judge)), await reachListener(config, listener)];
  answer(options, {
    json: { findings },
    page: findingsPage(findings),
  });
  return findings.every(({ verdict }) => verdict !== 'wrong');
}

/** What the database says, and what it knows of the subdomains. `judge`: by what the listener shows; null while nobody knows. */
export async function askDatabase(config: Config, judge: JudgeSts | null): Promise<readonly Finding[]> {
  const check = 'database';
  if (config.databaseUrl === null && !(await hasCluster(config.dataDir))) {
    return [{ check, verdict: 'unknown', says: `There is no installation in ${config.dataDir}.` }];
  }
  const { database, close } = await openOwnDatabase(config, openLog(config.logLevel));
  const { db } = database;
  try {
    const answers = await foundOut(check, () => checkVersion(db));
    if (answers.some(({ verdict }) => verdict === 'wrong')) return answers;
    return [
      ...answers,
      ...(await foundOut('last mail', () => lastCame(config, db))),
      ...(await foundOut('subdomains', () => checkSubdomains(db, { config, judge }))),
    ];
  } finally {
    await close();
  }
}

/** What nobody foresaw is told as it is: advice would only be right by chance. */
async function foundOut(check: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    const { message, cause } = error as Error;
    const says = isFailure(error) ? error.detail : `Looking failed: ${redact(message)}.`;
    return [
      { check, verdict: 'wrong', says: cause instanceof Error ? `${says} (${redact(cause.message)})` : says },
    ];
  }
}

async function checkVersion(db: Db): Promise<readonly Finding[]> {
  const check = 'database';
  await checkDatabase(db);
  const { found, needed } = await readVersion(db);
  if (found === needed) return [{ check, verdict: 'ok', says: 'It answers.' }];
  const advice = found < needed ? 'Run "adieu migrate" first.' : 'Use the newer program.';
  const says = `It is at version ${found}, and this program needs ${needed}. ${advice}`;
  return [{ check, verdict: 'wrong', says }];
}

async function lastCame({ inbound }: Config, db: Db): Promise<readonly Finding[]> {
  const { canaryAt, mailAt } = await readInboundWatch(db);
  const mail = {
    check: 'last mail',
    verdict: mailAt === null ? 'unknown' : 'ok',
    says: said(mailAt),
  } as const;
  if (inbound.port === null || inbound.canarySeconds === null) return [mail];
  const late = canaryAt === null || Date.now() - canaryAt.getTime() > MISSED * 1000 * inbound.canarySeconds;
  return [{ check: 'last canary', verdict: late ? 'wrong' : 'ok', says: said(canaryAt) }, mail];
}

function said(at: Date | null): string {
  return at === null ? 'None was ever taken.' : `Taken at ${at.toISOString()}.`;
}

/** Where the listener is; null where none is configured and none was named. */
function findListener({ inbound }: Config, { listener }: DoctorOptions): Listener | null {
  const { host, port, proxies } = inbound;
  const [, givenHost, givenPort] = /^(.+):(\d{1,5})$/.exec(listener ?? '') ?? [];
  if (listener !== undefined && !(Number(givenPort) <= 65_535)) {
    throw new Failure('listener_invalid', 'A listener is given as host:port, the port up to 65535.');
  }
  if (port === null && listener === undefined) return null;
  const at = { host: (givenHost ?? host).replace(/^\[(.*)\]$/, '$1'), port: Number(givenPort ?? port) };
  // One that was named may be another machine's, which takes this one for no proxy.
  return listener === undefined ? { ...at, proxies } : at;
}

/** What senders make of the certificate that a listener shows; null when nobody can say. */
async function judgeListener(listener: Listener | null): Promise<JudgeSts | null> {
  const shown = listener === null ? null : await readCertificate(listener);
  if (shown === null || shown.kind === 'silent') return null;
  return openStsJudge(shown.kind === 'shown' ? shown.pem : null);
}

async function reachListener(config: Config, listener: Listener | null): Promise<Finding> {
  const check = 'inbound listener';
  if (listener === null) return { check, verdict: 'unknown', says: 'SMTP_PORT is off.' };
  const ring = await findKeyRing(config);
  if (ring === null)
    return { check, verdict: 'unknown', says: 'There is no key ring to make a canary with.' };
  const reason = await sendCanary(ring, listener);
  const says = reason ?? 'It took a canary and stored it.';
  return {
    check,
    verdict: reason === null ? 'ok' : 'wrong',
    says: `${listener.host}:${listener.port}. ${says}`,
  };
}
