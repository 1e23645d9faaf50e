/**
 * PostgreSQL: the embedded server, migrations and every SQL statement of Adieu.
 *
 * @module
 */
export { type AddressUser, findAddressUsers } from './address-user.ts';
export type { ApiKey, NewApiKey } from './api-key.ts';
export { ensureApiKey, findApiKey } from './api-key.ts';
export type { Backlog } from './backlog.ts';
export { readBacklog } from './backlog.ts';
export type { StoredBrand } from './brand.ts';
export { findBrand, putBrand } from './brand.ts';
export type { StoredChannelConfiguration } from './channel-configuration.ts';
export { findChannelConfiguration, putChannelConfiguration } from './channel-configuration.ts';
export { findConsentDefaults, setConsentDefaults } from './consent-defaults.ts';
export type { ConsentChange } from './consent-history.ts';
export { consentHistory } from './consent-history.ts';
export type { Database, DatabaseOptions, Db, PoolStats } from './database.ts';
export { checkDatabase, databaseTime, openDatabase } from './database.ts';
export type { Delivery } from './delivery.ts';
export { loadDelivery } from './delivery.ts';
export type { ListEntry, ListWrite } from './delivery-list.ts';
export { compareEntries, putEntries, removeEntry } from './delivery-list.ts';
export type { EntryOrder, EntryPage, EntryPageRequest, StoredEntry } from './delivery-list-page.ts';
export { allowedListSize, findEntries, listEntries, setAllowedList } from './delivery-list-page.ts';
export { hasCluster } from './embedded-cluster.ts';
export type { EmbeddedServer } from './embedded-server.ts';
export { startEmbedded } from './embedded-server.ts';
export type { ErasureCounts, ErasureReceipt, ErasureRequest } from './erasure.ts';
export { eraseProfile } from './erasure.ts';
export type {
  CheckParts,
  CreatedExecution,
  ExecutionControl,
  ExecutionCounts,
  ExecutionParts,
  ExecutionRequest,
  Recipient,
  StoredExecution,
} from './execution.ts';
export { createExecution, executionCounts, findExecution } from './execution.ts';
export type { ControlAction, ControlOutcome } from './execution-control.ts';
export { controlExecution } from './execution-control.ts';
export type { ExpansionStep } from './expansion.ts';
export { expandStep } from './expansion.ts';
export type { InboundWatch } from './inbound-watch.ts';
export { noteCanary, readInboundWatch } from './inbound-watch.ts';
export type { Intent } from './intent.ts';
export { commitIntent, INTENT_LIFE_SECONDS } from './intent.ts';
export type { Claim, ClaimedMessage, ClaimRequest, Lease, Release } from './lease.ts';
export {
  claimBatch,
  clearMessage,
  markMessage,
  releaseBatch,
  renewLease,
  reread,
  SUSPICIOUS,
} from './lease.ts';
export type { StoredList } from './list.ts';
export { findList, putList } from './list.ts';
export type { ListedMessage, MessagePage, MessagePageRequest } from './message-list.ts';
export { listMessages } from './message-list.ts';
export type { MigrationOutcome } from './migration.ts';
export { migrate, readVersion } from './migration.ts';
export type { OpenExecution } from './open-execution.ts';
export { openExecutions } from './open-execution.ts';
export type { OptOutRecorder, OptOutStats } from './opt-out-recorder.ts';
export { openOptOutRecorder } from './opt-out-recorder.ts';
export type { Attempt, Outcome } from './outcome.ts';
export { exclude, giveBack, settle } from './outcome.ts';
export { ensurePartitions, findMonthOf, monthOf } from './partition.ts';
export type { LinkedPerson, PersonChoices, ShownList } from './person-choices.ts';
export { readChoices } from './person-choices.ts';
export {
  findPolicy,
  listPolicies,
  marketingActionsInUse,
  putPolicy,
  removePolicy,
} from './policy.ts';
export type { StoredAddress, StoredProfile } from './profile.ts';
export { findProfile, profileConsents } from './profile.ts';
export type { ExportRequest } from './profile-export.ts';
export { exportProfile } from './profile-export.ts';
export type { ImportOutcome, KeptRecord } from './profile-import.ts';
export { importProfiles } from './profile-import.ts';
export type { ProfileRecord, RejectedRecord } from './profile-record.ts';
export type { Booking, PermitRequest } from './rate.ts';
export { bookPermits } from './rate.ts';
export type { BadRecipient } from './recipient.ts';
export { findBadRecipients } from './recipient.ts';
export type { RetentionRound } from './retention.ts';
export { dropOldMonths } from './retention.ts';
export type { ReviewCursor, ReviewMail, ReviewPageRequest, ReviewReason, StoredReview } from './review.ts';
export {
  acknowledgeReview,
  findReview,
  listReviews,
  putReview,
  REVIEW_SOURCE_LIMIT,
  removeReview,
} from './review.ts';
export type { Audience, ListBody, MessageState, Schema } from './schema.ts';
export type { Scope } from './scope.ts';
export { ensureSandbox, findScope } from './scope.ts';
export type { Pause, Sending } from './sending.ts';
export { pauseSending, REASON_LIMIT, readSending, resumeSending } from './sending.ts';
export { findSoftBounceThreshold, setSoftBounceThreshold } from './soft-bounce-rule.ts';
export type { StandingRow } from './standing.ts';
export { addressStanding, sandboxRules, standingOf } from './standing.ts';
export type { OwnedSubdomain, Relay, StoredSubdomain, SubdomainRequest } from './subdomain.ts';
export {
  checkSealedKeys,
  findSubdomain,
  findSubdomainByDomain,
  findSubdomainByHost,
  listSubdomains,
  openSubdomainKeys,
  putSubdomain,
} from './subdomain.ts';
export type { DueBatch, SweepOutcome } from './sweep.ts';
export { sweep } from './sweep.ts';
export { findTemplate, putTemplate } from './template.ts';
export type { Tombstone, Tombstones } from './tombstone.ts';
export { attachKeyRing, checkTombstoneKeys, ERASED, findTombstones } from './tombstone.ts';
export type { Beat, Place, Seen, Witness, WitnessOptions } from './witness.ts';
export { openWitness } from './witness.ts';
