/**
 * `/v1/sandboxes/{name}/consent-defaults`: what silence means, and what the values that are neither yes nor no (X2, X3).
 *
 * What a person refused is no matter of defaults: `n`, `dn` and `u` are refused by name.
 *
 * @module
 */
import { allowsSending, CONSENT_VALUES, type ConsentDefaults, type ValueMeanings } from '@adieu/core';
import { type Database, findConsentDefaults, setConsentDefaults } from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { TenantHeaders } from './access.ts';
import type { ManagementApp } from './management-app.ts';
import { present } from './present.ts';
import { SandboxParams, sandboxOf } from './sandbox-name.ts';

/** Why a value has no meaning to choose. */
const FIXED = {
  n: 'is a person’s no, which always stops.',
  dn: 'is a no by default, which always stops.',
  u: 'says nothing, so what is less specific decides, and at last "strict".',
} as const;

const Meaning = z.enum(['allow', 'stop']).optional();
const Refused = z.unknown().optional().describe('Refused: it has no meaning to choose');
const Body = z.strictObject({
  strict: z.boolean().describe('Strict opt-in: whoever said nothing gets no marketing mail'),
  values: z
    .strictObject({
      y: Meaning,
      p: Meaning,
      dy: Meaning,
      LI: Meaning,
      CT: Meaning,
      CP: Meaning,
      VI: Meaning,
      PI: Meaning,
      n: Refused,
      dn: Refused,
      u: Refused,
    })
    .optional()
    .describe('What differs; without an entry `p` stops and every other value allows'),
});
const State = z.object({
  strict: z.boolean(),
  values: z.record(z.string(), z.enum(['allow', 'stop'])).describe('Every value with what it means'),
});

export async function consentDefaultsRoutes(app: ManagementApp, database: Database): Promise<void> {
  const { db } = database;
  const url = '/v1/sandboxes/:name/consent-defaults';
  const shared = {
    tags: ['Configuration'],
    params: SandboxParams,
    headers: TenantHeaders,
  };

  app.get(
    url,
    {
      config: { needs: 'profiles' },
      schema: {
        ...shared,
        summary: 'Read what silence and consent values mean',
        response: { 200: State, ...PROBLEMS },
      },
    },
    async (request) =>
      document(await findConsentDefaults(db, await sandboxOf(database, request, request.params.name))),
  );

  app.put(
    url,
    {
      config: { needs: 'admin' },
      schema: {
        ...shared,
        summary: 'Say what silence and consent values mean',
        description: 'Replaces what was said before; counts from the next claim on, for lists too.',
        body: Body,
        response: { 200: State.extend({ warnings: z.array(z.string()) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const scope = await sandboxOf(database, request, request.params.name);
      const { strict, values = {} } = request.body;
      const { n, dn, u, ...meanings } = values;
      refuseFixed({ n, dn, u });
      const defaults = { strict, meanings: present(meanings) };
      await setConsentDefaults(db, scope, defaults);
      const warnings =
        meanings.y === 'stop' ? ['y stops: who said yes, and no more than that, gets nothing.'] : [];
      return { ...document(defaults), warnings };
    },
  );
}

function refuseFixed(values: Readonly<Record<keyof typeof FIXED, unknown>>): void {
  for (const [value, why] of Object.entries(FIXED)) {
    if (values[value as keyof typeof FIXED] === undefined) continue;
    const detail = `${value} ${why}`;
    throw new Problem(422, 'consent_value_fixed', { detail, field: `values.${value}` });
  }
}

function document({ strict, meanings }: ConsentDefaults) {
  return { strict, values: completeMeanings(meanings) };
}

function completeMeanings(meanings: ValueMeanings): Record<string, 'allow' | 'stop'> {
  const values = CONSENT_VALUES.filter((value) => !Object.hasOwn(FIXED, value));
  return Object.fromEntries(
    values.map((value) => [value, allowsSending(value, meanings) ? 'allow' : 'stop'] as const),
  );
}
