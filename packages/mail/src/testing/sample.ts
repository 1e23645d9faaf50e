/**
 * A brand, a reader and a campaign for tests: real keys, a real key ring, nothing mocked.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import {
  type ChannelConfiguration,
  type DkimKey,
  generateDkimKeys,
  generateKeyRing,
  parseKeyRing,
  type TemplateSource,
} from '@adieu/core';
import { openComposer } from '../composer.ts';
import type { Composed, ComposeInput, ComposerOptions } from '../composition.ts';
import { type CompiledTemplate, compileTemplate } from '../template.ts';

/** The subdomain of every sample. */
export const DOMAIN = 'news.example.com';
/** RSA and Ed25519, made once per test file. */
export const KEYS: readonly DkimKey[] = generateDkimKeys('s1');
export const RING = parseKeyRing(generateKeyRing());

/** A template of which a test says only what it is about. */
export function templateSource(parts: Partial<TemplateSource>): TemplateSource {
  const html = parts.mjml === undefined ? '<p>Hello</p>' : undefined;
  return { id: 'sample', version: 1, subject: 'Hello', ...(html === undefined ? {} : { html }), ...parts };
}

/** Compiles a template that is expected to be right. */
export async function compiled(parts: Partial<TemplateSource>): Promise<CompiledTemplate> {
  const outcome = await compileTemplate(templateSource(parts));
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.errors));
  return outcome.template;
}

/** A newsletter's configuration. */
export function configuration(
  change: Partial<ChannelConfiguration> & {
    readonly unsubscribe?: Partial<ChannelConfiguration['listUnsubscribe']>;
  } = {},
): ChannelConfiguration {
  const { unsubscribe, ...rest } = change;
  return {
    name: 'newsletter',
    subdomain: DOMAIN,
    emailType: 'marketing',
    from: { name: 'Brand', email: `hello@${DOMAIN}` },
    replyTo: 'care@example.com',
    listUnsubscribe: {
      enabled: true,
      mailto: true,
      oneClick: true,
      consentLevel: 'channel',
      managedBy: 'adieu',
      ...unsubscribe,
    },
    marketingActions: [],
    urlTracking: [],
    retryMinutes: 5040,
    unknownOutcome: 'keep',
    rate: { messagesPerSecond: null, perDomain: null },
    ...rest,
  };
}

/** Options of a composer for a template. */
export function composerOptions(
  template: CompiledTemplate,
  change: Partial<ComposerOptions> & { readonly relay?: 'plain' | 'ses' } = {},
): ComposerOptions {
  const { relay = 'plain', ...rest } = change;
  return {
    template,
    configuration: configuration(),
    subdomain: { domain: DOMAIN, linkBaseUrl: `https://${DOMAIN}`, relay, keys: KEYS },
    organisation: 'default',
    sandbox: 'prod',
    ring: RING,
    inbound: true,
    ...rest,
  };
}

/** A recipient. */
export function recipient(
  change: Omit<Partial<ComposeInput>, 'profile' | 'address'> & {
    readonly profile?: Partial<ComposeInput['profile'] & NonNullable<ComposeInput['personal']>>;
    readonly address?: Partial<ComposeInput['address']>;
  } = {},
): ComposeInput {
  const { attributes = {}, consents = {}, ...profile } = change.profile ?? {};
  return {
    messageId: randomUUID(),
    date: new Date('2025-11-24T14:25:09Z'),
    context: {},
    personal: { attributes, consents },
    ...change,
    profile: {
      namespace: 'CRMID',
      id: '5142733041546020095851529937068211571',
      number: 7,
      ...profile,
    },
    address: { spelling: 'john@example.com', number: 11, namespace: 'Email', ...change.address },
  };
}

/** A message that was composed, and its content as one. */
export type Message = Extract<Composed, { readonly ok: true }> & { readonly bytes: Buffer };

/** Composes one message that is expected to succeed. */
export async function composed(options: ComposerOptions, input = recipient()): Promise<Message> {
  const message = await openComposer(options).compose(input);
  if (!message.ok) throw new Error(`${message.code}: ${message.detail}`);
  return { ...message, bytes: Buffer.concat(message.content) };
}
