/**
 * What other systems' words for a reason or a status mean here.
 *
 * One rule: a word about somebody who gets mail, or who asked for none, is no reason to suppress; where it is not known,
 * nothing is read into it.
 *
 * @module
 */
import type { SuppressionReason } from './delivery-list.ts';

/** What a word says: a reason, or that this is nobody to suppress. */
export type SaidReason = SuppressionReason | 'unsubscribe' | 'subscribed';

const COMPLAINT =
  /^(?:spam)?(?:complain(?:t|ts|ed)|reports?|reported)$|^(?:markedas)?spam$|^abuse$|^feedbackloop$/;
const BASIC_OR_ENHANCED = (digit: number) => new RegExp(`^\\s*${digit}(?:\\d\\d\\b|\\.\\d+\\.\\d+)`);
const SOFT_CODE = BASIC_OR_ENHANCED(4);
const HARD_CODE = BASIC_OR_ENHANCED(5);
const SOFT = /^(?:bounc(?:e|ed))?(?:soft|transient)|^deferred$/;
const HARD = /^hard|^bounc|^permanent|^invalid|^cleaned$|^undeliver(?:able|ed)$/;
const MANUAL = /^manual|^(?:suppressed|(?:black|block|deny)listed|blocked|dropped)$/;

/** In English, German, French, Spanish, Italian, Portuguese, Dutch and Polish; without accents. */
const UNSUBSCRIBED = new RegExp(
  [
    'unsub|opt(?:ed|ing)?out',
    'abgemeldet|abmeldung|abbestell|ausgetragen|austragung',
    'desabonn|desinscri',
    'dad[oa]debaja|^baja|desuscri|desuscrit',
    'disiscri|disabbon',
    'descadastr|desinscrev',
    'afgemeld|afmeld|uitgeschreven|uitschrij',
    'wypisan|wypisał|rezygn|odsubskryb',
    '(?:cancel|annul|anul).*(?:su[bs]*cri|[in]scri|assinatura)|(?:su[bs]*cri|[in]scri|assinatura).*(?:cancel|annul|anul)',
  ].join('|'),
);
const SUBSCRIBED = new RegExp(
  `^(?:subscribed|(?:double|single|confirmed)?opt(?:ed)?in|(?:${[
    'subscriber|subscription|active|enabled|deliver(?:ed|y|able)|ok|okay|good|valid|verified|confirmed|engaged',
    'sent?|processed|opens?|opened|clicks?|clicked',
    'abonniert|angemeldet|bestatigt|aktiv|zugestellt',
    'abonnee?|inscrite?|actif|active|confirme|valide',
    'suscrit[oa]|activ[oa]|confirmad[oa]|validad?[oa]|entregad[oa]',
    'iscritt[oa]|attiv[oa]|confermat[oa]|valid[oa]',
    'inscrit[oa]|ativ[oa]|assinante',
    'ingeschreven|aangemeld|actief|bevestigd',
    'zapisan[ya]|aktywn[ya]|subskrybent|potwierdzon[ya]',
  ].join('|')})$)`,
);

/** What a word or sentence of another system says; null when it is not known. A complaint is one only as a whole word. */
export function readReason(text: string): SaidReason | null {
  const word = wordOf(text);
  if (COMPLAINT.test(word)) return 'complaint';
  if (SOFT_CODE.test(text)) return 'soft';
  if (HARD_CODE.test(text)) return 'hard';
  if (UNSUBSCRIBED.test(word)) return 'unsubscribe';
  if (SOFT.test(word)) return 'soft';
  if (HARD.test(word)) return 'hard';
  if (MANUAL.test(word)) return 'manual';
  return SUBSCRIBED.test(word) ? 'subscribed' : null;
}

/** A word or the name of a column without case, accents, spaces and punctuation. */
export function wordOf(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
