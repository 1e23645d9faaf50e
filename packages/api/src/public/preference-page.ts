/**
 * The preference centre: one form with a tick for everything that can be chosen, and one button to leave it all.
 *
 * A page stays under 30 KB however many lists there are: what does not fit is on the next one. Its form is about what stands on
 * it, and about what was turned on the pages before and is not saved yet.
 *
 * @module
 */
import { type ActReceipt, html, type Kept, type Markup, maskAddress } from '@adieu/core';
import { form, hidden } from './form.ts';
import { type Page, paragraph } from './page.ts';
import { isAbout, type Preference, type Preferences, writeShown } from './preferences.ts';
import { type ListTexts, listTexts } from './shown-list.ts';
import type { Visit } from './visit.ts';

/** Octets that the lists of one page may take. */
const LISTS_BUDGET = 7_000;

/** Octets of what other pages turned, beyond which it is saved before there are more lists. */
const CARRIED_BUDGET = 4_000;

/** Name of the hidden field that says what was shown. */
export const SHOWN_FIELD = 'shown';
/** What a ticked box sends. */
export const TICKED = 'on';

/** Name of the field that says what is ticked elsewhere, as keys. */
export const TICKED_FIELD = 'ticked';
/** Name of the button that asks for more lists; its value is the first of them. */
export const FROM_FIELD = 'from';

/**
 * Shows the choices. `first`: the first list of this page; a later page holds nothing but lists. `turned`: what the person turned
 * on other pages and has not saved.
 */
export function preferencePage(
  visit: Visit,
  preferences: Preferences,
  { first, turned }: { readonly first: number; readonly turned: readonly Preference[] },
): Page {
  const { speech, brand, choices } = visit;
  const lists = arrangedLists(visit, preferences);
  const from = first < lists.length ? first : 0;
  const others = from > 0 ? [] : preferences.items.filter(({ subject }) => subject.kind !== 'list');
  const taken = turned.reduce((sum, { key }) => sum + 2 * key.length + 4, 0);
  const now = new Map(turned.map(({ key, on }) => [key, on]));
  const { groups, shown, next } = fitting(visit, { lists, from, taken, now });
  const asTurned = (item: Preference): Preference => ({ ...item, on: now.get(item.key) ?? item.on });
  const here = new Set([...others, ...shown].map(({ key }) => key));
  const elsewhere = turned.filter(({ key }) => !here.has(key));
  const before = elsewhere.map((item) => ({ ...item, on: !item.on }));
  const ticked = elsewhere.filter(({ on }) => on).map(({ key }) => key);
  const own = brand.texts?.[speech.language]?.preferences;
  const content = html`${hidden(SHOWN_FIELD, writeShown(preferences.leftAll, [...others, ...shown, ...before]))}
${ticked.length === 0 ? null : hidden(TICKED_FIELD, ticked.join('.'))}
${from > 0 ? null : channels(visit, others.map(asTurned))}
${groups.length === 0 ? null : html`${groups}<p class="hint">${speech.text('preferences.lists_hint')}</p>`}
${from > 0 ? null : personal(visit, others.map(asTurned))}`;
  const after =
    next === null || taken > CARRIED_BUDGET
      ? null
      : html`
<p class="second"><button type="submit" name="${FROM_FIELD}" value="${String(next)}">${speech.text('preferences.more_lists')}</button></p>`;
  return {
    title: speech.text('preferences.title'),
    content: html`<h1>${speech.text('preferences.title')}</h1>
${own === undefined ? null : paragraph(own)}
<p>${speech.text('preferences.intro')}</p>
${address(visit)}
${choices?.complained === true ? html`<p class="note">${speech.text('preferences.complaint')}</p>` : null}
${preferences.leftAll ? html`<p class="note">${speech.text('preferences.left_all')}</p>` : null}
${form({ act: 'save', label: speech.text('preferences.save'), content, after })}
${preferences.leftAll ? null : leaveAll(visit)}`,
  };
}

/** Says what is different now, and takes it back at the press of a button. */
export function savedPage(
  visit: Visit,
  saved: {
    /** What the person turned, as they turned it. */
    readonly items: readonly Preference[];
    readonly leftAll: boolean;
    readonly receipt: ActReceipt;
    readonly before: Preferences;
    /** Null when the database did not say in time: then it is what was turned. */
    readonly after: Preferences | null;
    readonly undo: Markup | null;
    readonly path: string;
  },
): Page {
  const { speech } = visit;
  const lines = saved.items.flatMap((item) => lineOf(visit, item, saved));
  const all = saved.leftAll ? [line(html`${speech.text('channel.all')}`, speech.text('saved.off'))] : [];
  const nothing = lines.length + all.length === 0;
  return {
    title: speech.text('saved.title'),
    content: html`<p class="done" aria-hidden="true">✓</p>
<h1>${speech.text('saved.title')}</h1>
${nothing ? html`<p>${speech.text('saved.unchanged')}</p>` : html`<ul class="changes">${all}${lines}</ul>`}
${saved.undo}
<p class="more"><a href="${saved.path}">${speech.text('saved.back')}</a></p>`,
  };
}

