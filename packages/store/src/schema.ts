/**
 * The tables as TypeScript sees them. The truth is in `migrations/`; `schema.sql` is its golden picture.
 *
 * One rule: int8 is read as a number, `date` as `YYYY-MM-DD`, and json documents carry core's own shapes.
 *
 * @module
 */
import type {
  ChannelConfiguration,
  Consents,
  ExclusionCode,
  IdentityConsents,
  Policy,
  TemplateSource,
  ValueMeanings,
} from '@adieu/core';
import type { ColumnType, Generated, JSONColumnType } from 'kysely';

type Instant = ColumnType<Date, Date | string, Date | string>;
type GeneratedInstant = ColumnType<Date, Date | string | undefined, Date | string>;
type Json<Document extends object> = JSONColumnType<Document, string | undefined, string>;

/** States of a message (S8). */
export type MessageState =
  | 'queued'
  | 'sending'
  | 'sent'
  | 'deferred'
  | 'excluded'
  | 'bounced'
  | 'failed'
  | 'unknown';

/** What a dry run has found so far: who would be sent, and who would not by the reason. */
export interface DryResult {
  readonly queued: number;
  readonly exclusions: Readonly<Partial<Record<ExclusionCode, number>>>;
}

/** Everybody, or whose attributes and consents contain the given ones. */
export type Audience =
  | { readonly all: true }
  | {
      readonly attributes?: Readonly<Record<string, unknown>>;
      readonly consents?: Readonly<Record<string, unknown>>;
    };

/** What people see of a list beside its title, and who may join it. Languages are BCP 47 tags. */
export interface ListBody {
  readonly titles?: Readonly<Record<string, string>>;
  readonly description?: string;
  readonly descriptions?: Readonly<Record<string, string>>;
  /** Lists of one topic stand together. */
  readonly topic?: string;
  readonly topics?: Readonly<Record<string, string>>;
  /** Anybody may join it at the preference centre. */
  readonly open?: boolean;
}

