/**
 * `RELAY_URL`: a nodemailer SMTP URL, read into what a connection needs.
 *
 * `smtp://user:password@relay.example:587?requireTLS=true&tls.ca=/etc/ssl/relay.pem&maxConnections=10`. Secrets in it
 * are never shown: {@link RelayAddress.shown} is what a log may say.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { Failure } from '@adieu/core';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import type { SMTPConnectionAuth, SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection';

/** Where the relay is and how to talk to it. */
export interface RelayAddress {
  /** For nodemailer's connection. */
  readonly options: SMTPConnectionOptions;
  readonly auth: SMTPConnectionAuth | null;
  /** Without user and password. */
  readonly shown: string;
  /** Connections to hold at once, when the URL says so. */
  readonly maxConnections: number | null;
  /** Messages for one connection, when the URL says so. */
  readonly maxMessages: number | null;
}

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
  const { auth, tls, maxConnections, maxMessages, ...options } = read;
  const shown = new URL(url);
  return {
    options: { ...options, ...(isRecord(tls) ? { tls: readFiles(tls) } : {}) },
    auth: isRecord(auth) ? auth : null,
    shown: `${shown.protocol}//${shown.host}`,
    maxConnections: positive(maxConnections, 'maxConnections'),
    maxMessages: positive(maxMessages, 'maxMessages'),
  };
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
