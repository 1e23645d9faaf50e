/**
 * `RELAY_URL`: a nodemailer SMTP URL, read into what a connection needs.
 *
 * `smtp://user:password@relay.example:587?requireTLS=true&tls.ca=/etc/ssl/relay.pem&maxConnections=10`. Secrets in it
 * are never shown: {@link RelayAddress.shown} is what a log may say.
 *
 * The rule: what was asked for is had or refused. STARTTLS is used where it is offered and always verified; credentials
 * leave this machine over TLS or not at all; an option that nobody knows stops the start, since a misspelt
 * `requireTLS` would otherwise send in plain.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { Failure } from '@adieu/core';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import type { SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection';

/** User and password for AUTH. */
export interface Credentials {
  readonly user: string;
  readonly pass: string;
}

/** Where the relay is and how to talk to it. */
export interface RelayAddress {
  /** For nodemailer's connection. */
  readonly options: SMTPConnectionOptions;
  readonly auth: Credentials | null;
  /** Without user and password. */
  readonly shown: string;
  /** Connections to hold at once, when the URL says so. */
  readonly maxConnections: number | null;
  /** Messages for one connection, when the URL says so. */
  readonly maxMessages: number | null;
}

const BOOLEANS = new Set([
  'requireTLS',
  'ignoreTLS',
  'opportunisticTLS',
  'pool',
  'secure',
  'allowInternalNetworkInterfaces',
]);
const OPTIONS = new Set([
  ...BOOLEANS,
  ...['host', 'port', 'auth', 'tls', 'name', 'servername', 'localAddress'],
  ...['connectionTimeout', 'greetingTimeout', 'dnsTimeout', 'socketTimeout', 'maxResponseSize'],
  ...['maxConnections', 'maxMessages'],
]);
const TLS_OPTIONS = new Set([
  ...['ca', 'cert', 'key', 'passphrase', 'servername', 'rejectUnauthorized'],
  ...['minVersion', 'maxVersion', 'ciphers'],
]);
/** Of this machine: nobody on the way can listen. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i;

/**
 * Reads a relay URL. `tls.ca`, `tls.cert` and `tls.key` are PEM or the path of a file with PEM.
 *
 * @throws Failure `relay_url_invalid`
 */
export function readRelayUrl(url: string): RelayAddress {
  if (!/^smtps?:\/\/[^/?#]/i.test(url))
    throw invalid('It must begin with smtp:// or smtps:// and name a host.');
  // A typed view of what the query of the URL may hold; nodemailer leaves it open.
  const read: Record<string, unknown> = { ...parseConnectionUrl(url) };
  checkOptions(read);
  const { auth, tls, maxConnections, maxMessages, ...options } = read;
  const credentials = readCredentials(auth);
  const shown = new URL(url);
  return {
    options: {
      ...options,
      ...(isRecord(tls) ? { tls: readFiles(tls) } : {}),
      ...(credentials === null ? {} : protection(options)),
    },
    auth: credentials,
    shown: `${shown.protocol}//${shown.host}`,
    maxConnections: positive(maxConnections, 'maxConnections'),
    maxMessages: positive(maxMessages, 'maxMessages'),
  };
}

function checkOptions(read: Readonly<Record<string, unknown>>): void {
  const tls = isRecord(read.tls) ? read.tls : {};
  for (const [name, value] of Object.entries(read)) {
    if (!OPTIONS.has(name)) throw invalid(`${name} is no option of a relay.`);
    if (BOOLEANS.has(name) && typeof value !== 'boolean') throw invalid(`${name} must be true or false.`);
  }
  for (const name of Object.keys(tls)) {
    if (!TLS_OPTIONS.has(name)) throw invalid(`tls.${name} is no option of a relay.`);
  }
  if (!['boolean', 'undefined'].includes(typeof tls.rejectUnauthorized))
    throw invalid('tls.rejectUnauthorized must be true or false.');
}

function readCredentials(auth: unknown): Credentials | null {
  if (!isRecord(auth)) return null;
  const { user, pass } = auth;
  if (typeof user !== 'string' || typeof pass !== 'string' || user === '' || pass === '')
    throw invalid('Credentials need both a user and a password.');
  return { user, pass };
}

/** nodemailer by itself would send credentials in plain where STARTTLS is not offered. */
function protection({ secure, host, ...options }: Readonly<Record<string, unknown>>): object {
  if (secure === true || LOOPBACK.test(String(host))) return {};
  const contradiction = ['ignoreTLS', 'opportunisticTLS'].find((name) => options[name] === true);
  if (contradiction !== undefined || options.requireTLS === false)
    throw invalid(`${contradiction ?? 'requireTLS=false'} would send the credentials in plain.`);
  return { requireTLS: true };
}

function readFiles(tls: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const read: Record<string, unknown> = { ...tls };
  for (const name of ['ca', 'cert', 'key']) {
    const value = read[name];
    if (typeof value !== 'string' || value.includes('-----BEGIN')) continue;
    try {
      read[name] = readFileSync(value, 'utf8');
    } catch (cause) {
      throw invalid(`The file of tls.${name} cannot be read.`, cause);
    }
  }
  return read;
}

function positive(value: unknown, name: string): number | null {
  if (value === undefined) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  throw invalid(`${name} must be a whole number above 0.`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function invalid(detail: string, cause?: unknown): Failure {
  return new Failure('relay_url_invalid', `RELAY_URL: ${detail}`, { cause, field: 'RELAY_URL' });
}
