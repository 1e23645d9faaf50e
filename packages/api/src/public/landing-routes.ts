/**
 * `/unsubscribe`: where the body's unsubscribe links lead when the author has no landing page of their own.
 *
 * A GET shows, only the page's forms act (C2). A robot's one-click pair means nothing here; it has a URL of its own.
 * Who left may come back by the button of the confirmation: an explicit yes of the same width, and nothing less (C9). It takes back
 * what that confirmation was of: pressed late, it lifts no no that was said elsewhere since.
 *
 * @module
 */
import type { Change, OptOutScope } from '@adieu/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  type ChoiceDeps,
  type FormFields,
  type Link,
  openLink,
  receiveForm,
  recordChanges,
  recordChoice,
  unexpectedBody,
} from './choice.ts';
import { confirmationPage, questionPage, type Return, undonePage } from './choice-page.ts';
import { actOf, undoneBy } from './form.ts';
import { sendPage } from './page.ts';
import { isStopped } from './preferences.ts';
import { onwardPath, openVisit } from './visit.ts';

/** The URL of a link is nothing to be called by hand; it is not described. */
const HIDDEN = { hide: true };
export const LANDING_PATH = '/unsubscribe';

const ACTS = ['confirm', 'all', 'undo', 'undo-all'] as const;

export async function landingRoutes(app: FastifyInstance, deps: ChoiceDeps): Promise<void> {
  app.get(LANDING_PATH, { schema: HIDDEN }, async (request, reply) => {
    const link = await openLink(deps, request, 'landing');
    const visit = await openVisit(deps, request, link);
    const preferencesPath = onwardPath(deps, link, 'preferences');
    return sendPage(reply, 200, questionPage(visit, { preferencesPath }), visit);
  });

  app.post(LANDING_PATH, { schema: HIDDEN }, async (request, reply) => {
    const fields = await receiveForm(request);
    const link = await openLink(deps, request, 'landing');
    const act = actOf(fields, ACTS);
    if (act === null) throw unexpectedBody();
    const scope = act.endsWith('all') ? 'channel' : link.claims.scope;
    if (act.startsWith('undo')) return comeBack(deps, { request, reply, link, fields, scope });
    const at = await recordChoice(deps, link, { source: 'landing_page', scope });
    const visit = await openVisit(deps, request, link);
    const preferencesPath = onwardPath(deps, link, 'preferences');
    return sendPage(reply, 200, confirmationPage(visit, { scope, at, preferencesPath }), visit);
  });
}

interface Coming {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly link: Link;
  readonly fields: FormFields;
  readonly scope: OptOutScope;
}

async function comeBack(deps: ChoiceDeps, coming: Coming): Promise<FastifyReply> {
  const { request, reply, link, fields, scope } = coming;
  const { list } = link.claims;
  const change: Change = {
    scope,
    channel: 'email',
    to: 'y',
    ...(scope === 'subscription' && list !== undefined ? { list } : {}),
  };
  // A form that does not say what it takes back takes nothing back.
  const undoes = undoneBy(fields) ?? new Date(0);
  const { kept } = await recordChanges(deps, link, { source: 'landing_page', changes: [change], undoes });
  const visit = await openVisit(deps, request, link);
  const preferencesPath = onwardPath(deps, link, 'preferences');
  const outcome = outcomeOf(kept.length > 0, visit.choices?.complained === true, isStopped(visit));
  return sendPage(reply, 200, undonePage(visit, { scope, outcome, preferencesPath }), visit);
}

function outcomeOf(kept: boolean, complained: boolean, stopped: boolean): Return {
  if (complained) return 'complaint';
  return kept || stopped ? 'still_stopped' : 'subscribed';
}
