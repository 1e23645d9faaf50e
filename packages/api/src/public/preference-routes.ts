/**
 * `/preferences`: what a person may choose, shown and changed (C5).
 *
 * A GET shows, only the page's own forms act. What is saved is the difference between what was shown and what was sent;
 * the form says both, so that a choice made elsewhere meanwhile stands.
 *
 * @module
 */
import { html, isConsentValue, isNo, type Markup } from '@adieu/core';
import type { PersonChoices } from '@adieu/store';
import type { FastifyInstance } from 'fastify';
import {
  type ChoiceDeps,
  type FormFields,
  type Link,
  openLink,
  receiveForm,
  recordChanges,
  type SaidReceipt,
  unexpectedBody,
} from './choice.ts';
import { actOf, form, hidden, undoing, undoneBy } from './form.ts';
import { isOnly } from './form-body.ts';
import { sendPage } from './page.ts';
import {
  FROM_FIELD,
  preferencePage,
  SHOWN_FIELD,
  savedPage,
  TICKED,
  TICKED_FIELD,
} from './preference-page.ts';
import {
  changeOfEverything,
  changesOf,
  isAbout,
  type Preference,
  type Preferences,
  preferencesOf,
  readShown,
  type Shown,
  turned,
  writeShown,
} from './preferences.ts';
import { openKnownVisit, openVisit, type Visit } from './visit.ts';

/** The URL of a link is nothing to be called by hand; it is not described. */
const HIDDEN = { hide: true };
export const PREFERENCES_PATH = '/preferences';

/** A page of lists has a field for each of its ticks. */
const LIMITS = { octets: 32_768, fields: 200 };
const SOURCE = 'preference_centre';
/** Name of the hidden field that says what was said of everything before it was left. */
const WAS_FIELD = 'was';

export async function preferenceRoutes(app: FastifyInstance, deps: ChoiceDeps): Promise<void> {
  app.get(PREFERENCES_PATH, { schema: HIDDEN }, async (request, reply) => {
    const link = await openLink(deps, request, 'preferences');
    const visit = await openKnownVisit(deps, request, link);
    const { from } = Object(request.query) as { readonly from?: unknown };
    const first = typeof from === 'string' ? firstList(from) : 0;
    return sendPage(reply, 200, preferencePage(visit, known(visit), { first, turned: [] }), visit);
  });

  app.post(PREFERENCES_PATH, { schema: HIDDEN }, async (request, reply) => {
    const fields = await receiveForm(request, LIMITS);
    const link = await openLink(deps, request, 'preferences');
    const act = actOf(fields, ['save', 'leave', 'undo-all']);
    if (act === null) throw unexpectedBody();
    // What was there before, so that the way back leads there.
    const earlier = await openKnownVisit(deps, request, link);
    const before = known(earlier);
    const [from] = fields.get(FROM_FIELD) ?? [];
    if (act === 'save' && from !== undefined) {
      // Nothing is saved yet: the ticks go along.
      const turned = turning(fields, before);
      if (turned === null) throw unexpectedBody();
      return sendPage(
        reply,
        200,
        preferencePage(earlier, before, { first: firstList(from), turned: turned.items }),
        earlier,
      );
    }
    const choice = { save: saving, leave: leaving, 'undo-all': returning }[act](fields, earlier);
    if (choice === null) throw unexpectedBody();
    const undoes = act === 'undo-all' ? (undoneBy(fields) ?? new Date(0)) : undoneBy(fields);
    const receipt =
      choice.changes.length === 0
        ? NOTHING
        : await recordChanges(deps, link, {
            source: SOURCE,
            changes: choice.changes,
            ...(undoes === null ? {} : { undoes }),
          });
    const visit = await openVisit(deps, request, link);
    const after = visit.choices === null ? null : preferencesIn(visit.choices, visit);
    const { items, leftAll } = choice;
    const undo = undoOf(visit, choice, receipt);
    const saved = { items, leftAll, receipt, before, after, undo, path: pathOf(link) };
    return sendPage(reply, 200, savedPage(visit, saved), visit);
  });
}

const NOTHING: SaidReceipt = { known: true, changed: [], kept: [], at: new Date(0) };

