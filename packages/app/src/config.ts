/**
 * The configuration: every environment variable of Adieu in one object, each with its default and its meaning.
 *
 * One rule: this is the only reader of the environment. A broken value never falls back to a default; all that is
 * broken is said at once, and nothing starts.
 *
 * @module
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import type { Role } from './role.ts';
import {
  apiKey,
  choice,
  defaulted,
  type GivenKeyRing,
  host,
  isKeyOf,
  keyRing,
  networks,
  oneOfEach,
  optional,
  pemFile,
  port,
  portOrOff,
  text,
  topics,
  urlOf,
  whole,
  wholeOrOff,
} from './setting.ts';

/** Every variable, in the order of the documentation. */
export const Environment = z.object({
  ADIEU_DATA_DIR: defaulted({ meaning: 'Embedded database, generated keys' }, '.adieu', text),
  DATABASE_URL: optional(
    {
      meaning:
        'An own PostgreSQL (14 or newer), direct or through a session-mode pooler (then with QUEUE_URL past it)',
      unset: 'embedded',
      secret: 'url',
    },
    urlOf('postgres', 'postgresql'),
  ),
  QUEUE_URL: optional(
    { meaning: 'Where BullMQ keeps its jobs: PostgreSQL or Redis', unset: 'same database', secret: 'url' },
    urlOf('postgres', 'postgresql', 'redis', 'rediss'),
  ),
  RELAY_URL: optional(
    {
      meaning: 'SMTP URL of the relay or MTA; required for serve',
      unset: 'the demo mailbox under demo',
      secret: 'url',
    },
    urlOf('smtp', 'smtps'),
  ),
  HTTP_HOST: defaulted({ meaning: 'Where the API and the public pages listen' }, '127.0.0.1', host),
  HTTP_PORT: defaulted({ meaning: 'Its port; 0 takes any free one' }, '3000', port),
  SMTP_HOST: defaulted({ meaning: 'Where inbound SMTP listens' }, '127.0.0.1', host),
  SMTP_PORT: defaulted(
    { meaning: 'Its port; "off": no inbound mail anywhere, so mails carry no mailto' },
    '2525',
    portOrOff,
  ),
  SMTP_TLS_CERT: optional(
    { meaning: 'PEM file: certificate for STARTTLS on the inbound listener', unset: 'no STARTTLS' },
    pemFile('cert', 'certificate'),
  ),
  SMTP_TLS_KEY: optional(
    { meaning: 'PEM file: its private key', unset: 'no STARTTLS' },
    pemFile('key', 'private key without a passphrase'),
  ),
  ADIEU_API_KEY: optional(
    {
      meaning: 'Key with every scope for the organisation "default"',
      unset: 'generated, printed once',
      secret: 'all',
    },
    apiKey,
  ),
  ADIEU_KEYRING: optional(
    {
      meaning: "Token keys: inline JSON or a file's path",
      unset: 'generated in the data directory',
      secret: 'inline',
    },
    keyRing,
  ),
  MAILBOX_HTTP_PORT: defaulted({ meaning: 'Pages of the demo mailbox' }, '3001', port),
  MAILBOX_SMTP_PORT: defaulted({ meaning: 'SMTP of the demo mailbox' }, '1025', port),
  TRUST_PROXY: optional(
    { meaning: 'Addresses and networks whose X-Forwarded-* count, separated by commas', unset: 'none' },
    networks,
  ),
  SES_TOPIC_ARNS: optional(
    {
      meaning:
        'Topics of Amazon SNS whose notifications of Amazon SES are believed at /v1/inbound/ses, separated by commas',
      unset: 'none: all are refused',
    },
    topics,
  ),
  SMTP_TRUST_PROXY: optional(
    {
      meaning:
        'Addresses and networks whose inbound connections begin with a PROXY header, separated by commas',
      unset: 'none',
    },
    networks,
  ),
  SMTP_SEPARATORS: optional(
    {
      meaning:
        'Inbound: characters that stand in our addresses where something on the way changes their "+", of - = _',
      unset: 'none: only "+"',
    },
    oneOfEach('-', '=', '_'),
  ),
  RETRY_FIRST_SECONDS: optional(
    {
      meaning: 'First retry; then growing with jitter',
      unset: '1800 marketing, 60 transactional',
    },
    whole({ least: 1, most: 86_400, unit: 'seconds' }),
  ),
  LEASE_SECONDS: defaulted(
    { meaning: "A worker's lease on a batch without heartbeat" },
    '60',
    whole({ least: 1, most: 3_600, unit: 'seconds' }),
  ),
  RELAY_REPLY_SECONDS: defaulted(
    { meaning: 'The longest wait for any reply of the relay; then a message without one is unknown' },
    '600',
    whole({ least: 1, most: 3_600, unit: 'seconds' }),
  ),
  RETENTION_DAYS: defaulted(
    { meaning: 'Months of messages and events of which every day is older are dropped' },
    '90',
    whole({ least: 7, most: 36_500, unit: 'days' }),
  ),
  SMTP_DEADLINE_SECONDS: defaulted(
    { meaning: 'Inbound: the whole of a connection' },
    '300',
    whole({ least: 1, most: 3_600, unit: 'seconds' }),
  ),
  SMTP_MAX_PER_IP: defaulted(
    { meaning: 'Inbound: connections of one address' },
    '50',
    whole({ least: 1, most: 100_000, unit: 'connections' }),
  ),
  SMTP_MAX_SIZE: defaulted(
    { meaning: 'Inbound: bytes of one mail; never less than 65536' },
    '10485760',
    whole({ least: 1, most: 1_073_741_824, unit: 'bytes' }),
  ),
  SMTP_CANARY_SECONDS: defaulted(
    {
      meaning:
        'Inbound: how often the listener is sent a mail of our own, to see that it takes some; "off": never',
    },
    '60',
    wholeOrOff({ least: 1, most: 86_400, unit: 'seconds' }),
  ),
  LOG_LEVEL: defaulted(
    { meaning: 'How much is logged: trace debug info warn error fatal silent' },
    'info',
    choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  ),
});

