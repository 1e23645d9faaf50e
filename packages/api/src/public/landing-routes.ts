/**
 * `/unsubscribe` and `/preferences`: where the body's links lead when the author has no landing page of their own.
 *
 * The same question and the same rule as for one-click, each under a token of its own purpose: a GET shows, only the
 * page's form acts (C2). A robot's one-click pair means nothing here; it has a URL of its own. The choice that can be
 * made under `/preferences` is to leave.
 *
 * @module
 */
import type { OptOutSource, UrlPurpose } from '@adieu/core';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../problem.ts';
import { type ChoiceDeps, openLink, receiveForm, recordChoice } from './choice.ts';
import { CONFIRM_FIELD, CONFIRM_VALUE, confirmationPage, questionPage } from './choice-page.ts';
import { isOnly } from './form-body.ts';
import { sendPage } from './page.ts';

interface Landing {
  readonly path: string;
  readonly purpose: UrlPurpose;
  readonly source: OptOutSource;
}

/** The paths of the body's links that lead to a page of ours. */
export const LANDINGS: readonly Landing[] = [
  { path: '/unsubscribe', purpose: 'landing', source: 'landing_page' },
  { path: '/preferences', purpose: 'preferences', source: 'preference_centre' },
];

/** The URL of a link is nothing to be called by hand; it is not described. */
const HIDDEN = { hide: true };

export async function landingRoutes(app: FastifyInstance, deps: ChoiceDeps): Promise<void> {
  for (const { path, purpose, source } of LANDINGS) {
    app.get(path, { schema: HIDDEN }, async (request, reply) => {
      const { claims, host } = await openLink(deps, request, purpose);
      return sendPage(reply, 200, questionPage({ claims, sender: host.domain }, false));
    });

    app.post(path, { schema: HIDDEN }, async (request, reply) => {
      const fields = await receiveForm(request, request.formType);
      const link = await openLink(deps, request, purpose);
      if (!isOnly(fields.get(CONFIRM_FIELD), CONFIRM_VALUE)) {
        throw new Problem(400, 'unexpected_body', { detail: 'Expected the form of this page.' });
      }
      await recordChoice(deps, link, source);
      return sendPage(reply, 200, confirmationPage({ claims: link.claims, sender: link.host.domain }));
    });
  }
}
