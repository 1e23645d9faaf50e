/**
 * `PUT /v1/profiles/{namespace}/{id}/consents`: what a person said elsewhere, brought by an operator with its evidence.
 *
 * One rule: evidence lifts a no only where it is newer than that no (X7), and the answer names every no that stayed.
 *
 * @module
 */
import type { RecordAct } from '@adieu/core';
import { CHOICE_SUBJECTS, CONSENT_VALUES, OPT_OUT_SCOPES } from '@adieu/core';
import { type Database, findProfile } from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { notStored } from '../public/choice.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import { readChanges } from './consent-changes.ts';
import { headerText } from './field.ts';
import type { ManagementApp } from './management-app.ts';

export interface ConsentDeps {
  readonly database: Database;
  readonly recordAct: RecordAct;
  readonly now: () => Date;
}

const Params = z.object({ namespace: z.string().min(1).max(64), id: z.string().min(1).max(255) });
const Evidence = z.strictObject({
  kind: z.literal('form').describe('A form that the person filled in'),
  at: z.iso.datetime({ offset: true }).describe('When the person did'),
  reference: headerText(500).describe('Where the proof is kept; it stands in the history'),
});
const Body = z
  .looseObject({ evidence: Evidence })
  .describe(
    'XDM consents and preferences: `val` of channels, of `marketing.email.subscriptions`, of `personalize.content`, and of ' +
      '`marketing.email` of one address under `idSpecific.Email`',
  );
const Choice = z.object({
  scope: z.enum(OPT_OUT_SCOPES),
  channel: z.enum(CHOICE_SUBJECTS),
  list: z.string().optional(),
  to: z.enum(CONSENT_VALUES),
});
const Receipt = z.object({
  changed: z.array(Choice),
  kept: z
    .array(Choice.extend({ why: z.enum(['complaint', 'erasure', 'newer']) }))
    .describe(
      'What was not done because a no stands: of a complaint, of an erasure, or newer than the evidence',
    ),
});

export async function consentRoutes(app: ManagementApp, deps: ConsentDeps): Promise<void> {
  app.put(
    '/v1/profiles/:namespace/:id/consents',
    {
      config: { needs: 'profiles' },
      schema: {
        tags: ['Profiles'],
        summary: 'Bring what a person said elsewhere, with its evidence',
        description: 'What the document does not name stays as it is. All of it is stored, or nothing.',
        params: Params,
        headers: TenantHeaders,
        body: Body,
        response: { 200: Receipt, ...PROBLEMS },
      },
    },
    async (request) => {
      const { evidence, ...document } = request.body;
      const at = new Date(evidence.at);
      if (Number.isNaN(at.getTime()) || at > deps.now()) {
        const detail = 'Evidence is of something that has happened.';
        throw new Problem(422, 'evidence_in_future', { detail, field: 'evidence.at' });
      }
      const { changes, address } = readChanges(document);
      const scope = tenantOf(request);
      const { namespace, id } = request.params;
      const profile = await findProfile(deps.database.db, scope, namespace, id);
      if (profile === null)
        throw new Problem(404, 'unknown_profile', { detail: 'There is no such profile.' });
      const meant = address === null ? profile.address : profile.addresses.find(({ key }) => key === address);
      if (address !== null && meant === undefined) {
        const detail = 'This profile is not known to use that address.';
        throw new Problem(422, 'unknown_address', { detail, field: 'idSpecific.Email' });
      }
      const { known, changed, kept } = await deps.recordAct({
        organisation: scope.organisation,
        sandbox: scope.sandbox,
        // Zero is nobody's number: a person without an address.
        who: { by: 'number', profile: profile.id, address: meant?.id ?? 0 },
        changes,
        source: 'admin',
        reference: evidence.reference,
        at,
      });
      if (!known) throw notStored(new Error('nobody of that number is known'));
      return { changed: [...changed], kept: [...kept] };
    },
  );
}