/** The name of an environment variable. */
export type Variable = keyof typeof Environment.shape;

/** What the program runs with. */
export interface Config {
  readonly dataDir: string;
  /** Null: the embedded server. */
  readonly databaseUrl: string | null;
  /** Null: the same database. */
  readonly queueUrl: string | null;
  readonly relayUrl: string | null;
  readonly http: { readonly host: string; readonly port: number };
  readonly inbound: InboundConfig;
  readonly apiKey: string | null;
  readonly keyRing: GivenKeyRing | null;
  readonly mailbox: { readonly httpPort: number; readonly smtpPort: number };
  readonly trustProxy: readonly string[];
  /** ARNs of topics of Amazon SNS. */
  readonly sesTopics: readonly string[];
  /** Null: by the type of the mail. */
  readonly retryFirstSeconds: number | null;
  readonly leaseSeconds: number;
  readonly relayReplySeconds: number;
  readonly retentionDays: number;
  readonly logLevel: z.output<typeof Environment>['LOG_LEVEL'];
}

/** The inbound listener. */
export interface InboundConfig {
  readonly host: string;
  /** Null: there is none anywhere. */
  readonly port: number | null;
  /** Somebody said where it listens, so it exists, be it in another process. */
  readonly said: boolean;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly deadlineSeconds: number;
  readonly maxPerIp: number;
  readonly maxSize: number;
  /** Peers that speak for others. */
  readonly proxies: readonly string[];
  /** What may stand between `unsubscribe` or `bounce` and its token; `+` among them. */
  readonly separators: readonly string[];
  /** Null: it sends itself no canaries. */
  readonly canarySeconds: number | null;
}

/** One broken variable. */
export interface ConfigProblem {
  readonly variable: Variable;
  readonly code: string;
  readonly says: string;
}

export type ConfigOutcome =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** The environment of a process: variables as text. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** This process's environment. */
export function environment(): Variables {
  return process.env;
}

/**
 * Reads a configuration. An empty text counts as absent, as Compose files and CI write it.
 *
 * @param required variables that the command cannot do without
 * @param roles what the process is to do
 */
export function readConfig(
  variables: Variables,
  required: readonly Variable[] = [],
  roles: readonly Role[] = [],
): ConfigOutcome {
  const parsed = Environment.safeParse(present(variables));
  const problems = parsed.success ? contradictions(parsed.data, roles) : parsed.error.issues.map(asProblem);
  const missing = required
    .filter((variable) => (variables[variable]?.trim() ?? '') === '')
    .map((variable) => ({ variable, code: 'required', says: 'it has to be set for this command.' }));
  const all = [...problems, ...missing];
  if (parsed.success && all.length === 0) return { ok: true, config: arrange(parsed.data, variables) };
  const order = Object.keys(Environment.shape);
  return { ok: false, problems: all.sort((a, b) => order.indexOf(a.variable) - order.indexOf(b.variable)) };
}

