/**
 * `POST /journey/imp/consent/preferences`: a landing page of somebody else tells what a person chose (C4, C6).
 *
 * A no may be wider than the link it came from. Whatever is not a no lets more mail go: it needs the link's `sig` and is never
 * wider than the link. Several entries are one act: all of them are stored, or none.
 *
 * @module
 */
import type { Act, ActReceipt, Change, ConsentValue, OptOutScope, UrlClaims } from '@adieu/core';
import {
  isFailure,
  isNo,
  linkedSubject,
  OPT_OUT_SCOPES,
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

const CHOICES = { yes: 'y', no: 'n', pending: 'p', unknown: 'u' } as const satisfies Record<
  string,
  ConsentValue
>;
type Choice = keyof typeof CHOICES;

const Entry = z.strictObject({
  type: z.literal('email'),
  choice: z.enum(['yes', 'no', 'pending', 'unknown']),
  scope: z
    .enum(OPT_OUT_SCOPES)
    .describe(
      '`channel`: all email; `identity`: the address that the message went to; `subscription`: its list',
    ),
});
const Body = z.strictObject({
  marketing: z.array(Entry).min(1).max(10).describe('Several entries are stored together, or none of them'),
});
type Entry = z.output<typeof Entry>;

/** For the description: what is wrong with a token is found when it is opened. */
const Query = z.looseObject({
  params: z.unknown().optional().describe('As the link has it'),
  pid: z.unknown().optional().describe('As the link has it'),
  sig: z.unknown().optional().describe('As the link has it; needed for every choice but `no`'),
});

const Stored = z.object({
  profileNameSpace: z.string(),
  profileId: z.string(),
  channelType: z.literal('email'),
  optOutLevel: z.enum(OPT_OUT_SCOPES).describe('Of the first entry'),
  choice: z
    .enum(['yes', 'no', 'pending', 'unknown'])
    .describe('What stands for the first entry now: `no` where an earlier no was not lifted'),
  timestamp: z.string(),
  kept: z
    .array(z.object({ scope: z.enum(OPT_OUT_SCOPES), why: z.enum(['complaint', 'erasure', 'newer']) }))
    .optional()
    .describe('Where an earlier no was not lifted, and why'),
});

/** Milliseconds that storing may take before the caller is told to come back. */
const STORE_DEADLINE = 15_000;

const DESCRIPTION = `Needs the scope \`consents\` and the \`params\` and \`pid\` that a link of ours brought to the page. \
A \`no\` may be wider than the link; any other choice may not, and needs its \`sig\`, which is checked wherever it is given. \
A \`yes\` lifts an older \`no\` of the same scope, but no complaint and no erasure. 200: stored. 400: the body is wrong, or asks for \
more than the link covers. 401: no key. 404: a wrong token, or one of another organisation or sandbox. 503: not stored, try again. \
A comma behind the last field or element is forgiven.`;

export async function preferenceRoutes(app: ManagementApp, deps: ImpDeps): Promise<void> {
  for (const path of ['/journey/imp/consent/preferences', '/imp/consent/preferences']) {
    app.post(
      path,
      {
        config: { needs: 'consents' },
        schema: {
          tags: ['Consent'],
          summary: 'Store what a person chose on a page of yours',
          description: DESCRIPTION,
          headers: TenantHeaders,
          querystring: Query,
          body: Body,
          response: { 200: Stored, ...PROBLEMS },
        },
      },
      async (request) => {
        const entries = request.body.marketing;
        const link = openLink(deps, request);
        const changes = entries.map((entry) => changeOf(entry, link));
        const at = deps.now();
        const receipt = await store(deps, { ...link.act, changes, source: 'consent_api', at });
        return answer(entries, { claims: link.claims, receipt, at });
      },
    );
  }
}

interface Link {
  readonly claims: UrlClaims;
  readonly signed: boolean;
  readonly act: Pick<Act, 'organisation' | 'sandbox' | 'who' | 'messageId' | 'fingerprint'>;
}

function openLink({ ring }: ImpDeps, request: FastifyRequest): Link {
  const token = readTokenHalves(rawQuery(request));
  if (token === null) throw unknownToken();
  const organisation = organisationOf(request);
  const sandbox = namedSandbox(request);
  const audience = {
    purpose: 'landing',
    organisation,
    ...(sandbox === undefined ? {} : { sandbox }),
  } as const;
  const { params, pid, sig } = token;
  const claims =
    sig === undefined
      ? openUnsignedUrlToken(ring, audience, { params, pid })
      : openUrlToken(ring, audience, { params, pid, sig });
  if (claims === null) throw unknownToken();
  return {
    claims,
    signed: sig !== undefined,
    act: {
      organisation,
      sandbox: claims.sandbox,
      who: linkedSubject(claims),
      messageId: claims.messageId,
      fingerprint: tokenFingerprint(params),
    },
  };
}

function changeOf({ choice, scope }: Entry, { claims, signed }: Link): Change {
  const to = CHOICES[choice];
  if (!isNo(to) && !signed) {
    throw refused('sig_required', `The choice "${choice}" needs the sig of the link.`);
  }
  if (!isNo(to) && scope !== claims.scope && claims.scope !== 'channel') {
    throw refused('scope_too_wide', `The link covers the scope "${claims.scope}" only.`);
  }
  if (scope !== 'subscription') return { scope, channel: 'email', to };
  if (claims.list === undefined) throw refused('list_required', 'The link is of no list.');
  return { scope, channel: 'email', list: claims.list, to };
}

async function store({ recordAct }: ImpDeps, act: Act): Promise<ActReceipt> {
  try {
    const receipt = await within(STORE_DEADLINE, recordAct(act), () => new Error('storing took too long'));
    // A valid token of ours whose person is not found: our fault, and nothing was stored.
    if (!receipt.known) throw new Error('nobody of that name is known');
    return receipt;
  } catch (error) {
    if (isFailure(error) && !error.temporary) throw error;
    throw notStored(error);
  }
}

function answer(
  entries: readonly Entry[],
  { claims, receipt, at }: { readonly claims: UrlClaims; readonly receipt: ActReceipt; readonly at: Date },
): z.output<typeof Stored> {
  const [{ scope } = { scope: claims.scope }] = entries;
  const kept = receipt.kept.map(({ scope: level, why }) => ({ scope: level, why }));
  return {
    profileNameSpace: claims.profileNamespace,
    profileId: claims.profileId,
    channelType: 'email',
    optOutLevel: scope,
    choice: stands(scope, entries, kept),
    timestamp: timestamp(at),
    ...(kept.length === 0 ? {} : { kept }),
  };
}

/** Of several entries of one scope the last, unless a no stands: an earlier one, or one among them. */
function stands(
  scope: OptOutScope,
  entries: readonly Entry[],
  kept: readonly { readonly scope: OptOutScope }[],
): Choice {
  const said = entries.filter((entry) => entry.scope === scope);
  const isOut = kept.some((entry) => entry.scope === scope) || said.some(({ choice }) => choice === 'no');
  return isOut ? 'no' : (said.at(-1)?.choice ?? 'no');
}

function refused(code: string, detail: string): Problem {
  return new Problem(400, code, { detail });
}
