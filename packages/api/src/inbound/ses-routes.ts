/**
 * `POST /v1/inbound/ses`: what Amazon SNS posts. Its signature is the only key: no `Authorization` is asked for, under any `Host`.
 *
 * The rule: SNS comes again after a 5xx and never after a 4xx, so whatever may yet succeed is 503, and 200 is said after the commit.
 *
 * @module
 */
import { isFailure, type NotificationOutcome, type TakeNotification } from '@adieu/core';
import type { FastifyInstance } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { limitBodyTime } from '../body-deadline.ts';
import { within } from '../deadline.ts';
import { PROBLEMS, Problem, sendProblem, toProblem } from '../problem.ts';

/** Octets: SNS takes 256 KiB to publish, and the JSON around them escapes them once more. */
const BODY_LIMIT = 1024 * 1024;
/** Milliseconds for a body to arrive. */
const BODY_DEADLINE = 10_000;
/** Milliseconds for an answer; SNS gives up after 15 seconds. */
const ANSWER_DEADLINE = 12_000;

const Answer = z.object({
  outcome: z
    .enum(['recorded', 'noted', 'confirmed'])
    .describe(
      'Something was stored, now or when it came before; nothing to act upon; the subscription is confirmed',
    ),
});

export async function sesRoutes(instance: FastifyInstance, take: TakeNotification): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.setSerializerCompiler(serializerCompiler);
  // What it is, its signature says.
  app.setValidatorCompiler(() => (body) => ({ value: body }));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string', bodyLimit: BODY_LIMIT }, (_request, body, done) =>
    done(null, body),
  );
  limitBodyTime(app, BODY_DEADLINE);
  app.setErrorHandler(async (error, request, reply) => {
    request.fault = error;
    if (!request.raw.complete) reply.header('connection', 'close');
    const problem = toProblem(error);
    // What nobody foresaw is temporary: a bounce that comes again is better than one that is lost.
    return sendProblem(reply, problem.status === 500 ? notTaken(error) : problem);
  });

  app.post(
    '/v1/inbound/ses',
    {
      schema: {
        tags: ['Inbound'],
        summary: 'Bounces and complaints of Amazon SES, by Amazon SNS',
        description:
          'The endpoint to subscribe to a topic over HTTPS, without raw message delivery. No key: the signature of Amazon SNS, and the ' +
          'topic, which `SES_TOPIC_ARNS` has to list, say who calls. 403 when they do not hold, 400 when it is no message of SNS, 503 ' +
          'when it should come again.',
        security: [],
        body: { content: { 'text/plain': { schema: { type: 'string' } } } },
        response: { 200: Answer, ...PROBLEMS },
      },
    },
    async (request) => {
      const body: unknown = request.body;
      const taking = take(typeof body === 'string' ? body : '');
      return answer(await within(ANSWER_DEADLINE, taking, () => notTaken()));
    },
  );
}

function answer(outcome: NotificationOutcome): z.output<typeof Answer> {
  if (outcome.kind === 'taken') return { outcome: outcome.taken };
  const { code, detail } = outcome;
  throw new Problem(outcome.kind === 'refused' ? 403 : 400, code, { detail });
}

function notTaken(cause?: unknown): Problem {
  const detail = 'The notification could not be stored just now. Please send it again.';
  return new Problem(503, isFailure(cause) ? cause.code : 'not_stored', { detail, cause });
}
