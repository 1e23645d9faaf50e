/**
 * A real API for tests: its own database on a real PostgreSQL, its own port, real sockets.
 *
 * @module
 */
import {
  type CompileTemplate,
  generateKeyRing,
  type KeyRing,
  type Log,
  type OptOutScope,
  openUrlSealer,
  parseKeyRing,
  type UrlClaims,
  type UrlPurpose,
  type WakeUpJob,
} from '@adieu/core';
import { attachKeyRing, type Database, ensureApiKey, openOptOutRecorder } from '@adieu/store';
import { openScratchDatabase } from '@adieu/store/testing';
import { API_SCOPES } from '../management/access.ts';
import { type ApiOptions, startApi } from '../server.ts';
import { type Answer, type Ask, ask } from './http-client.ts';

export interface RunningApi {
  readonly url: string;
  readonly database: Database;
  readonly ring: KeyRing;
  /** Every line that was logged. */
  readonly lines: { level: string; fields: object; message: string }[];
  /** Every job that a worker was woken for. */
  readonly jobs: WakeUpJob[];
  ask(request: Ask): Promise<Answer>;
  /** A call of the management API with a key of every scope; `body` is sent as JSON. */
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** The query of a link. */
  link(claims?: Partial<UrlClaims>, purpose?: UrlPurpose, organisation?: string): string;
  close(): Promise<void>;
}

export const SECRET = 'a-secret-of-the-tests';
export const ORGANISATION = 'default';
export const LINK_HOST = 'news.example.com';
export const ADDRESS = 'john@example.com';

const CLAIMS: UrlClaims = {
  messageId: '01890a5d-ac96-774b-bcce-b302099a8057',
  sandbox: 'prod',
  scope: 'channel',
  profileId: '5142',
  profileNamespace: 'CRMID',
  address: ADDRESS,
  addressNamespace: 'Email',
};

/** Stands in for mail's compiler, which this package cannot reach: it finds our links and one kind of error. */
export const compile: CompileTemplate = async (source) => {
  const markup = source.mjml ?? source.html ?? '';
  const broken = markup.indexOf('<broken');
  if (broken >= 0) {
    const line = markup.slice(0, broken).split('\n').length;
    return {
      ok: false,
      errors: [{ code: 'markup_invalid', message: 'An element is broken', line, column: 1, part: 'mjml' }],
    };
  }
  const optOutLinks = markup.match(/data-link-type="(?:one-click|unsubscribe)"/g)?.length ?? 0;
  const levels = [...markup.matchAll(/data-consent-level="(channel|identity|subscription)"/g)].map(
    ([, level]) => level as OptOutScope,
  );
  return { ok: true, warnings: [], optOutLinks, levels };
};

/** Starts an API over a scratch database, or over `database`. */
export async function startTestApi(
  options: Partial<ApiOptions> & { readonly database?: Database } = {},
): Promise<RunningApi> {
  const scratch = options.database === undefined ? await openScratchDatabase() : null;
  const database = options.database ?? scratch?.database;
  if (database === undefined) throw new Error('no database');
  const ring = options.ring ?? parseKeyRing(generateKeyRing());
  attachKeyRing(database.db, ring);
  const lines: RunningApi['lines'] = [];
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  const recorder = openOptOutRecorder(database, { log });
  const jobs: WakeUpJob[] = [];
  await ensureApiKey(database.db, {
    organisation: ORGANISATION,
    id: 'tests',
    secret: SECRET,
    scopes: API_SCOPES,
  });
  const api = await startApi({
    recorder: recorder.record,
    recordAct: recorder.recordAct,
    ring,
    wake: async (job) => void jobs.push(job),
    compile,
    takeSes: async () => ({ kind: 'refused', code: 'topic_not_allowed', detail: 'None is listed.' }),
    host: '127.0.0.1',
    port: 0,
    trustProxy: [],
    log,
    readiness: async () => new Map(),
    takesMail: false,
    ...options,
    database,
  });
  return {
    url: api.url,
    database,
    ring,
    lines,
    jobs,
    ask: (request) => ask(api.url, request),
    call: (method, path, body, headers = {}) =>
      ask(api.url, {
        method,
        path,
        headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    link: (claims = {}, purpose = 'one-click', organisation = ORGANISATION) => {
      const token = openUrlSealer(ring, purpose, organisation).seal({ ...CLAIMS, ...claims });
      return `params=${token.params}&pid=${token.pid}&sig=${token.sig}`;
    },
    async close() {
      await api.close();
      await recorder.close();
      await scratch?.close();
    },
  };
}

/** A subdomain whose links live at {@link LINK_HOST}, and one profile. */
export async function furnish(api: RunningApi): Promise<void> {
  const subdomain = await api.call('PUT', `/v1/subdomains/${LINK_HOST}`, {});
  const profile = {
    identities: { CRMID: '5142', Email: ADDRESS },
    attributes: { person: { name: { firstName: 'John' } } },
  };
  const profiles = await api.call('POST', '/v1/profiles', [profile]);
  if (subdomain.status !== 200 || profiles.status !== 200) throw new Error(subdomain.text + profiles.text);
}
