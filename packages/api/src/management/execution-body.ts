/**
 * The body of `POST /v1/executions`.
 *
 * Its shape is checked for everybody at once; what is wrong with one recipient's address or id is that
 * recipient's exclusion later, never the failure of the call.
 *
 * @module
 */
import type { ExecutionRequest } from '@adieu/store';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import { ConfigurationName, FreeObject, headerText, PlainName, TrackingId } from './field.ts';
import { present } from './present.ts';

/** Octets: room for the most recipients with a context each. */
export const EXECUTION_LIMIT = 16 * 1024 * 1024;
const MAX_RECIPIENTS = 10_000;

const Recipient = z.strictObject({
  namespace: z.string().optional(),
  id: z.string().optional(),
  address: z.string().optional().describe("Default: the profile's `Email`"),
  context: z.record(z.string(), z.unknown()).optional(),
});

const Audience = z.union([
  z.strictObject({ all: z.literal(true) }),
  z.strictObject({ attributes: FreeObject.optional(), consents: FreeObject.optional() }),
]);

export const ExecutionBody = z.strictObject({
  requestId: headerText(255).describe('Makes the call idempotent'),
  channelConfiguration: ConfigurationName,
  template: PlainName,
  campaignId: TrackingId.optional(),
  journey: z.strictObject({ versionId: TrackingId.optional(), actionId: TrackingId.optional() }).optional(),
  list: PlainName.optional(),
  recipients: z.array(Recipient).min(1).max(MAX_RECIPIENTS).optional().describe('Either these or `audience`'),
  audience: Audience.optional().describe(
    'Everybody, or whose attributes and consents contain the given ones',
  ),
  maxLatenessMinutes: z
    .number()
    .int()
    .min(1)
    .max(43_200)
    .optional()
    .describe(
      'What was never tried so long after this call is not sent any more and ends as `failed` with 4.4.7. Default: the retry period of the configuration',
    ),
  dryRun: z
    .boolean()
    .optional()
    .describe('`true`: send nothing and store nobody, only count who would be sent and who would not'),
});

/** The request as the store takes it; throws for what contradicts itself. */
export function readExecution(body: z.output<typeof ExecutionBody>): ExecutionRequest {
  const { journey, recipients, audience, ...rest } = body;
  if ((recipients === undefined) === (audience === undefined)) {
    const detail = 'Give either recipients or an audience.';
    throw new Problem(422, 'recipients_or_audience', { detail, field: 'recipients' });
  }
  return {
    ...present(rest),
    ...(journey === undefined ? {} : { journey: present(journey) }),
    ...(recipients === undefined ? {} : { recipients: recipients.map((recipient) => present(recipient)) }),
    ...(audience === undefined ? {} : { audience: 'all' in audience ? audience : present(audience) }),
  };
}
