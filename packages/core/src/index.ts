/**
 * Adieu's rules and words. Pure: no I/O, clock, log or environment that is not passed in.
 *
 * @module
 */
export type { Act, ActReceipt, Change, ChoiceSubject, Kept, RecordAct } from './act.ts';
export { CHOICE_SUBJECTS } from './act.ts';
export type { ActOutcome, ActState, Bars, LastNo } from './act-outcome.ts';
export { applyAct } from './act-outcome.ts';
export type { Address, ParsedAddress } from './address.ts';
export {
  EMAIL_NAMESPACE,
  identityKey,
  maskAddress,
  namespaceKey,
  parseAddress,
  parseDomain,
} from './address.ts';
export { decodeBase32, encodeBase32 } from './base32.ts';
export type {
  ChannelConfiguration,
  ChannelConfigurationRequest,
  EmailType,
  UrlTrackingParameter,
} from './channel-configuration.ts';
export {
  checkChannelConfiguration,
  checkExecutionList,
  completeChannelConfiguration,
  isAligned,
} from './channel-configuration.ts';
export type {
  CompileOutcome,
  CompileTemplate,
  ResolveTxt,
  SignatureReport,
  TemplateError,
  TemplatePart,
  TemplateSource,
  VerifySignatures,
  WakeUp,
  WakeUpJob,
} from './compile.ts';
export type { Condition, Question, Scalar, Subject, ValueTest } from './condition.ts';
export { compileCondition } from './condition.ts';
export { CONDITION_LIMITS, readCondition } from './condition-reading.ts';
export type {
  AddressConsents,
  ChannelConsent,
  ConsentDefaults,
  ConsentField,
  Consents,
  ConsentValue,
  EmailConsent,
  IdentityConsents,
  IdSpecificConsents,
  MarketingConsents,
  OptOutScope,
  PreferredChannel,
  Subscriber,
  Subscription,
  ValueMeanings,
} from './consent.ts';
export {
  allowsSending,
  CONSENT_VALUES,
  isConsentValue,
  isEnded,
  isNo,
  MARKETING_CHANNELS,
  OPT_OUT_SCOPES,
  refusesPersonalization,
  subscriptionValue,
} from './consent.ts';
export type { ParsedConsents } from './consent-document.ts';
export { parseConsents } from './consent-document.ts';
export { eventOfChoice, isEvidence } from './consent-evidence.ts';
export type { ImportedConsents } from './consent-import.ts';
export { mergeImport } from './consent-import.ts';
export { findControlCharacter, hasControlCharacter, withoutControlCharacters } from './control-character.ts';
export type { CsvCutter, CsvRow } from './csv.ts';
export { cutCsv } from './csv.ts';
export { customerMailto, customerUrl } from './customer-managed.ts';
export type {
  AllowedList,
  DeliveryList,
  ListedKind,
  ListedValue,
  Listings,
  ParsedListedValue,
  SuppressionReason,
} from './delivery-list.ts';
export { parseListedValue, SUPPRESSION_REASONS } from './delivery-list.ts';
export type { DkimAlgorithm, DkimKey } from './dkimkey.ts';
export { checkDkimKey, checkSelector, ed25519Key, generateDkimKeys, readDkimKey } from './dkimkey.ts';
export type { DnsRecord, SubdomainRecords } from './dnsrecord.ts';
export { dkimRecord, dnsRecords, exchangerOf } from './dnsrecord.ts';
export type { EmailParamsClaims, EmailParamsSealer } from './emailparams.ts';
export { EMAIL_PARAMS_PREFIX, openEmailParams, openEmailParamsSealer } from './emailparams.ts';
export { findEmailParams } from './emailparams-text.ts';
export type { ExclusionCode } from './exclusion.ts';
export { EXCLUSIONS, isExclusionCode } from './exclusion.ts';
export type { FailureOptions } from './failure.ts';
export { Failure, isFailure } from './failure.ts';
export type { Decision, GateMessage, RuleVerdict, SandboxRules, Standing, Verdict } from './gate.ts';
export { decide, evaluate, gateMessage } from './gate.ts';
export type { Markup, MarkupValue } from './html.ts';
export { decodeHtml, escapeHtml, html } from './html.ts';
export { addressConsents, foldIdentities } from './identity-consents.ts';
export type { PersonName } from './keyedhash.ts';
export { hashName } from './keyedhash.ts';
export type { KeyRing } from './keyring.ts';
export {
  describeKeyRing,
  generateKeyRing,
  openSecret,
  parseKeyRing,
  rotateKeyRing,
  sealSecret,
} from './keyring.ts';
export type { Log, LogLine } from './log.ts';
export { SILENT } from './log.ts';
export type { MailAudience, MailClaims, MailPurpose } from './mailtoken.ts';
export {
  MAIL_TOKEN_LENGTH,
  MAIL_TOKEN_PREFIX,
  mailTokenAddress,
  openMailToken,
  readMailLocalPart,
  sealMailToken,
} from './mailtoken.ts';
export type { Distribution, Labels, LabelValues, Mark, Meter, Metric } from './meter.ts';
export { UNMETERED, WAITING_SECONDS } from './meter.ts';
export type { StsMode, StsPolicy } from './mta-sts.ts';
export { coversExchanger, readStsPolicy, STS_MAX_AGE, STS_PATH, stsId, stsPolicy } from './mta-sts.ts';
export type { NotificationOutcome, TakeNotification, Taken } from './notification.ts';
export type { OptOut, OptOutReceipt, OptOutSource, OptOutSubject, RecordOptOut } from './optout.ts';
export type { Policy } from './policy.ts';
export { contradictingPolicies, POLICY_LIMIT } from './policy.ts';
export type { BodyLink, HeaderPlan, HeaderUrl, LinkType, ListUnsubscribeSettings } from './precedence.ts';
export { planListUnsubscribe } from './precedence.ts';
export type { Reply, ReplyClass, ReplyStage, ReplyVerdict } from './reply.ts';
export { classifyReply, classifyStatus, derivedStatus, formatReply, parseReply } from './reply.ts';
export type { ReplyPlace } from './reply-text.ts';
export { maySubside, refineStatus } from './reply-text.ts';
export type { BounceVerdict, RecordReport, Report, Reported, ReportedFate, ReportReceipt } from './report.ts';
export { judgeBounce } from './report.ts';
export type { AttemptHistory, RetryPolicy } from './retry.ts';
export {
  FIRST_RETRY_SECONDS,
  MAXIMUM_RETRY_MINUTES,
  MINIMUM_RETRY_MINUTES,
  nextAttempt,
  retryPolicy,
} from './retry.ts';
export { TOKEN_LIMIT } from './sealedtext.ts';
export type { FilePlan, FileRow, PlannedFile } from './suppression-file.ts';
export { faultOfFile, isCommentRow, planFile, readFileRow } from './suppression-file.ts';
export { readTokenHalves, readUrlToken } from './token-query.ts';
export type { Topic } from './topic.ts';
export { parseTopic } from './topic.ts';
export type { UrlClaims } from './urlclaims.ts';
export { linkedSubject } from './urlclaims.ts';
export type { UrlAudience, UrlPurpose, UrlSealer, UrlToken } from './urltoken.ts';
export { openUnsignedUrlToken, openUrlSealer, openUrlToken, tokenFingerprint } from './urltoken.ts';