/** By what stands, not by what was recorded: a yes of its own may have stood, or a no to everything may still stand. */
function lineOf(
  visit: Visit,
  item: Preference,
  { receipt, before, after }: Pick<Parameters<typeof savedPage>[1], 'receipt' | 'before' | 'after'>,
): Markup[] {
  const { speech } = visit;
  const kept = receipt.kept.find((change) => isAbout(change, item));
  if (kept !== undefined || (item.on && stateIn(after, item) === false)) {
    const why = speech.text(reason(kept?.why ?? 'newer'));
    return [line(label(visit, item), speech.text('saved.kept'), why)];
  }
  if (stateIn(before, item) === item.on) return [];
  return [line(label(visit, item), speech.text(item.on ? 'saved.on' : 'saved.off'))];
}

function stateIn(preferences: Preferences | null, { key }: Preference): boolean | undefined {
  return preferences?.items.find((item) => item.key === key)?.on;
}

function reason(why: Kept): 'saved.complaint' | 'saved.newer' {
  return why === 'complaint' ? 'saved.complaint' : 'saved.newer';
}

function line(what: Markup, outcome: string, why?: string): Markup {
  return html`<li><strong>${what}</strong> – ${outcome}${why === undefined ? null : html`<small>${why}</small>`}</li>`;
}

function channels(visit: Visit, items: readonly Preference[]): Markup {
  const shown = items.filter(({ subject }) => subject.kind === 'channel' || subject.kind === 'address');
  return html`<fieldset><legend>${visit.speech.text('preferences.channels')}</legend>${shown.map((item) => tick(item, label(visit, item)))}</fieldset>`;
}

function personal(visit: Visit, items: readonly Preference[]): Markup {
  const { speech } = visit;
  const shown = items.filter(({ subject }) => subject.kind === 'personalize');
  const hint = speech.text('preferences.personalize_hint');
  return html`<fieldset><legend>${speech.text('preferences.personal')}</legend>${shown.map((item) => tick(item, label(visit, item), hint))}</fieldset>`;
}

function leaveAll({ speech }: Visit): Markup {
  return html`<div class="other">
<p>${speech.text('preferences.leave_hint')}</p>
${form({ act: 'leave', label: speech.text('preferences.leave'), second: true })}
</div>`;
}

function address({ link }: Visit): Markup {
  return html`<p class="who">${masked(link.claims.address)}</p>`;
}

function masked(address: string): Markup {
  return html`<bdi dir="ltr">${maskAddress(address)}</bdi>`;
}

/** What an item is called. */
function label({ speech, link }: Visit, { subject }: Preference): Markup {
  switch (subject.kind) {
    case 'channel':
      return html`${speech.text(`channel.${subject.channel}`)}`;
    case 'address':
      return speech.say('preferences.address', { address: masked(link.claims.address) });
    case 'personalize':
      return html`${speech.text('preferences.personalize')}`;
    case 'list':
      return html`<bdi>${listTexts(subject.list, speech.language).title}</bdi>`;
  }
}

function tick({ key, on }: Preference, what: Markup, hint: string | null = null): Markup {
  return html`<label class="tick"><input type="checkbox" name="${key}" value="${TICKED}"${on ? html` checked` : null}><span>${what}${hint === null ? null : html`<small><bdi>${hint}</bdi></small>`}</span></label>`;
}

interface ArrangedList extends ListTexts {
  readonly item: Preference;
}

/** By topic, those without one last; within a topic by title, as the language sorts. */
function arrangedLists({ speech }: Visit, { items }: Preferences): ArrangedList[] {
  const { compare } = new Intl.Collator(speech.language);
  return items
    .flatMap((item): ArrangedList[] =>
      item.subject.kind === 'list' ? [{ item, ...listTexts(item.subject.list, speech.language) }] : [],
    )
    .sort((a, b) => {
      if ((a.topic === null) !== (b.topic === null)) return a.topic === null ? 1 : -1;
      return compare(a.topic ?? '', b.topic ?? '') || compare(a.title, b.title);
    });
}

interface Fitting {
  readonly groups: readonly Markup[];
  readonly shown: readonly Preference[];
  /** The first list of the rest, or null. */
  readonly next: number | null;
}

/** As many lists as fit, from one on; at least one, so that every page leads further. */
function fitting(
  visit: Visit,
  {
    lists,
    from,
    taken,
    now,
  }: {
    readonly lists: readonly ArrangedList[];
    readonly from: number;
    readonly taken: number;
    /** Ticks that are not saved yet, by key. */
    readonly now: ReadonlyMap<string, boolean>;
  },
): Fitting {
  const byTopic = new Map<string | null, Markup[]>();
  const shown: Preference[] = [];
  let octets = taken;
  for (const { item, topic, description } of lists.slice(from)) {
    const markup = tick({ ...item, on: now.get(item.key) ?? item.on }, label(visit, item), description);
    octets += Buffer.byteLength(markup.markup) + Buffer.byteLength(topic ?? '') + item.key.length;
    if (octets > LISTS_BUDGET && shown.length > 0) break;
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), markup]);
    shown.push(item);
  }
  const { speech } = visit;
  const groups = [...byTopic].map(
    ([topic, ticks]) =>
      html`<fieldset><legend>${topic === null ? speech.text('preferences.lists') : html`<bdi>${topic}</bdi>`}</legend>${ticks}</fieldset>`,
  );
  const after = from + shown.length;
  return { groups, shown, next: after < lists.length ? after : null };
}
