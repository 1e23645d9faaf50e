/**
 * `GET /journey/imp/consent/decrypt`: what a link or a mailto of ours says, for who manages consents elsewhere (C7, U7).
 *
 * It only reads, with one exception that a token asks for itself: where the configuration wants our mail to stop as well, the
 * opt-out is stored before the answer is given, since nobody else will tell us.
 *
 * @module
 */
import type { EmailParamsClaims, UrlClaims } from '@adieu/core';
import {
  findEmailParams,
  linkedSubject,
  OPT_OUT_SCOPES,
  openEmailParams,
  openUnsignedUrlToken,
  openUrlToken,
  readTokenHalves,
  tokenFingerprint,
} from '@adieu/core';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { within } from '../deadline.ts';
import { namedSandbox, TenantHeaders } from '../management/access.ts';
import type { ManagementApp } from '../management/management-app.ts';
import { PROBLEMS, Problem } from '../problem.ts';
import { notStored } from '../public/choice.ts';
import { type ImpDeps, organisationOf, rawQuery, timestamp, unknownToken } from './imp-routes.ts';

const Said = z.object({
  profileNameSpace: z.string(),
  profileId: z.string(),
  emailAddress: z.string(),
  emailNameSpace: z.string(),
  sandboxId: z.string(),
  optOutLevel: z.enum(OPT_OUT_SCOPES),
  channelType: z.literal('email'),
  timestamp: z.string(),
});

/** For the description: what is wrong with a token is found when it is opened. */
const Query = z.looseObject({
  params: z.unknown().optional(),
  pid: z.unknown().optional(),
  sig: z.unknown().optional(),
  emailParams: z.unknown().optional(),
  emailParamsSub: z.unknown().optional(),
  emailParamsBody: z.unknown().optional(),
});

/** What was opened; `evidence` is the text whose hash is kept. */
interface Opened {
  readonly claims: EmailParamsClaims & Pick<Partial<UrlClaims>, 'messageId'>;
  readonly evidence: string;
}

/** Where a token was looked for: whose it has to be. */
interface Audience {
  readonly organisation: string;
  readonly sandbox?: string;
}

/** Milliseconds that storing may take before the caller is told to come back. */
const STORE_DEADLINE = 15_000;

const DESCRIPTION = `Needs the scope \`consents\` and one of: \`params\` with \`pid\`, from a custom URL or a landing page (its \`sig\` is \
checked when it is given); \`emailParams\`, the token alone; \`emailParamsSub\`, the subject of a mail, with \`emailParamsBody\`, its \
body, where mail programs move the one into the other. Of each the first 2,048 characters are read; what stands around a token, \
line breaks inside it and lines that quote another mail (\`>\`) do not count. \
404: a wrong token, or one of another organisation or sandbox. Where the channel configuration says that our mail stops too, \
asking stores the opt-out; 503 when it could not be stored.`;

export async function decryptRoutes(app: ManagementApp, deps: ImpDeps): Promise<void> {
  for (const path of ['/journey/imp/consent/decrypt', '/imp/consent/decrypt']) {
    app.get(
      path,
      {
        config: { needs: 'consents' },
        schema: {
          tags: ['Consent'],
          summary: 'Read what a link or a mailto of ours says',
          description: DESCRIPTION,
          headers: TenantHeaders,
          querystring: Query,
          response: { 200: Said, ...PROBLEMS },
        },
      },
      async (request) => {
        const organisation = organisationOf(request);
        const sandbox = namedSandbox(request);
        const opened = open(deps, request, { organisation, ...(sandbox === undefined ? {} : { sandbox }) });
        if (opened === null) throw unknownToken();
        const at = deps.now();
        if (opened.claims.shadow === true && request.method === 'GET') {
          await stopOurMail(deps, opened, { organisation, at });
        }
        return { ...saidBy(opened), timestamp: timestamp(at) };
      },
    );
  }
}

function open({ ring }: ImpDeps, request: FastifyRequest, audience: Audience): Opened | null {
  const query = new URLSearchParams(rawQuery(request));
  const texts = ['emailParams', 'emailParamsSub', 'emailParamsBody'].map((name) => query.getAll(name));
  const isLink = query.has('params') || query.has('pid');
  const [alone = [], subject = [], body = []] = texts;
  if (Number(isLink) + Number(alone.length > 0) + Number(subject.length + body.length > 0) !== 1) {
    const detail = 'Give params and pid, or emailParams, or emailParamsSub with emailParamsBody.';
    throw new Problem(400, 'token_required', { detail });
  }
  if (isLink) return openLink({ ring }, rawQuery(request), audience);
  if (texts.some(({ length }) => length > 1)) return null;
  for (const token of findEmailParams([...alone, ...subject, ...body])) {
    const claims = openEmailParams(ring, audience, token);
    if (claims !== null) return { claims, evidence: token };
  }
  return null;
}

function openLink({ ring }: Pick<ImpDeps, 'ring'>, query: string, audience: Audience): Opened | null {
  const token = readTokenHalves(query);
  if (token === null) return null;
  const { params, pid, sig } = token;
  for (const purpose of ['customer', 'landing'] as const) {
    const asked = { ...audience, purpose };
    const claims =
      sig === undefined
        ? openUnsignedUrlToken(ring, asked, { params, pid })
        : openUrlToken(ring, asked, { params, pid, sig });
    if (claims !== null) return { claims, evidence: params };
  }
  return null;
}

/** Records what the customer was told, so that no mail of ours leaves before their own list has come round. */
async function stopOurMail(
  { recorder }: ImpDeps,
  { claims, evidence }: Opened,
  { organisation, at }: { readonly organisation: string; readonly at: Date },
): Promise<void> {
  const { sandbox, scope, list, messageId } = claims;
  const storing = recorder({
    organisation,
    sandbox,
    who: linkedSubject(claims),
    scope,
    ...(list === undefined ? {} : { list }),
    source: 'consent_api',
    ...(messageId === undefined ? {} : { messageId }),
    fingerprint: tokenFingerprint(evidence),
    at,
  });
  try {
    const { known } = await within(STORE_DEADLINE, storing, () => new Error('storing took too long'));
    if (!known) throw new Error('nobody of that name is known');
  } catch (error) {
    throw notStored(error);
  }
}

function saidBy({ claims }: Opened): Omit<z.output<typeof Said>, 'timestamp'> {
  return {
    profileNameSpace: claims.profileNamespace.trim(),
    profileId: claims.profileId.trim(),
    emailAddress: claims.address.trim(),
    emailNameSpace: claims.addressNamespace.trim(),
    sandboxId: claims.sandbox,
    optOutLevel: claims.scope,
    channelType: 'email',
  };
}