/** The name that the inbound listener is known by outside; an address to listen on is none. */
export function publicName({ inbound }: Config): string | undefined {
  const { host, port } = inbound;
  return port === null || isIP(host) !== 0 || !host.includes('.') ? undefined : host;
}

function present(variables: Variables): Variables {
  const entries = Object.keys(Environment.shape).map((name) => [name, variables[name]?.trim()]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== ''));
}

function asProblem(issue: z.core.$ZodIssue): ConfigProblem {
  const code = issue.code === 'custom' ? String(issue.params?.code) : 'invalid';
  return { variable: String(issue.path[0]) as Variable, code, says: issue.message };
}

/** What each variable alone cannot say. */
function contradictions(read: z.output<typeof Environment>, roles: readonly Role[]): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const pair = ['SMTP_TLS_CERT', 'SMTP_TLS_KEY'] as const;
  for (const [given, other] of [pair, [pair[1], pair[0]] as const]) {
    if (read[given] === null || read[other] !== null) continue;
    problems.push({
      variable: other,
      code: 'incomplete_pair',
      says: `it has to be set too, since ${given} is.`,
    });
  }
  const { SMTP_TLS_CERT: cert, SMTP_TLS_KEY: key } = read;
  if (cert !== null && key !== null && !isKeyOf(cert, key)) {
    problems.push({
      variable: 'SMTP_TLS_KEY',
      code: 'key_mismatch',
      says: 'it is not the key of the certificate in SMTP_TLS_CERT.',
    });
  }
  if (read.SMTP_PORT === null && roles.length === 1 && roles[0] === 'inbound') {
    problems.push({
      variable: 'SMTP_PORT',
      code: 'nothing_to_do',
      says: '"off" leaves nothing to do for a process whose only role is inbound.',
    });
  }
  const taken =
    read.SMTP_PORT === read.HTTP_PORT && read.SMTP_PORT !== 0 && read.SMTP_HOST === read.HTTP_HOST;
  if (taken) {
    problems.push({
      variable: 'SMTP_PORT',
      code: 'port_used_twice',
      says: `${read.SMTP_PORT} is HTTP_PORT already; two listeners cannot share it.`,
    });
  }
  return problems;
}

function arrange(read: z.output<typeof Environment>, variables: Variables): Config {
  const { SMTP_TLS_CERT: cert, SMTP_TLS_KEY: key } = read;
  const given = present(variables);
  return {
    dataDir: read.ADIEU_DATA_DIR,
    databaseUrl: read.DATABASE_URL,
    queueUrl: read.QUEUE_URL,
    relayUrl: read.RELAY_URL,
    http: { host: read.HTTP_HOST, port: read.HTTP_PORT },
    inbound: {
      host: read.SMTP_HOST,
      port: read.SMTP_PORT,
      said: read.SMTP_PORT !== null && (given.SMTP_HOST !== undefined || given.SMTP_PORT !== undefined),
      tls: cert === null || key === null ? null : { cert, key },
      deadlineSeconds: read.SMTP_DEADLINE_SECONDS,
      maxPerIp: read.SMTP_MAX_PER_IP,
      maxSize: read.SMTP_MAX_SIZE,
      proxies: read.SMTP_TRUST_PROXY ?? [],
      separators: ['+', ...(read.SMTP_SEPARATORS ?? [])],
      canarySeconds: read.SMTP_CANARY_SECONDS,
    },
    apiKey: read.ADIEU_API_KEY,
    keyRing: read.ADIEU_KEYRING,
    mailbox: { httpPort: read.MAILBOX_HTTP_PORT, smtpPort: read.MAILBOX_SMTP_PORT },
    trustProxy: read.TRUST_PROXY ?? [],
    sesTopics: read.SES_TOPIC_ARNS ?? [],
    retryFirstSeconds: read.RETRY_FIRST_SECONDS,
    leaseSeconds: read.LEASE_SECONDS,
    relayReplySeconds: read.RELAY_REPLY_SECONDS,
    retentionDays: read.RETENTION_DAYS,
    logLevel: read.LOG_LEVEL,
  };
}
