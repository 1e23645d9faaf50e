/**
 * What the words of a reply say, where its code says no more than no.
 *
 * The rule: the order of the questions is the order of caution. A refusal of us comes before all, then what may pass
 * (full, switched off), and only then that there is nobody. Words are weighed by the place they were said at: a server
 * that has taken the recipient and says "user unknown" to the content filters, it does not look up.
 *
 * @module
 */

/**
 * What was being answered (RFC 5321 section 3), where a report tells: the session's stages; `unknown` for a reply
 * that a report cites without saying to what; `own` for the words of the reporting system itself.
 */
export type ReplyPlace = 'greeting' | 'mail' | 'rcpt' | 'data' | 'content' | 'unknown' | 'own';

const REFUSES_US =
  /spam|block(?:ed|ing)? ?list|black ?list|\bblocked\b|\brbl\b|dnsbl|spamhaus|reputation|policy|policies|relay(?:ing)? (?:access )?(?:denied|not permitted|not allowed)|unable to relay|\bspf\b|\bdkim\b|\bdmarc\b|unauthenticated|not authenticated|authentication (?:required|failed)|authori[sz]ed|banned|\bptr\b|reverse (?:dns|hostname)|rate limit|sender (?:address|domain|verif|callout|rejected|denied)|not allowed to send|\bhelo\b|\behlo\b|too many (?:[\w-]+ ){0,2}(?:recipients|connections|errors|commands|invalid)|client host|your (?:host|ip|domain|server)|sending (?:ip|host|server|domain)|\bip(?:v[46])? address/i;
const MAILBOX_FULL =
  /quota|mail ?box (?:space|size|limit)|mail ?folder is full|too many (?:messages|mails)|disk (?:is )?full|disk space|zuviele mails|(?:mail ?)?box (?:is )?full|full mail ?box|insufficient storage|out of storage|exceeds allowed size|over (?:the )?(?:allowed|maximum|storage)|storage limit|not enough (?:storage|space)|メールボックス.{0,10}(?:一杯|いっぱい)|boîte .{0,20}pleine|postfach .{0,20}voll|buzón .{0,20}lleno|переполнен|邮箱.{0,4}满/i;
const MAILBOX_OFF =
  /(?:mailbox|account|user|recipient|address)\b.{0,30}\b(?:disabled|inactive|deactivated|suspended|not active|locked|frozen|discontinued)|(?:disabled|inactive|deactivated|suspended|locked) (?:e?mail )?(?:mailbox|account|user|recipient|address)/i;
/** What an account owner may undo, and providers end with 5.1.1 when it is for good; "mailbox disabled" is 5.2.1 itself. */
const ACCOUNT_OFF =
  /account\b.{0,40}\b(?:disabled|inactive|deactivated|suspended|locked|discontinued)|(?:mail ?box|user)\b.{0,30}\b(?:suspended|locked|frozen)/i;
/** Nobody is unknown because a mail was too large. */
const TOO_LARGE =
  /\b(?:message|mail|size|letter)\b.{0,40}\b(?:too (?:large|big|long)|exceed(?:s|ed|ing)?\b|over(?:sized)?\b)|\b(?:message|mail) size\b|\bsize limit\b/i;
const NOBODY = [
  // The noun, then what is wrong with it.
  String.raw`(?:user ?(?:id|name)?|recipient|rcpt(?:[_ ]to)?|addressee|mail[- ]?box|address|account|alias|name|local[- ]?part|destination|person)s?\b.{0,40}\b(?:unknown|invalid|nonexistent|non-existent|un?recogni[sz]ed|not (?:be )?(?:(?:currently |a )?(?:found|known|recogni[sz]ed|listed|registered|valid|exists?|configured|defined|present|local)|an? active address)|(?:could ?n[o']t|couldn't) be found|wasn't found|isn't (?:known|listed|valid)|does ?n[o']t exists?|doesn't exists?|does not exists?|has moved|no longer (?:exists|available|valid|active|in use|accepts|works|employed|with|on (?:the |this )?server)|terminated)`,
  // What is wrong, then the noun.
  String.raw`(?:unknown|un?recogni[sz]ed|invalid|no such|nonexistent|non-existent|bad|illegal|not (?:a|an|our) (?:valid|known|existing|registered|active))[ _](?:[\w-]+ ){0,3}(?:user ?(?:id|name)?s?|recipients?|rcpt|addressee|mail[- ]?box|(?:or-?)?name|address|account|person|alias|local[- ]?part)(?:es|s)?\b`,
  String.raw`no (?:valid )?(?:mail ?box|account|user|recipients?|one|person)\b.{0,30}\b(?:here|by that name|with that name|at this address|found|for this)`,
  "(?:could ?n[o']t|couldn't|can ?not|can't|unable to) (?:be )?(?:find|locate) (?:the |this |that |a )?(?:user|recipient|mail ?box|account|addressee)",
  'unroute?able address|user (?:is )?not local|not our customer',
  '(?:destinataire|utilisateur|adresse|boîte|compte).{0,60}(?:inconnue?|invalide|inexistante?|introuvable|n.existe (?:pas|plus)|pas été trouvée?)',
  '(?:empfänger|empfaenger|benutzer|adresse|postfach).{0,60}(?:unbekannt|existiert nicht|nicht gefunden|ungültig)',
  '(?:usuario|destinatario|dirección|buzón|cuenta).{0,60}(?:desconocid[oa]|no existe|inexistente|no se (?:ha )?(?:encontr|encuentra)|inválid[oa])|no se (?:ha )?(?:encontró|encontrado|encuentra).{0,40}(?:usuario|destinatario|dirección|buzón)',
  '(?:usuário|destinatário|endereço|conta).{0,60}(?:desconhecid[oa]|não existe|inexistente|não (?:foi )?encontrad[oa])|(?:utente|destinatario|indirizzo|casella).{0,60}(?:sconosciut[oa]|inesistente|non (?:esiste|valid[oa])|non è stat[oa] trovat[oa])',
  '(?:adres|geadresseerde|gebruiker|ontvanger).{0,60}(?:niet gevonden|niet aangetroffen|onbekend|bestaat niet)|(?:odbiorc|użytkowni|adres|kont|skrzynk).{0,40}(?:nie istnieje|nieznan)',
  'пользовател.{0,40}не (?:найден|существует)|(?:получател|адрес|ящик).{0,40}не (?:найден|существует)|такого пользователя нет',
  '(?:用户|用戶|邮箱|郵箱|信箱|收件人|地址).{0,10}(?:不存在|未找到|找不到)|ディレクトリ.{0,10}(?:ありません|見つかりません)|(?:宛先|ユーザー?|アドレス|メールボックス).{0,20}(?:存在しません|見つかりません|ありません)',
];
const NO_MAILBOX = new RegExp(NOBODY.join('|'), 'i');
/** RFC 5321 section 4.2.3 has "mailbox unavailable" for "not found, no access, or command rejected for policy reasons". */
const NOT_AVAILABLE =
  /(?:user|recipient|mailbox|address|account)\b.{0,40}\b(?:unavailable|undeliverable)|(?:recipient|mailbox)\b.{0,20}\bcan ?not be verified|(?<!\w )address rejected|doesn't have an? .{0,40}account/i;
