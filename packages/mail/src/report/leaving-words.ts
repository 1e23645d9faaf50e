/**
 * Does somebody who answers a mail say nothing but that they want to leave (MT-13)?
 *
 * The rule: only what the person has just written is read, and only its first line. Who quotes a mail of ours quotes our own
 * word for it; who says more than three words may mean something else. Every word of that line has to be one of leaving or of
 * courtesy, so "do not unsubscribe me" is no such wish. Words alone take nobody out: whoever asks looks at the sender too.
 *
 * The words: English has the opt-out words of the CTIA's messaging principles, without those that say other things in a mail
 * (end, quit, cancel). For the other languages of our pages (C3) no standard lists any; these are the verbs that mean leaving a
 * mailing there, without those that also end a contract or a membership.
 *
 * @module
 */
import { fieldsOf } from '../inspect/field-reader.ts';
import { type Part, readEntity, textOf } from './entity.ts';

const WORD_LIMIT = 3;
/** Characters; languages without spaces have no words to count. */
const LINE_LIMIT = 60;
/** Characters of a part before its first line ends. */
const TEXT_LIMIT = 4_096;

/** Words of leaving, and words of courtesy that may stand beside them. */
const LANGUAGES: Readonly<Record<string, { readonly leaving: string; readonly courtesy: string }>> = {
  en: {
    leaving:
      'unsubscribe|unsubscribe me|opt out|opt me out|optout|stop|remove me|take me off|no more mail|no more emails',
    courtesy: 'please|pls|me|now|thanks|thank|you|hi|hello',
  },
  fr: {
    leaving:
      'désabonner|me désabonner|désabonnez moi|désabonnement|désinscrire|me désinscrire|désinscrivez moi|désinscription|stop',
    courtesy: 'svp|stp|merci|bonjour',
  },
  de: {
    leaving:
      'abmelden|abmeldung|abbestellen|abbestellung|austragen|bitte austragen|newsletter abbestellen|stopp',
    courtesy: 'bitte|mich|danke|hallo',
  },
  es: {
    leaving: 'darme de baja|dar de baja|baja|cancelar suscripción|desuscribir|desuscribirme|desuscripción',
    courtesy: 'por|favor|gracias|hola',
  },
  it: {
    leaving:
      'disiscrivimi|disiscrivetemi|disiscrivermi|disiscrizione|cancellatemi|cancellami|annulla iscrizione|cancella iscrizione',
    courtesy: 'per|favore|grazie|ciao',
  },
  pt: {
    leaving:
      'cancelar inscrição|cancelar subscrição|cancelar assinatura|descadastrar|descadastre me|me descadastre|anular subscrição',
    courtesy: 'por|favor|obrigado|obrigada|olá',
  },
  nl: {
    leaving: 'uitschrijven|uitschrijving|afmelden|afmelding|schrijf me uit|meld me af|opzeggen nieuwsbrief',
    courtesy: 'aub|alstublieft|alsjeblieft|graag|mij|bedankt',
  },
  pl: {
    leaving: 'wypisz mnie|wypisz|wypisanie|wypisać|anuluj subskrypcję|rezygnuję|rezygnacja',
    courtesy: 'proszę|o|mnie|dziękuję',
  },
  ja: {
    leaving: '配信停止|配信を停止|配信解除|購読解除|購読停止|登録解除|メルマガ解除',
    courtesy: 'してください|して下さい|をお願いします|お願いします|希望します|を希望します|希望',
  },
  ar: {
    leaving: 'إلغاء الاشتراك|الغاء الاشتراك|إلغاء اشتراكي|ألغوا اشتراكي',
    courtesy: 'رجاء|رجاءً|شكرا|لطفا',
  },
};

const all = (kind: 'leaving' | 'courtesy') =>
  Object.values(LANGUAGES).flatMap((language) => language[kind].split('|').map(folded));
/** Longest first, so that the rest of a longer one is not left over. */
const either = (words: readonly string[]) => [...words].sort((a, b) => b.length - a.length).join('|');
const LEAVING = all('leaving');
const WHOLE = new RegExp(
  `^(?:(?:${either(all('courtesy'))})(?: |$))*(?:${either(LEAVING)})(?: ?(?:${either(all('courtesy'))})(?= |$))*$`,
  'u',
);
/** `>`, and the bars of some mail programs, begin what somebody else has written. */
const QUOTED = /^[>|»]/;
/** A question is no wish, and neither is what goes on. */
const OPEN_END = /[?？؟:]\s*$/u;

/** True when the first line that the author wrote asks to leave and says nothing else. Never throws; linear. */
export function asksToLeave(raw: Uint8Array): boolean {
  const entity = readEntity(raw);
  if (entity.media === 'multipart/report') return false;
  const [text] = entity.parts.filter(isOwnText);
  // Where the first part is something else, nobody knows what it says beside it.
  if (text === undefined || entity.parts.indexOf(text) > 0) return false;
  return isWish(firstLine(textOf({ ...text, body: text.body.slice(0, TEXT_LIMIT) })));
}

/** A mail inside the mail, an attachment and a reaction (RFC 9078) are none; HTML is never converted (IN-18). */
function isOwnText(part: Part): boolean {
  const [disposition] = fieldsOf(part, 'Content-Disposition');
  return (
    part.media === 'text/plain' && (disposition === undefined || /^\s*inline\b/i.test(disposition.value))
  );
}

function firstLine(text: string): string {
  return text.split('\n').find((line) => line.trim() !== '') ?? '';
}

function isWish(line: string): boolean {
  if (line.length > LINE_LIMIT || QUOTED.test(line.trim()) || OPEN_END.test(line)) return false;
  const said = folded(line);
  return said.split(' ').length <= WORD_LIMIT && WHOLE.test(said);
}

/** Lower case, without accents and punctuation: people leave them out. */
function folded(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[\p{P}\p{S}\s]+/gu, ' ')
    .trim();
}
