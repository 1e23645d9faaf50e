/**
 * One environment variable: how its text is read, what it means, and what is said when it is broken.
 *
 * The rule: a complaint names the variable, says what would be right, and has a stable code. It quotes the value
 * that was given, unless the value is a secret.
 *
 * @module
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { isFailure, parseKeyRing, parseTopic } from '@adieu/core';
import { z } from 'zod';

/** Why a text is not a value of the setting. */
export interface Fault {
  /** Stable, snake_case. */
  readonly code: string;
  /** What is wrong and what would be right, after the variable's name. */
  readonly says: string;
}

/** What a person may know about a setting. */
export interface About {
  readonly meaning: string;
  /** What stands in the documentation where no text is the default: `embedded`, `none`. */
  readonly unset?: string;
  /** `all`: never shown. `inline`: shown when it is a path. `url`: shown without user name, password and query. */
  readonly secret?: 'all' | 'inline' | 'url';
}

/** A reader of one text. */
export type Read<T> = (text: string) => { readonly value: T } | { readonly fault: Fault };

/** A setting that always has a value. */
export function defaulted<T>(about: About, fallback: string, read: Read<T>) {
  return z
    .string()
    .default(fallback)
    .transform((text, context) => reading(read, text, context))
    .meta({ ...about, description: about.meaning, fallback });
}

/** A setting that may be absent, which reads as null. */
export function optional<T>(about: About, read: Read<T>) {
  return z
    .string()
    .optional()
    .transform((text, context) => (text === undefined ? null : reading(read, text, context)))
    .meta({ ...about, description: about.meaning });
}

function reading<T>(read: Read<T>, text: string, context: z.core.$RefinementCtx): T {
  const outcome = read(text);
  if ('value' in outcome) return outcome.value;
  const { code, says } = outcome.fault;
  context.addIssue({ code: 'custom', message: says, params: { code } });
  return z.NEVER;
}

const fault = (code: string, says: string): { readonly fault: Fault } => ({ fault: { code, says } });
const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

export const text: Read<string> = (given) => ({ value: given });

/** A TCP port. */
export const port: Read<number> = (given) => {
  if (/^\d{1,5}$/.test(given) && Number(given) <= 65_535) return { value: Number(given) };
  return fault('not_a_port', `${quoted(given)} is no port: 0 to 65535, where 0 takes any free one.`);
};

/** A TCP port, or `off` for no listener, which reads as null. */
export const portOrOff: Read<number | null> = (given) => {
  if (given === 'off') return { value: null };
  if ('value' in port(given)) return port(given);
  return fault(
    'not_a_port',
    `${quoted(given)} is no port: 0 to 65535, where 0 takes any free one, or "off".`,
  );
};

/** A whole number within limits, both allowed. */
export function whole(limits: {
  readonly least: number;
  readonly most: number;
  readonly unit: string;
}): Read<number> {
  const { least, most, unit } = limits;
  return (given) => {
    if (!/^-?\d{1,15}$/.test(given))
      return fault('not_a_number', `${quoted(given)} is no whole number of ${unit}.`);
    const value = Number(given);
    if (value >= least && value <= most) return { value };
    return fault('out_of_range', `${given} ${unit} is out of range: ${least} to ${most}.`);
  };
}

/** A whole number within limits, or `off`, which reads as null. */
export function wholeOrOff(limits: Parameters<typeof whole>[0]): Read<number | null> {
  return (given) => (given === 'off' ? { value: null } : whole(limits)(given));
}

/** What a server listens on: an IP address or a host name, without a scheme and without a port. */
export const host: Read<string> = (given) => {
  const bare = given.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0) return { value: bare };
  if (/^(?!-)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/.test(given) && !/^[\d.]+$/.test(given))
    return { value: given };
  return fault(
    'not_a_host',
    `${quoted(given)} is no host to listen on: give an IP address or a name, without port.`,
  );
};

