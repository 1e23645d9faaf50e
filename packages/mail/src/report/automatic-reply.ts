/**
 * Answers that a machine gave for a person: out of office, vacation, "we have received your mail" (RFC 3834).
 *
 * The rule: `Auto-Submitted: auto-replied` and the null sender say so for certain. `auto-generated`, `Precedence`,
 * `X-Auto-Response-Suppress` and list fields do not (MT-8): those stand in mails that a person caused, too. Systems
 * that answer without saying so are known by fields and subjects that nothing else bears.
 *
 * @module
 */
import { fieldsOf } from '../inspect/field-reader.ts';
import { oneLine } from './diagnosis.ts';
import { type Entity, fieldValue, hasNullSender, subjectOf } from './entity.ts';
import type { Reading } from './report.ts';

const SUBJECT =
  /^\s*(?:automatic reply|auto(?:matic)?[ -]?(?:reply|response|responder|antwort)|automatische antwort|réponse automatique|respuesta automática|risposta automatica|resposta automática|automatisch antwoord|out of (?:the )?office|abwesenheits\w*|absence du bureau|fuera de (?:la )?oficina|vacation (?:reply|message|notice|response)|autorespuesta|respuesta autom\S+|odpowied\S+ automatyczna|automati(?:skt? svar|sk svar)|autosvar|автоответ|автоматический ответ|自动回复|自動回覆|自動返信|message d'absence|fuori (?:ufficio|sede)|fora do escritório|auto: )/iu;
const FIELDS = ['X-Autoreply', 'X-Autorespond', 'X-Autoreply-From', 'X-Mail-Autoreply'];

/** Reads an automatic answer; null when the mail is none. */
export function readAutomaticReply(entity: Entity): Reading | null {
  const why = reasonOf(entity);
  return why === null ? null : { recipients: [{ kind: 'auto-reply', reason: why }] };
}

/** Apple Mail sends a person's wish to leave with `Auto-Submitted: auto-replied`: it is that person's own act. */
export function isProviderUnsubscribe(entity: Entity): boolean {
  return /^\s*true\s*$/i.test(fieldValue(entity, 'X-Apple-Unsubscribe'));
}

/** True where fields or subject say that a machine answers for somebody, and not only the null sender. */
export function answersForPerson(entity: Entity): boolean {
  return saidBy(entity) !== null;
}

function reasonOf(entity: Entity): string | null {
  const said = saidBy(entity);
  return said ?? (hasNullSender(entity) ? 'the null sender, which only notifications use' : null);
}

function saidBy(entity: Entity): string | null {
  const submitted = fieldsOf(entity, 'Auto-Submitted').map(({ value }) => keyword(value));
  if (submitted.includes('auto-replied')) return 'Auto-Submitted: auto-replied';
  if (/^\s*vacation/i.test(fieldValue(entity, 'X-Apple-Action'))) return 'X-Apple-Action: VACATION';
  if (/^\s*auto[-_]reply/i.test(fieldValue(entity, 'Precedence'))) return 'Precedence: auto_reply';
  const field = FIELDS.find((name) => !/^\s*(?:no|false)?\s*$/i.test(fieldValue(entity, name)));
  if (field !== undefined) return field;
  const subject = subjectOf(entity);
  return SUBJECT.test(subject) ? oneLine(subject).slice(0, 300) : null;
}

/** The value before its parameters and comments, lower case. */
function keyword(value: string): string {
  return /^\s*([\w-]{1,60})/.exec(value)?.[1]?.toLowerCase() ?? '';
}
