/**
 * `/preferences`: what a person may choose, shown and changed (C5).
 *
 * A GET shows, only the page's own forms act. What is saved is the difference between what was shown and what was sent;
 * the form says both, so that a choice made elsewhere meanwhile stands.
 *
 * @module
 */
import { type ActReceipt, html, type Markup } from '@adieu/core';
import type { FastifyInstance } from 'fastify';
import {
  type ChoiceDeps,
  type FormFields,
  type Link,
  openLink,
  receiveForm,
  recordChanges,
  unexpectedBody,
} from './choice.ts';
import { actOf, form, hidden } from './form.ts';
import { isOnly } from './form-body.ts';
import { sendPage } from './page.ts';
import { preferencePage, SHOWN_FIELD, savedPage, TICKED } from './preference-page.ts';
import {
  changesOf,
  EVERYTHING,
  isAbout,
  LEAVE_EVERYTHING,
  type Preference,
  type Preferences,
  preferencesOf,
  readShown,
  turned,
  writeShown,
} from './preferences.ts';
import { openKnownVisit, type Visit } from './visit.ts';

/** The URL of a link is nothing to be called by hand; it is not described. */
const HIDDEN = { hide: true };
export const PREFERENCES_PATH = '/preferences';

/** A page of lists has a field for each of its ticks. */
const LIMITS = { octets: 32_768, fields: 200 };
const SOURCE = 'preference_centre';

export async function preferenceRoutes(app: FastifyInstance, deps: ChoiceDeps): Promise<void> {
  app.get(PREFERENCES_PATH, { schema: HIDDEN }, async (request, reply) => {
    const link = await openLink(deps, request, 'preferences');
    const visit = await openKnownVisit(deps, request, link);
    return sendPage(reply, 200, preferencePage(visit, known(visit), firstList(request.query)), visit);
  });

  app.post(PREFERENCES_PATH, { schema: HIDDEN }, async (request, reply) => {
    const fields = await receiveForm(request, LIMITS);
    const link = await openLink(deps, request, 'preferences');
    const act = actOf(fields, ['save', 'leave']);
    if (act === null) throw unexpectedBody();
    // What was there before the person left it all, so that the way back leads there.
    const visit = await openKnownVisit(deps, request, link);
    const before = known(visit);
    const choice = act === 'leave' ? leaving(before) : saving(fields, before);
    if (choice === null) throw unexpectedBody();
    const receipt =
      choice.changes.length === 0
        ? NOTHING
        : await recordChanges(deps, link, { source: SOURCE, changes: choice.changes });
    const { items, leftAll } = choice;
    const undo = undoOf(visit, choice, receipt);
    return sendPage(
      reply,
      200,
      savedPage(visit, { items, leftAll, receipt, undo, path: pathOf(link) }),
      visit,
    );
  });
}

const NOTHING: ActReceipt = { known: true, changed: [], kept: [] };

interface Choice {
  readonly changes: Parameters<typeof recordChanges>[2]['changes'];
  /** What the person turned, as it is now. */
  readonly items: readonly Preference[];
  readonly leftAll: boolean;
  /** Fields by which pressing once more restores what was; null for leaving it all again. */
  readonly back: readonly Preference[] | null;
}

function saving(fields: FormFields, { items }: Preferences): Choice | null {
  const [text, ...more] = fields.get(SHOWN_FIELD) ?? [];
  const shown = more.length === 0 ? readShown(text) : null;
  if (shown === null) return null;
  const now = turned(shown, (key) => isOnly(fields.get(key), TICKED), items);
  const changes = changesOf(shown, now);
  const lifted = shown.get(EVERYTHING) === false && changes.length > now.length;
  return { changes, items: now, leftAll: false, back: lifted ? null : now };
}

function leaving({ items }: Preferences): Choice {
  const on = items.filter(({ subject, on }) => on && subject.kind === 'channel');
  const back = on.map((item) => ({ ...item, on: false }));
  return { changes: LEAVE_EVERYTHING, items: [], leftAll: true, back };
}

/** A form of the same kind with before and after changed round; it says the same yes and no that ticks would. */
function undoOf(visit: Visit, choice: Choice, receipt: ActReceipt): Markup | null {
  if (receipt.changed.length === 0) return null;
  const shared = { label: visit.speech.text('saved.undo'), second: true, path: pathOf(visit.link) };
  if (choice.back === null) return form({ ...shared, act: 'leave' });
  const isBack = (item: Preference): boolean =>
    choice.leftAll || receipt.changed.some((change) => isAbout(change, item));
  const items = choice.back.filter(
    (item) => isBack(item) && (item.subject.kind !== 'list' || item.subject.known),
  );
  if (items.length === 0) return null;
  const ticks = items.filter(({ on }) => !on).map(({ key }) => hidden(key, TICKED));
  const content = html`${hidden(SHOWN_FIELD, writeShown(choice.leftAll, items))}${ticks}`;
  return form({ ...shared, act: 'save', content });
}

function known(visit: Awaited<ReturnType<typeof openKnownVisit>>): Preferences {
  return preferencesOf(visit.choices, visit.brand.channels ?? ['email']);
}

/** The page again, from its beginning, whatever stood in the query beside the token. */
function pathOf({ token }: Link): string {
  return `${PREFERENCES_PATH}?params=${token.params}&pid=${token.pid}&sig=${token.sig}`;
}

function firstList(query: unknown): number {
  const { from } = Object(query) as { readonly from?: unknown };
  return typeof from === 'string' && /^\d{1,4}$/.test(from) ? Number(from) : 0;
}