/** A URL of one of the schemes, with a host. The value is not quoted: it may hold a password. */
export function urlOf(...schemes: readonly string[]): Read<string> {
  const wanted = `${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  return (given) => {
    const url = URL.canParse(given) ? new URL(given) : null;
    if (url === null)
      return fault('not_a_url', `this is no URL; it has to begin with ${wanted} and name a host.`);
    if (!schemes.includes(url.protocol.slice(0, -1)))
      return fault(
        'not_a_url',
        `${quoted(url.protocol)} is not supported here; it has to begin with ${wanted}.`,
      );
    if (url.hostname === '' && !url.searchParams.has('host'))
      return fault('not_a_url', 'the URL names no host.');
    return { value: given };
  };
}

/** One of a few words. */
export function choice<const T extends string>(...words: readonly T[]): Read<T> {
  return (given) => {
    const word = words.find((candidate) => candidate === given);
    if (word !== undefined) return { value: word };
    return fault('not_a_choice', `${quoted(given)} is none of ${words.join(', ')}.`);
  };
}

/** Some of a few characters, with nothing in between. */
export function oneOfEach(...characters: readonly string[]): Read<readonly string[]> {
  return (given) => {
    const wrong = [...given].find((one) => !characters.includes(one));
    if (wrong === undefined) return { value: [...new Set(given)] };
    return fault('not_a_choice', `${quoted(wrong)} is none of ${characters.join(' ')}.`);
  };
}

/** The text of a file that TLS can use; what it has to hold is said where it does not. */
export function pemFile(part: 'cert' | 'key', holds: string): Read<string> {
  return (given) => {
    const content = contentOf(given);
    if (content === null) return fault('file_unreadable', `the file ${quoted(given)} cannot be read.`);
    if (!content.includes('-----BEGIN ')) return fault('not_pem', `the file ${quoted(given)} is not PEM.`);
    if (isUsable({ [part]: content })) return { value: content };
    return fault(
      'not_usable',
      `the file ${quoted(given)} holds no ${holds} that TLS can use; it may be torn.`,
    );
  };
}

function isUsable(part: Pick<SecureContextOptions, 'cert' | 'key'>): boolean {
  try {
    createSecureContext(part);
    return true;
  } catch {
    return false;
  }
}

/** Whether a key is the one of a certificate. TLS itself only says so of keys of one type. */
export function isKeyOf(cert: string, key: string): boolean {
  return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
}

/** Addresses and networks, separated by commas. */
export const networks: Read<readonly string[]> = (given) => {
  const parts = given.split(',').map((part) => part.trim());
  const wrong = parts.find((part) => !isNetwork(part));
  if (wrong === undefined) return { value: parts };
  return fault(
    'not_a_network',
    `${quoted(wrong)} is no IP address, no network such as 10.0.0.0/8, and none of loopback, linklocal, uniquelocal.`,
  );
};

/** Topics of Amazon SNS by their ARNs, separated by commas. */
export const topics: Read<readonly string[]> = (given) => {
  const parts = given.split(',').map((part) => part.trim());
  const wrong = parts.find((part) => parseTopic(part) === null);
  if (wrong === undefined) return { value: parts };
  return fault(
    'not_a_topic',
    `${quoted(wrong)} is no topic of Amazon SNS, such as arn:aws:sns:eu-west-1:123456789012:ses-feedback.`,
  );
};

/** A key ring: where it came from decides whether it can be rotated. */
export interface GivenKeyRing {
  readonly json: string;
  /** Null where the JSON stood in the variable itself. */
  readonly path: string | null;
}

/** A key ring, as inline JSON or as the path of a file with it. */
export const keyRing: Read<GivenKeyRing> = (given) => {
  const path = given.startsWith('{') ? null : given;
  const json = path === null ? given : contentOf(path);
  if (json === null) return fault('file_unreadable', `the file ${quoted(given)} cannot be read.`);
  try {
    parseKeyRing(json);
    return { value: { json, path } };
  } catch (error) {
    if (isFailure(error)) return fault(error.code, error.detail);
    throw error;
  }
};

/** What can stand behind `Bearer`. */
export const apiKey: Read<string> = (given) => {
  if (/^[\x21-\x7e]{1,512}$/.test(given)) return { value: given };
  return fault('not_a_key', 'a key has 1 to 512 visible ASCII characters and no space.');
};

function isNetwork(part: string): boolean {
  if (/^(?:loopback|linklocal|uniquelocal)$/.test(part)) return true;
  const [address = '', bits, ...rest] = part.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

function contentOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
