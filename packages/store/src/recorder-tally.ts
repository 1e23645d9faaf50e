/**
 * What a recorder has stored, and how long those who said it had to wait, for metrics.
 *
 * @module
 */
import {
  type Act,
  type Meter,
  type OptOut,
  type OptOutReceipt,
  type Report,
  WAITING_SECONDS,
} from '@adieu/core';
import type { RecordedReport } from './report.ts';

/** What a recorder counts. */
export interface RecorderTally {
  optOut(optOut: OptOut, receipt: OptOutReceipt | 'failed', seconds: number): void;
  /** One commit of so many opt-outs. */
  group(size: number): void;
  act(act: Act, stored: boolean): void;
  report(report: Report, stored: RecordedReport | 'failed'): void;
  overtaken(messages: number): void;
}

const SOURCES = [
  'header_post',
  'header_mailto',
  'body_one_click',
  'landing_page',
  'preference_centre',
  'consent_api',
  'sms_keyword',
  'complaint',
  'import',
  'admin',
] as const satisfies readonly OptOut['source'][];

/** Starts at zero. */
export function openRecorderTally(meter: Meter): RecorderTally {
  const optOuts = meter.counter({
    name: 'adieu_optouts_total',
    meaning:
      'Opt-outs by the door they came through; "repeated" changed nothing, "unknown" is about nobody known.',
    labels: { source: SOURCES, outcome: ['recorded', 'repeated', 'unknown', 'failed'] },
  });
  const waits = meter.histogram({
    name: 'adieu_optout_seconds',
    meaning:
      'From an opt-out until its answer: the commit, and the wait for mail of that person on the wire.',
    labels: {},
    buckets: WAITING_SECONDS,
  });
  const groups = meter.histogram({
    name: 'adieu_optout_group_size',
    meaning: 'Opt-outs that shared one commit.',
    labels: {},
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  });
  const overtaken = meter.counter({
    name: 'adieu_optout_overtaken_total',
    meaning: 'Messages that a relay still held when the opt-out of their person was answered.',
    labels: {},
  });
  const acts = meter.counter({
    name: 'adieu_choices_total',
    meaning: 'Choices of several parts: preference centre, consent API, opt-ins.',
    labels: { source: SOURCES, outcome: ['stored', 'failed'] },
  });
  const reports = meter.counter({
    name: 'adieu_reports_total',
    meaning: 'What came back about messages, by what it is and what became of it.',
    labels: {
      kind: ['bounce', 'complaint', 'opt-out'],
      outcome: ['recorded', 'repeated', 'nobody', 'noted', 'failed'],
    },
  });
  const bounces = meter.counter({
    name: 'adieu_reported_bounces_total',
    meaning: 'Recorded bounces that came by mail, by what they say of the address.',
    labels: { kind: ['hard', 'soft', 'sender'] },
  });
  const suppressions = meter.counter({
    name: 'adieu_reported_suppressions_total',
    meaning: 'Addresses suppressed because of a bounce or a complaint that came back.',
    labels: {},
  });

  return {
    optOut({ source }, receipt, seconds) {
      optOuts({ source, outcome: outcomeOf(receipt) }, 1);
      if (receipt !== 'failed') waits({}, seconds);
    },
    group: (size) => groups({}, size),
    act: ({ source }, stored) => acts({ source, outcome: stored ? 'stored' : 'failed' }, 1),
    report({ reported: { kind } }, stored) {
      reports({ kind, outcome: stored === 'failed' ? 'failed' : stored.receipt.outcome }, 1);
      if (stored === 'failed') return;
      if (stored.bounce !== undefined) bounces({ kind: stored.bounce }, 1);
      if (stored.receipt.suppressed) suppressions({}, 1);
    },
    overtaken: (messages) => overtaken({}, messages),
  };
}

function outcomeOf(receipt: OptOutReceipt | 'failed') {
  if (receipt === 'failed') return 'failed';
  if (!receipt.known) return 'unknown';
  return receipt.changed ? 'recorded' : 'repeated';
}
