/**
 * The canary: a mail to ourselves, again and again, so that a listener which has fallen silent is noticed by us first.
 *
 * It takes the way of every opt-out by mail: a connection to the listener's own address, a token that the key ring must open, a
 * place among the opt-outs that are being written, a commit before the 250. The rule: it means nobody. Its token has a purpose and a domain of its own (RFC 2606), which no opt-out,
 * report or tenant shares; it leaves a time and no mail; and it is counted nowhere among mails.
 *
 * @module
 */
import { randomInt } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import {
  type KeyRing,
  type Log,
  type MailAudience,
  type MailClaims,
  type Meter,
  mailTokenAddress,
  sealMailToken,
  WAITING_SECONDS,
} from '@adieu/core';
import { type Delivered, deliver } from './probe.ts';
import { type Networks, openProxies } from './proxies.ts';

/** Where canaries live: a domain that nobody can have. */
export const CANARY_DOMAIN = 'canary.invalid';
/** Whom their tokens are for: nobody can have that name either. */
export const CANARY_AUDIENCE: MailAudience = { organisation: '', sandbox: '' };

export interface CanaryOptions {
  readonly ring: KeyRing;
  readonly host: string;
  readonly port: number;
  readonly everySeconds: number;
  /** The listener takes our address for a proxy's. */
  readonly introduce?: boolean;
  /** Milliseconds for the whole dialogue; 5,000 unless told otherwise. */
  readonly patience?: number;
  /** Claims of a canary that this listener has stored. */
  readonly arrived: (nonce: number) => boolean;
  readonly log: Log;
  readonly meter: Meter;
}

export interface Canary {
  /** Null while canaries come through; else why not, in words that may be public. */
  ready(): string | null;
  /** When the last one came through; null before the first. */
  lastAt(): Date | null;
  close(): Promise<void>;
}

/** What became of one. `busy`: there are too many callers, of which we are one; that is no silence. */
const FATES = ['stored', 'busy', 'deferred', 'refused', 'unreachable', 'silent', 'stranger'] as const;
type Fate = (typeof FATES)[number];

const REASONS: Readonly<Record<Exclude<Fate, 'stored' | 'busy'>, string>> = {
  deferred: 'The inbound listener cannot store what it is sent.',
  refused: 'What answers on the port of the inbound listener refuses its mail.',
  unreachable: 'Nobody listens on the port of the inbound listener.',
  silent: 'The inbound listener does not answer.',
  stranger: 'Another program answers on the port of the inbound listener.',
};
const PATIENCE_MS = 5_000;
/** After one that failed, so that the end of an outage is seen as soon as its beginning. */
const AGAIN_MS = 1_000;
/** One may be lost to a hiccup. */
const ENOUGH = 2;
const NONCES = 2 ** 40;
const DAY_MS = 86_400_000;

/** The address of a canary. */
export function canaryAddress(ring: KeyRing, nonce: number, now: Date): string {
  const claims = { profile: nonce, address: 0, list: 0, scope: 'channel', day: dayOf(now) } as const;
  return mailTokenAddress('canary', sealMailToken(ring, 'canary', CANARY_AUDIENCE, claims), CANARY_DOMAIN);
}

/** One that is of today, or was when it left: whoever has seen a token cannot use it for ever. */
export function isFresh({ day }: MailClaims, now: Date): boolean {
  return Math.abs(dayOf(now) - day) <= 1;
}

function dayOf(now: Date): number {
  return Math.floor(now.getTime() / DAY_MS);
}

/** Where a listener is looked for, and which peers it takes for proxies, as far as that is known. */
export type Listener = Pick<CanaryOptions, 'host' | 'port'> & { readonly proxies?: Networks };

