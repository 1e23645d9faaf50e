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
import { type ChoiceDeps, type Link, openLink, receiveForm, recordChoice, unexpectedBody } from './choice.ts';
import { CONFIRM_FIELD, CONFIRM_VALUE, confirmationPage, questionPage } from './choice-page.ts';
import { isOnly } from './form-body.ts';
import { sendPage } from './page.ts';

/** The URL of a link is nothing to be called by hand; it is not described. */
const HIDDEN = { hide: true };
const PATH = '/unsubscribe/one-click';

export async function oneClickRoutes(app: FastifyInstance, deps: ChoiceDeps): Promise<void> {
  app.get(PATH, { schema: HIDDEN }, async (request, reply) => {
    const link = await openLink(deps, request, 'one-click');
    return sendPage(reply, 200, questionPage(choiceOf(link), authorPage(link) !== null));
  });

  app.post(PATH, { schema: HIDDEN }, async (request, reply) => {
    const fields = await receiveForm(request, request.formType);
    const link = await openLink(deps, request, 'one-click');
    const press = whose(fields);
    if (press === null) throw unexpectedBody();
    await recordChoice(deps, link, press);
    if (press === 'header_post')
      return reply.code(200).type('text/plain; charset=utf-8').send('Unsubscribed.\n');
    const page = authorPage(link);
    if (page !== null) return reply.redirect(page, 303);
    return sendPage(reply, 200, confirmationPage(choiceOf(link)));
  });
}

/** Who pressed: a robot (the RFC's pair, or nothing at all), a person on our page, or nobody we know. */
function whose(fields: ReadonlyMap<string, readonly string[]>): 'header_post' | 'body_one_click' | null {
  if (fields.size === 0 || isOnly(fields.get('List-Unsubscribe'), 'One-Click')) return 'header_post';
  if (fields.has('List-Unsubscribe')) return null;
  return isOnly(fields.get(CONFIRM_FIELD), CONFIRM_VALUE) ? 'body_one_click' : null;
}

/** The author's confirmation page: only what the token holds, and only an address of the web. */
function authorPage({ claims }: Link): string | null {
  if (claims.page === undefined || !URL.canParse(claims.page)) return null;
  const page = new URL(claims.page);
  if (page.protocol !== 'https:' && page.protocol !== 'http:') return null;
  // A page with a user name in it reads as another host than it is.
  return page.username === '' && page.password === '' ? page.href : null;
}

function choiceOf(link: Link): { claims: Link['claims']; sender: string } {
  return { claims: link.claims, sender: link.host.domain };
}
