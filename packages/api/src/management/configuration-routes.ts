/**
 * `/v1/channel-configurations/{name}`: how mail of one kind leaves (S1). Every change is a new version.
 *
 * The schema checks shapes; what contradicts what is core's to say, with the field that is to blame.
 *
 * @module
 */
import {
  type ChannelConfiguration,
  checkChannelConfiguration,
  completeChannelConfiguration,
} from '@adieu/core';
import {
  type Database,
  findChannelConfiguration,
  findSubdomain,
  putChannelConfiguration,
} from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS, Problem, unsupportedField } from '../problem.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import { ConfigurationName, DomainName, EmailAddress, headerText, MarketingActions } from './field.ts';
import type { ManagementApp } from './management-app.ts';
import { present } from './present.ts';

const Sender = z.strictObject({ name: headerText(200), email: EmailAddress });
/** One message in a quarter of an hour is slow enough for anybody, and no interval overflows. */
const Rate = z.number().min(0.001).nullable();
const UNSUPPORTED = 'not supported by this version, refused with `unsupported_field`';

const ListUnsubscribe = z.strictObject({
  enabled: z.boolean().optional().describe('Default: true'),
  mailto: z.boolean().optional().describe('Default: true; emitted only where inbound mail is received'),
  oneClick: z.boolean().optional().describe('Default: true'),
  consentLevel: z.enum(['channel', 'identity', 'subscription']).optional().describe('Default: `channel`'),
  managedBy: z
    .enum(['adieu', 'customer'])
    .optional()
    .describe(
      'Default: `adieu`. `customer`: the header names your endpoints, and Adieu stores nothing of what they are told',
    ),
  customUrl: headerText(2_000)
    .optional()
    .describe(
      'Your one-click URL, under `customer` only: https, takes the POST of RFC 8058. `params` and `pid` are appended, for the decrypt API',
    ),
  customMailto: headerText(320)
    .optional()
    .describe(
      'Your address, under `customer` only. The subject is `unsubscribe` and the token `emailParams` for the decrypt API',
    ),
  shadowSuppression: z
    .boolean()
    .optional()
    .describe(
      'Under `customer` only: reading a token of this header with the decrypt API also stops mail of its scope. Default: false',
    ),
});

const Body = z.strictObject({
  subdomain: DomainName,
  emailType: z.enum(['marketing', 'transactional']),
  from: Sender,
  replyTo: EmailAddress.optional(),
  errorPrefix: headerText(64).optional(),
  listUnsubscribe: ListUnsubscribe.optional(),
  marketingActions: MarketingActions.optional().describe(
    'Marketing only: policies of these actions have to hold',
  ),
  urlTracking: z
    .array(z.strictObject({ name: headerText(255), value: headerText(5_120) }))
    .max(10)
    .optional()
    .describe(UNSUPPORTED),
  retryMinutes: z.number().int().optional().describe('Default: 5040 (84 hours)'),
  unknownOutcome: z
    .enum(['keep', 'resend'])
    .optional()
    .describe('Default: `keep` for marketing, else `resend`'),
  rate: z
    .strictObject({
      messagesPerSecond: Rate.optional().describe(
        'Shared by all workers and all executions of this name. The latest number counts, from the next claim on also for those under way. Default: null, no limit',
      ),
      perDomain: Rate.optional().describe(`A number: ${UNSUPPORTED}`),
    })
    .optional(),
  allowNoOptOutLink: headerText(500)
    .optional()
    .describe('Why a marketing template without an opt-out link may be sent. Logged at every execution'),
  sendAfterComplaint: z
    .boolean()
    .optional()
    .describe('Transactional only: goes to addresses suppressed because of a complaint, too. Default: false'),
});

const Configuration = z.looseObject({
  name: z.string(),
  version: z.number().int(),
  subdomain: z.string(),
  emailType: z.enum(['marketing', 'transactional']),
  warnings: z.array(z.string()).optional(),
});

export async function configurationRoutes(app: ManagementApp, database: Database): Promise<void> {
  const shared = {
    tags: ['Configuration'],
    params: z.object({ name: ConfigurationName }),
    headers: TenantHeaders,
    response: { 200: Configuration, ...PROBLEMS },
  };
  const config = { needs: 'configuration' } as const;

  app.put(
    '/v1/channel-configurations/:name',
    { config, schema: { ...shared, summary: 'Store a channel configuration', body: Body } },
    async (request) => {
      const scope = tenantOf(request);
      const configuration = readConfiguration(request.params.name, request.body);
      // First, since whether a From is aligned can only be said of a subdomain that is there.
      if ((await findSubdomain(database.db, scope, configuration.subdomain)) === null) {
        throw new Problem(422, 'unknown_subdomain', {
          detail: 'Store this subdomain first.',
          field: 'subdomain',
        });
      }
      const warnings = checkChannelConfiguration(configuration);
      const { version } = await putChannelConfiguration(database.db, scope, configuration);
      return { ...configuration, version, warnings };
    },
  );

  app.get(
    '/v1/channel-configurations/:name',
    { config, schema: { ...shared, summary: 'Read a channel configuration' } },
    async (request) => {
      const found = await findChannelConfiguration(database.db, tenantOf(request), request.params.name);
      if (found === null) {
        throw new Problem(404, 'unknown_channel_configuration', {
          detail: 'There is no such configuration.',
        });
      }
      return { ...found.configuration, version: found.version };
    },
  );
}

function readConfiguration(name: string, body: z.output<typeof Body>): ChannelConfiguration {
  const { rate = {}, ...rest } = body;
  if (rest.urlTracking?.length) throw unsupportedField('urlTracking', 'URL tracking');
  if (typeof rate.perDomain === 'number') throw unsupportedField('rate.perDomain', 'A rate for each domain');
  return completeChannelConfiguration(name, {
    ...present(rest),
    listUnsubscribe: present(body.listUnsubscribe ?? {}),
    rate: present(rate),
  });
}