/** Sends one canary, for whoever is not the listener; null when it was stored, else why not. */
export async function sendCanary(ring: KeyRing, listener: Listener): Promise<string | null> {
  const { host, port } = listener;
  const recipient = canaryAddress(ring, randomInt(1, NONCES), new Date());
  const introduce = await introducesItself(listener);
  const delivered = await deliver({ host, port, recipient, introduce, patience: 2 * PATIENCE_MS });
  if (delivered.kind === 'taken') return null;
  const fate = fateOf(delivered);
  return fate === 'busy' ? 'It has too many callers now.' : REASONS[fate];
}

/** Whether a listener takes us for a proxy: who calls a listener of this machine is called as the listener is. */
export async function introducesItself({ host, proxies = [] }: Listener): Promise<boolean> {
  const own = await lookup(host).catch(() => null);
  return own !== null && openProxies(proxies).lists(fromHere(own.address));
}

/** Where whoever listens there is reached from this machine. */
export function fromHere(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}

/** Sends the first at once and goes on in the background. */
export function startCanary(options: CanaryOptions): Canary {
  const { ring, host, port, everySeconds, arrived, log, meter } = options;
  const stop = new AbortController();
  let failures = 0;
  let reason: string | null = null;
  let last: Date | null = null;
  let timer: NodeJS.Timeout | undefined;
  const fates = meter.counter({
    name: 'adieu_inbound_canaries_total',
    meaning: 'Canary mails that this process sent to its own listener, by what became of them.',
    labels: { result: FATES },
  });
  const duration = meter.histogram({
    name: 'adieu_inbound_canary_seconds',
    meaning: 'From connecting until a canary was stored.',
    labels: {},
    buckets: WAITING_SECONDS,
  });
  meter.gauge(
    {
      name: 'adieu_inbound_listener_up',
      meaning: '1 while canaries come through the listener of this process, 0 when it has fallen silent.',
      labels: {},
    },
    (mark) => mark({}, reason === null ? 1 : 0),
  );
  meter.gauge(
    {
      name: 'adieu_inbound_canary_timestamp_seconds',
      meaning: 'When a canary last came through the listener of this process; absent before the first.',
      labels: {},
    },
    (mark) => {
      if (last !== null) mark({}, last.getTime() / 1000);
    },
  );

  async function send(): Promise<Fate> {
    const nonce = randomInt(1, NONCES);
    const since = performance.now();
    const delivered = await deliver({
      ...{ host, port, recipient: canaryAddress(ring, nonce, new Date()) },
      introduce: options.introduce ?? false,
      patience: options.patience ?? PATIENCE_MS,
      signal: stop.signal,
    });
    if (delivered.kind !== 'taken') return fateOf(delivered);
    if (!arrived(nonce)) return 'stranger';
    duration({}, (performance.now() - since) / 1000);
    return 'stored';
  }

  function hear(fate: Fate): void {
    fates({ result: fate }, 1);
    if (fate === 'stored') {
      last = new Date();
      failures = 0;
      if (reason !== null) log.info({}, 'the inbound listener takes mail again');
      reason = null;
    } else if (fate !== 'busy') {
      failures += 1;
      if (failures < ENOUGH) return;
      const before = reason;
      reason = REASONS[fate];
      if (before !== reason) log.error({ host, port, result: fate, last }, reason);
    }
  }

  async function round(): Promise<void> {
    const fate = await send();
    if (stop.signal.aborted) return;
    hear(fate);
    const pause = everySeconds * 1000;
    timer = setTimeout(begin, failures === 0 ? pause : Math.min(pause, AGAIN_MS)).unref();
  }

  let running: Promise<void>;
  function begin(): void {
    running = round();
  }
  running = round();

  return {
    ready: () => reason,
    lastAt: () => last,
    async close() {
      stop.abort();
      clearTimeout(timer);
      await running;
    },
  };
}

/** 421 and 450 say that there are too many; everything else of the kind that it cannot be stored. */
function fateOf(delivered: Exclude<Delivered, { kind: 'taken' }>): Exclude<Fate, 'stored'> {
  if (delivered.kind !== 'refused') return delivered.kind;
  if (delivered.code === 421 || delivered.code === 450) return 'busy';
  return delivered.code < 500 ? 'deferred' : 'refused';
}