/** "host mx.example said: … unknown" speaks of what the host said: no colon in between. */
const NO_HOST =
  /(?:host|domain)(?: name)?\b[^:]{0,40}\b(?:unknown|not found|does ?n[o']t exist|doesn't exist|nonexistent|non-existent|is not reachable|does ?n[o']t accept e?-?mail|not accept(?:ing)? (?:any )?e?-?mail)|(?:unknown|invalid|no such|bad|illegal|nonexistent|non-existent) (?:mail )?(?:hosts?\b|domain)|illegal host\/domain|(?:couldn't|could not|can't|cannot|unable to) find (?:any |a )?(?:host|mail exchanger|mx|domain)|no (?:valid )?(?:mx|mail exchanger)\b.{0,20}\bfound|no route found to domain|name or service not known|\bnxdomain\b|unroute?able mail domain|\bnull ?mx\b|indicated no smtp service|seems? to reject all mails?|malformed (?:or unexpected )?name server reply|recipient domain must exist/i;
/** What Exim as cPanel sets it up says when no router takes the domain: its words name every reason there could be. */
const NO_ROUTE = /account or domain may not exist/i;
/** Microsoft's edge says so of an address that its directory does not have; elsewhere it is a refusal. */
const NOT_IN_DIRECTORY = /recipient address rejected: access denied/i;
const FOR_NOW = /tempor|not found, try again|(?:again|try) later|greylist|graylist/i;

/** Codes that say no more than "no", or what Microsoft numbers beyond the standard. 5.2.0 says that the mailbox exists. */
const VAGUE = /^5\.(?:0\.\d+|[135]\.0|1\.\d{3}|4\.(?:[014]|3\d\d))$/;
/** Codes that name a subject at least; said by a server that looked somewhere. */
const NAMED = /^5\.[1-9]/;

/** True when the report's words themselves say that a mailbox is full or switched off, whatever else they say. */
export function maySubside(text: string): boolean {
  return MAILBOX_FULL.test(text) || MAILBOX_OFF.test(text);
}

/**
 * True where the words beside a code of the hard kind speak against it: a mailbox that is full, an account that is
 * switched off and may be on again, or "unknown user" with 5.2.1, which says that the mailbox exists. Of the last the
 * reply to RCPT decides, where a server has just looked.
 */
export function contradicts(status: string, text: string, place: ReplyPlace): boolean {
  if (status === '5.1.1') return MAILBOX_FULL.test(text);
  if (status !== '5.2.1') return false;
  return ACCOUNT_OFF.test(text) || (place !== 'rcpt' && NO_MAILBOX.test(text));
}

/**
 * The enhanced status code that a code and the words beside it amount to; the code itself where it says enough, and
 * where the words add nothing. `status` is one of class 5.
 */
export function refineStatus(status: string, reply: string, place: ReplyPlace): string {
  if (!VAGUE.test(status)) return status;
  // A link to "policy" or "spam" is on every help page.
  const text = reply.replace(/https?:\/\/\S+/gi, ' ');
  if (status.startsWith('5.4.')) return refineRoute(status, text);
  if (NO_ROUTE.test(text)) return '5.1.2';
  if (REFUSES_US.test(text)) return '5.7.1';
  if (MAILBOX_FULL.test(text)) return '5.2.2';
  if (TOO_LARGE.test(text)) return '5.3.4';
  if (MAILBOX_OFF.test(text)) return '5.2.1';
  if (NO_HOST.test(text)) return FOR_NOW.test(text) ? status : '5.1.2';
  const told = place === 'rcpt' || (place !== 'content' && NAMED.test(status));
  if (NO_MAILBOX.test(text) && (told || place === 'own')) return '5.1.1';
  return NOT_AVAILABLE.test(text) && told ? '5.1.1' : status;
}

/** A route that failed is the recipient's address only where the domain is not there or takes no mail. */
function refineRoute(status: string, text: string): string {
  if (NOT_IN_DIRECTORY.test(text)) return '5.1.1';
  return NO_HOST.test(text) && !FOR_NOW.test(text) ? '5.1.2' : status;
}
