/**
 * `/unsubscribe/one-click` (RFC 8058): the header's URL, and the body's one-click links.
 *
 * A POST with `List-Unsubscribe=One-Click` or nothing comes from a mailbox provider's robot: no cookie, no
 * redirect, nobody reads the answer. The 200 is our promise to stop, so it waits for the commit. A GET shows
 * a page with one button and changes nothing; only that page's own form is ever redirected.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify';
import {
  type ChoiceDeps,
  type FormFields,
  type Link,
  openLink,
  receiveForm,
  recordChoice,
  unexpectedBody,
} from './choice.ts';
import { confirmationPage, questionPage } from './choice-page.ts';
import { actOf } from './form.ts';
import { isOnly } from './form-body.ts';
import { sendPage } from './page.ts';
import { onwardPath, openVisit } from './visit.ts';

/** The URL of a link is nothing to be called by hand; it is not described. */
const HIDDEN = { hide: true };
export const ONE_CLICK_PATH = '/unsubscribe/one-click';

export async function oneClickRoutes(app: FastifyInstance, deps: ChoiceDeps): Promise<void> {
  app.get(ONE_CLICK_PATH, { schema: HIDDEN }, async (request, reply) => {
    const link = await openLink(deps, request, 'one-click');
    const visit = await openVisit(deps, request, link);
    return sendPage(reply, 200, questionPage(visit, { leavesSite: authorPage(link) !== null }), visit);
  });

  app.post(ONE_CLICK_PATH, { schema: HIDDEN }, async (request, reply) => {
    const fields = await receiveForm(request);
    const link = await openLink(deps, request, 'one-click');
    const press = whose(fields);
    if (press === null) throw unexpectedBody();
    if (press === 'robot') {
      await recordChoice(deps, link, { source: 'header_post' });
      return reply.code(200).type('text/plain; charset=utf-8').send('Unsubscribed.\n');
    }
    const scope = press === 'all' ? 'channel' : link.claims.scope;
    const at = await recordChoice(deps, link, { source: 'body_one_click', scope });
    const page = authorPage(link);
    if (page !== null) return reply.redirect(page, 303);
    const visit = await openVisit(deps, request, link);
    const landingPath = onwardPath(deps, link, 'landing');
    const preferencesPath = onwardPath(deps, link, 'preferences');
    return sendPage(reply, 200, confirmationPage(visit, { scope, at, landingPath, preferencesPath }), visit);
  });
}

/** Who pressed: a robot (the RFC's pair, or nothing at all), a person on our page, or nobody we know. */
function whose(fields: FormFields): 'robot' | 'confirm' | 'all' | null {
  if (fields.size === 0 || isOnly(fields.get('List-Unsubscribe'), 'One-Click')) return 'robot';
  return fields.has('List-Unsubscribe') ? null : actOf(fields, ['confirm', 'all']);
}

/** The author's confirmation page: only what the token holds, and only an address of the web. */
function authorPage({ claims }: Link): string | null {
  if (claims.page === undefined || !URL.canParse(claims.page)) return null;
  const page = new URL(claims.page);
  if (page.protocol !== 'https:' && page.protocol !== 'http:') return null;
  // A page with a user name in it reads as another host than it is.
  return page.username === '' && page.password === '' ? page.href : null;
}
