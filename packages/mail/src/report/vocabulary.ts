/**
 * The words by which a mail system is known, and by which it says that it could not deliver, in the languages that reports
 * are written in.
 *
 * The rule: these tell that a mail is a report, never what it means for a recipient: that is asked of codes and replies.
 *
 * @module
 */

/** Senders' names and addresses. */
export const SYSTEM_NAMES =
  /mailer[-_ ]?daemon|mdaemon|post[-_ ]?master|mail[-_ .]?(?:delivery|system|server|admin|router|service)|delivery[-_ .]?(?:sub)?(?:system|report|notification|status|failure|service)|(?:system|ndr) administrator|smtp[-_ ](?:server|gateway)|content[- ]filter|spam firewall/i;

const SUBJECT_WORDS = [
  String.raw`undeliver|(?:non-?|un|not be )deliver|deliver\w* (?:status|fail|problem|report|notif|error|has|notice)|fail\w* (?:notice|deliver|notif|mail)|returned? (?:mail|to sender|message)|mail (?:system|delivery)? ?(?:fail|error|warning)|(?:processing|delivery|transfer) error|user unknown|unknown (?:user|recipient)|no such user|could not (?:be )?(?:send|sent|deliver)|bounced?\b|message .{0,60} delayed|delayed mail|blocked by`,
  "unzustellbar|zustellung|nicht (?:zugestellt|übermittelt)|non (?:remis|distribu)|échec (?:de|d')|no (?:se )?(?:ha )?(?:podido |pudo )?entrega|error en la entrega|mancato recapito|non recapitabile|não (?:foi )?entreg|falha na entrega|onbestelbaar|niet (?:bezorgd|afgeleverd)|niedostarczon|не доставлен|недоставлен|退信|无法投递|エラー通知|配信(?:不能|エラー)|送信(?:不能|エラー)|不達",
];
export const SUBJECTS = new RegExp(SUBJECT_WORDS.join('|'), 'i');

const TEXT_WORDS = [
  String.raw`(?:could ?n[o']t|could not|can ?not|can't|was ?n[o']t|was not|were not|not able to|unable to|wasn't able to|not yet) (?:\w+ ){0,3}deliver|deliver(?:y|ed|ing)\b.{0,60}\b(?:fail|error|problem|delayed|unsuccessful|not possible)|fail\w*\b.{0,30}\bdeliver|undeliverable|did not reach|returned to sender|following (?:address|recipient)|failure reasons|delivery attempts will continue|has not yet been|transcript of session|body of message generated|account is (?:disabled|full)|unknown user|mailbox (?:is full|exceeds)|trouble delivering|error sending your (?:mail|message)|rejected recipient|error message below|could not be (?:sent|reached)|no such user|user unknown|(?:has been|was) postponed|encountered an error|will be returned|permanent (?:fatal )?error`,
  "nicht zugestellt|zustellung .{0,40}fehl|n'a pas (?:pu être|été) (?:remis|distribué|délivré|envoyé)|no (?:se )?(?:ha )?(?:podido|pudo) (?:ser )?entrega|impossibile recapitare|non è stato (?:possibile )?(?:recapita|consegna)|não (?:foi|pôde ser|pode ser) entregue|не (?:может быть|было|был[ао]?) доставлен|无法(?:投递|送达)|(?:送信|配信|配達|お届け)できません|届きません",
];
export const TEXTS = new RegExp(TEXT_WORDS.join('|'), 'i');

/** It is still being tried. */
export const DELAYS =
  /warning (?:message )?only|delay(?:ed)?\b.{0,60}\b(?:hours?|minutes?|days?|recipient|mail)|has been delayed|not yet been delivered|(?:still being|will be) retried|only a temporary failure|(?:has been|was) postponed|delivery attempts will continue|no action is required on your part|\(delay\)/i;