/** Every table. */
export interface Schema {
  organisation: { id: Generated<number>; name: string };
  sandbox: {
    id: Generated<number>;
    organisation_id: number;
    name: string;
    strict: Generated<boolean>;
    value_meanings: Json<ValueMeanings>;
    allowed_list_active: Generated<boolean>;
    soft_bounce_threshold: Generated<number>;
  };
  api_key: {
    id: string;
    organisation_id: number;
    hash: Buffer;
    scopes: string[];
    created_at: GeneratedInstant;
  };
  subdomain: {
    id: Generated<number>;
    sandbox_id: number;
    domain: string;
    link_base_url: string;
    link_host: string;
    relay: 'plain' | 'ses';
    sealed_keys: Buffer;
    brand: Json<Record<string, unknown>>;
    updated_at: GeneratedInstant;
  };
  channel_configuration: {
    sandbox_id: number;
    name: string;
    version: number;
    body: Json<ChannelConfiguration>;
    created_at: GeneratedInstant;
  };
  template: {
    sandbox_id: number;
    id: string;
    version: number;
    body: Json<Omit<TemplateSource, 'id' | 'version'>>;
    created_at: GeneratedInstant;
  };
  list: {
    number: Generated<number>;
    sandbox_id: number;
    name: string;
    title: string;
    body: Json<ListBody>;
  };
  policy: {
    sandbox_id: number;
    id: string;
    body: Json<Omit<Policy, 'id'>>;
    updated_at: GeneratedInstant;
  };
  tombstone: {
    sandbox_id: number;
    key_id: number;
    hash: Buffer;
    suppressed: string | null;
    erased_at: GeneratedInstant;
    audit_id: number;
  };
  privacy_audit: {
    id: Generated<number>;
    sandbox_id: number;
    act: 'export' | 'erasure';
    subject: Buffer;
    api_key_id: string;
    at: GeneratedInstant;
    counts: Json<Record<string, number>>;
  };
  address: {
    id: Generated<number>;
    sandbox_id: number;
    namespace: string;
    namespace_key: string;
    key: string;
    spelling: string;
    consents: Json<IdentityConsents>;
    standing_version: Generated<number>;
  };
  profile: {
    id: Generated<number>;
    sandbox_id: number;
    namespace: string;
    identity: string;
    address_id: number | null;
    attributes: Json<Record<string, unknown>>;
    consents: Json<Consents>;
    standing_version: Generated<number>;
    created_at: GeneratedInstant;
  };
  identity: {
    sandbox_id: number;
    profile_id: number;
    namespace: string;
    namespace_key: string;
    value: string;
    sharer: ColumnType<number, never, never>;
    spelling: string;
    current: Generated<boolean>;
  };
  profile_address: { profile_id: number; address_id: number };
  consent_history: {
    id: Generated<number>;
    sandbox_id: number;
    profile_id: number | null;
    address_id: number | null;
    at: Instant;
    recorded_at: GeneratedInstant;
    scope: 'channel' | 'identity' | 'subscription';
    channel: string;
    list: string | null;
    from_value: string;
    to_value: string;
    source: string;
    message_id: string | null;
    execution_id: number | null;
    fingerprint: string | null;
    reference: string | null;
  };
  execution: {
    id: Generated<number>;
    sandbox_id: number;
    request_id: string;
    configuration_name: string;
    configuration_version: number;
    template_id: string;
    template_version: number;
    email_type: 'marketing' | 'transactional';
    campaign_id: string | null;
    journey_version_id: string | null;
    journey_action_id: string | null;
    list_number: number | null;
    recipients: ColumnType<unknown[] | null, string | null, string | null>;
    audience: ColumnType<Audience | null, string | null, string | null>;
    next_batch: Generated<number>;
    expand_cursor: Generated<number>;
    expanded_at: ColumnType<Date | null, never, Date>;
    dry_run: Generated<boolean>;
    dry_result: ColumnType<DryResult | null, string | null, string | null>;
    control: Generated<'running' | 'paused' | 'cancelled'>;
    expires_at: Date;
    created_at: GeneratedInstant;
    month: ColumnType<string, never, never>;
  };
  batch: {
    execution_id: number;
    no: number;
    month: string;
    fence: Generated<number>;
    owner: string | null;
    lease_until: Date | null;
    due_at: Date | null;
    ends_at: Date | null;
    deaths: Generated<number>;
  };
  message: {
    month: string;
    id: string;
    execution_id: number;
    batch_no: number;
    profile_id: number | null;
    address_id: number | null;
    namespace: string;
    identity: string;
    context: ColumnType<Record<string, unknown> | null, string | null, string | null>;
    state: MessageState;
    code: string | null;
    attempts: Generated<number>;
    attempt_id: string | null;
    not_before: Date | null;
    first_attempt_at: Date | null;
    reply: string | null;
    deaths: Generated<number>;
    updated_at: GeneratedInstant;
  };
  installation: {
    single: Generated<boolean>;
    place: ColumnType<Record<string, string> | null, string | null, string | null>;
    paused_at: Date | null;
    paused_why: string | null;
    restored_at: Date | null;
  };
  witness: { id: string; beat: number; beat_at: Instant };
  inbound_watch: { single: Generated<boolean>; canary_at: Date | null; mail_at: Date | null };
  delivery_list: {
    sandbox_id: number;
    list: 'suppressed' | 'allowed';
    kind: 'email' | 'domain';
    key: string;
    spelling: string;
    reason: Generated<'manual' | 'hard' | 'soft' | 'complaint'>;
    comment: string | null;
    author: string | null;
    created_at: GeneratedInstant;
  };
  soft_bounce: {
    address_id: number;
    count: number;
    accepted: Generated<string[]>;
    updated_at: GeneratedInstant;
  };
  heard_report: { sandbox_id: number; digest: Buffer; heard_at: GeneratedInstant };
  review_mail: {
    id: Generated<number>;
    sandbox_id: number;
    digest: Buffer;
    received_at: GeneratedInstant;
    recipient: string;
    why: 'role' | 'unverified' | 'unknown_sender' | 'no_report' | 'malformed' | 'no_token';
    detail: string | null;
    sender: string | null;
    subject: string | null;
    size: number;
    source: string;
    mentions: string[];
    acknowledged_at: Date | null;
  };
  rate: { sandbox_id: number; configuration_name: string; free_at: Instant };
  event: {
    month: string;
    txid: Generated<string>;
    id: Generated<number>;
    sandbox_id: number;
    type: string;
    at: GeneratedInstant;
    message_id: string | null;
    execution_id: number | null;
    profile_id: number | null;
    source: string | null;
    code: string | null;
  };
  migration: { number: number; name: string; applied_at: GeneratedInstant };
}
