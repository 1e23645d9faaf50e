/**
 * `/unsubscribe`: where the body's unsubscribe links lead when the author has no landing page of their own.
 *
 * The same question and the same rule as for one-click, under a token of its own purpose: a GET shows, only the
 * page's form acts (C2). A robot's one-click pair means nothing here; it has a URL of its own.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { Problem } from '../problem.ts';
import { type ChoiceDeps, openLink, receiveForm, recordChoice } from './choice.ts';
import { CONFIRM_FIELD, CONFIRM_VALUE, confirmationPage, questionPage } from './choice-page.ts';
import { isOnly } from './form-body.ts';
import { sendPage } from './page.ts';

/** The URL of a link is nothing to be called by hand; it is not described. */
const HIDDEN = { hide: true };
const PATH = '/unsubscribe';

export async function landingRoutes(app: FastifyInstance, deps: ChoiceDeps): Promise<void> {
  app.get(PATH, { schema: HIDDEN }, async (request, reply) => {
    const { claims, host } = await openLink(deps, request, 'landing');
    return sendPage(reply, 200, questionPage({ claims, sender: host.domain }, false));
  });

  app.post(PATH, { schema: HIDDEN }, async (request, reply) => {
    const fields = await receiveForm(request, request.formType);
    const link = await openLink(deps, request, 'landing');
    if (!isOnly(fields.get(CONFIRM_FIELD), CONFIRM_VALUE)) {
      throw new Problem(400, 'unexpected_body', { detail: 'Expected the form of this page.' });
    }
    await recordChoice(deps, link, 'landing_page');
    return sendPage(reply, 200, confirmationPage({ claims: link.claims, sender: link.host.domain }));
  });
}