interface Choice {
  readonly changes: Parameters<typeof recordChanges>[2]['changes'];
  /** What the person turned, as it is now. */
  readonly items: readonly Preference[];
  readonly leftAll: boolean;
  /** What takes it back: all that was turned the other way round, or a form about everything. */
  readonly back: 'turn' | { readonly act: 'leave' | 'undo-all'; readonly content?: Markup };
}

type KnownVisit = Awaited<ReturnType<typeof openKnownVisit>>;

/** What was shown, and what is turned now, on the page that was sent and on those before it. */
function turning(
  fields: FormFields,
  { items }: Preferences,
): { readonly shown: Shown; readonly items: readonly Preference[] } | null {
  const [text, ...more] = fields.get(SHOWN_FIELD) ?? [];
  const shown = more.length === 0 ? readShown(text) : null;
  if (shown === null) return null;
  const ticked = new Set(fields.get(TICKED_FIELD)?.[0]?.split('.'));
  const isTicked = (key: string): boolean => isOnly(fields.get(key), TICKED) || ticked.has(key);
  return { shown, items: turned(shown, isTicked, items) };
}

function saving(fields: FormFields, visit: KnownVisit): Choice | null {
  const { leftAll } = known(visit);
  const found = turning(fields, known(visit));
  if (found === null) return null;
  const { shown, items: now } = found;
  const changes = changesOf(shown, leftAll, now);
  const lifted = changes.length > now.length;
  return { changes, items: now, leftAll: false, back: lifted ? { act: 'leave' } : 'turn' };
}

function leaving(_fields: FormFields, visit: KnownVisit): Choice {
  const content = hidden(WAS_FIELD, known(visit).everything);
  return {
    changes: [changeOfEverything('n')],
    items: [],
    leftAll: true,
    back: { act: 'undo-all', content },
  };
}

/** Says again of everything what was said before, be it nothing: what each channel says was never touched. */
function returning(fields: FormFields, visit: KnownVisit): Choice | null {
  const [was, ...more] = fields.get(WAS_FIELD) ?? [];
  if (more.length > 0 || !isConsentValue(was) || isNo(was)) return null;
  const { consents } = visit.choices;
  const marketing = { ...consents.marketing, any: { val: was } };
  const { items } = preferencesIn({ ...visit.choices, consents: { ...consents, marketing } }, visit);
  return {
    // What was lifted elsewhere meanwhile stands.
    changes: known(visit).leftAll ? [changeOfEverything(was)] : [],
    items: items.filter(({ subject, on }) => on && subject.kind === 'channel'),
    leftAll: false,
    back: { act: 'leave' },
  };
}

/** A form of the same kind with before and after changed round; it says the same yes and no that ticks would. */
function undoOf(visit: Visit, { back, items }: Choice, receipt: SaidReceipt): Markup | null {
  if (receipt.changed.length === 0) return null;
  const shared = { label: visit.speech.text('saved.undo'), second: true, path: pathOf(visit.link) };
  if (back !== 'turn')
    return form({ ...shared, ...back, content: html`${back.content}${undoing(receipt.at)}` });
  const turnable = items.filter(
    (item) =>
      receipt.changed.some((change) => isAbout(change, item)) &&
      (item.subject.kind !== 'list' || item.subject.known),
  );
  if (turnable.length === 0) return null;
  const ticks = turnable.filter(({ on }) => !on).map(({ key }) => hidden(key, TICKED));
  const content = html`${hidden(SHOWN_FIELD, writeShown(false, turnable))}${ticks}${undoing(receipt.at)}`;
  return form({ ...shared, act: 'save', content });
}

function known(visit: KnownVisit): Preferences {
  return preferencesIn(visit.choices, visit);
}

function preferencesIn(choices: PersonChoices, { brand }: Visit): Preferences {
  return preferencesOf(choices, brand.channels ?? ['email']);
}

/** The page again, from its beginning, whatever stood in the query beside the token. */
function pathOf({ token }: Link): string {
  return `${PREFERENCES_PATH}?params=${token.params}&pid=${token.pid}&sig=${token.sig}`;
}

function firstList(from: string): number {
  return /^\d{1,4}$/.test(from) ? Number(from) : 0;
}
