/**
 * The checker: what was promised to people, against what arrived.
 *
 * One rule: it believes the sink and the answers that clients got. The ledger is only asked where it admits something
 * (unknown, excluded, overtaken), and is itself a suspect: its `sent` must be at the sink, and the sink's in it.
 *
 * Times are milliseconds of the monotonic clock of the machine.
 *
 * @module
 */

/** One execution, and who it was for. */
export interface ExecutionFact {
  readonly id: number;
  readonly people: readonly string[];
  /** When it was asked for. */
  readonly at: number;
  readonly finished: boolean;
  /** When a wire to the relay was slower than an opt-out's answer waits: only then may one be overtaken. */
  readonly slow: readonly Span[];
  /** Two for each connection to the relay that its faults hit: no more may end as unknown. */
  readonly unknownBound: number;
}

/** From when until when. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** One mail, whole, at the sink. */
export interface MailFact {
  /** When its final dot was read. */
  readonly at: number;
  readonly messageId: string;
  /** The message's id in the ledger. */
  readonly id: string;
  readonly person: string;
}

/** One message in the ledger, after everything. */
export interface LedgerFact {
  readonly id: string;
  readonly executionId: number;
  readonly person: string;
  readonly state: string;
  readonly code: string | null;
  /** When its outcome was first said to be unknown; null when it never was. */
  readonly unknownAt: number | null;
  readonly excludedAt: number | null;
}

/** One person who wanted to leave. */
export interface OptOutFact {
  readonly person: string;
  /** When the first attempt began. */
  readonly askedAt: number;
  /** When the first 200 or 250 was there; null when none came. */
  readonly answeredAt: number | null;
}

/** Everything there is to know. */
export interface Facts {
  readonly executions: readonly ExecutionFact[];
  readonly mails: readonly MailFact[];
  readonly ledger: readonly LedgerFact[];
  readonly optOuts: readonly OptOutFact[];
  /** Whose leaving is in the consent history, once for each row. */
  readonly history: readonly string[];
  /** Messages of which Adieu itself said that an opt-out was answered while they were being sent. */
  readonly overtaken: ReadonlySet<string>;
}

/** What must not be. */
export type Breach =
  /** Nothing came, and nothing says why; or an execution never ended. */
  | 'lost'
  /** More of an execution without a known outcome than its faults can have left. */
  | 'unknown-beyond-bound'
  /** A row or a mail for somebody the execution was not for. */
  | 'not-asked-for'
  /** A Message-ID twice, or two mails of one execution to one person. */
  | 'doubled'
  /** A mail after the answer to an opt-out. */
  | 'violation'
  /** A mail of an execution that was asked for after the answer. */
  | 'resurrected'
  /** Overtaken, and no wire was that slow. */
  | 'overtaken-without-delay'
  /** A 200 or 250 without a row in the history. */
  | 'answer-without-row'
  /** A row twice, or one that nobody asked for. */
  | 'row-without-request'
  /** Left, asked again and again, and was never answered. */
  | 'never-answered'
  /** The ledger and the sink disagree. */
  | 'misreported';

/** One thing that must not be. */
export interface Finding {
  readonly breach: Breach;
  readonly person: string;
  readonly executionId: number | null;
  readonly detail: string;
}

/** What came of it all. */
export interface Verdict {
  readonly findings: readonly Finding[];
  /** Messages whose fate the ledger does not know, at the end. */
  readonly unknown: number;
  /** Of these, those that did arrive. */
  readonly unknownArrived: number;
  /** Mails after the answer that Adieu itself counted, on a wire that was that slow. */
  readonly overtaken: number;
  /** Mails after the answer whose outcome was said to be unknown before it was given. */
  readonly unknownAfterAnswer: number;
  readonly mails: number;
  readonly excluded: number;
}

const NO_CONSENT = '050101';
const OPEN = new Set(['queued', 'sending', 'deferred']);

/** Judges. */
export function check(facts: Facts): Verdict {
  const findings: Finding[] = [];
  const find = (breach: Breach, person: string, executionId: number | null, detail: string): void => {
    findings.push({ breach, person, executionId, detail });
  };
  const executions = new Map(facts.executions.map((execution) => [execution.id, execution]));
  const ledger = new Map(facts.ledger.map((row) => [row.id, row]));
  const optOuts = new Map(facts.optOuts.map((optOut) => [optOut.person, optOut]));
  const audiences = new Map(facts.executions.map(({ id, people }) => [id, new Set(people)]));
  const arrived = new Map<string, MailFact[]>();
  for (const mail of facts.mails) arrived.set(mail.id, [...(arrived.get(mail.id) ?? []), mail]);
  const late = { overtaken: 0, unknownAfterAnswer: 0 };

  checkDoubles(facts, ledger, find);
  checkPeople(facts, arrived, find);
  checkHistory(facts, find);
  for (const { id, person, executionId } of facts.ledger) {
    if (audiences.get(executionId)?.has(person) !== true) find('not-asked-for', person, executionId, id);
  }

  for (const mail of facts.mails) {
    const row = ledger.get(mail.id);
    const execution = row === undefined ? undefined : executions.get(row.executionId);
    if (row === undefined || execution === undefined || row.person !== mail.person) {
      find('misreported', mail.person, null, `mail ${mail.id} is not in the ledger`);
      continue;
    }
    if (row.state !== 'sent' && row.state !== 'unknown') {
      find(
        'misreported',
        mail.person,
        execution.id,
        `mail ${mail.id} arrived and is ${row.state} in the ledger`,
      );
    }
    const answeredAt = optOuts.get(mail.person)?.answeredAt ?? null;
    if (answeredAt === null || mail.at <= answeredAt) continue;
    const detail = `mail ${mail.id} arrived ${(mail.at - answeredAt).toFixed(1)} ms after the answer`;
    if (execution.at > answeredAt) find('resurrected', mail.person, execution.id, detail);
    else if (row.unknownAt !== null && row.unknownAt <= answeredAt) late.unknownAfterAnswer++;
    else if (!facts.overtaken.has(mail.id)) find('violation', mail.person, execution.id, detail);
    else if (execution.slow.some(({ from, to }) => mail.at >= from && mail.at <= to)) late.overtaken++;
    else find('overtaken-without-delay', mail.person, execution.id, detail);
  }

  const unknown = facts.ledger.filter((row) => row.state === 'unknown');
  return {
    findings,
    unknown: unknown.length,
    unknownArrived: unknown.filter((row) => arrived.has(row.id)).length,
    ...late,
    mails: facts.mails.length,
    excluded: facts.ledger.filter((row) => row.state === 'excluded').length,
  };
}

type Find = (breach: Breach, person: string, executionId: number | null, detail: string) => void;

function checkDoubles(facts: Facts, ledger: ReadonlyMap<string, LedgerFact>, find: Find): void {
  const ids = new Set<string>();
  const received = new Set<string>();
  for (const mail of facts.mails) {
    const executionId = ledger.get(mail.id)?.executionId ?? null;
    const receipt = `${executionId} ${mail.person}`;
    if (ids.has(mail.messageId)) find('doubled', mail.person, executionId, `${mail.messageId} arrived again`);
    else if (executionId !== null && received.has(receipt)) {
      find('doubled', mail.person, executionId, `${mail.messageId} is a second mail of this execution`);
    }
    if (mail.messageId === '') find('misreported', mail.person, executionId, 'a mail without Message-ID');
    ids.add(mail.messageId);
    received.add(receipt);
  }
}

/** Everybody an execution is for has one message, which arrived, or is unknown, or was excluded because of an opt-out. */
function checkPeople(facts: Facts, arrived: ReadonlyMap<string, readonly MailFact[]>, find: Find): void {
  const asked = new Map(facts.optOuts.map((optOut) => [optOut.person, optOut]));
  const rows = new Map<string, LedgerFact[]>();
  for (const row of facts.ledger) {
    const key = `${row.executionId} ${row.person}`;
    rows.set(key, [...(rows.get(key) ?? []), row]);
  }
  for (const { id, people, finished, unknownBound } of facts.executions) {
    const unknown = people.filter((person) => rows.get(`${id} ${person}`)?.[0]?.state === 'unknown').length;
    if (unknown > unknownBound) find('unknown-beyond-bound', '', id, `${unknown} of at most ${unknownBound}`);
    if (!finished) find('lost', '', id, 'the execution is not finished');
    for (const person of people) {
      const [row, ...more] = rows.get(`${id} ${person}`) ?? [];
      if (more.length > 0) find('doubled', person, id, `${1 + more.length} messages in one execution`);
      if (row === undefined) find('lost', person, id, 'no message was ever written down');
      else if (arrived.has(row.id) || row.state === 'unknown') continue;
      else if (row.state === 'sent') find('lost', person, id, 'sent in the ledger, and never arrived');
      else if (row.state === 'excluded') {
        const { askedAt = Number.POSITIVE_INFINITY } = asked.get(person) ?? {};
        const { code, excludedAt } = row;
        if (code !== NO_CONSENT) find('lost', person, id, `excluded with ${code}`);
        else if ((excludedAt ?? 0) < askedAt)
          find('lost', person, id, 'excluded, and had not asked to leave');
      } else if (finished || !OPEN.has(row.state)) find('lost', person, id, `ended as ${row.state}`);
    }
  }
}

function checkHistory(facts: Facts, find: Find): void {
  const rows = new Map<string, number>();
  for (const person of facts.history) rows.set(person, (rows.get(person) ?? 0) + 1);
  const asked = new Set(facts.optOuts.map((optOut) => optOut.person));
  for (const [person, count] of rows) {
    if (!asked.has(person)) find('row-without-request', person, null, 'a row, and never asked to leave');
    else if (count > 1) find('row-without-request', person, null, `${count} rows for one opt-out`);
  }
  for (const { person, answeredAt } of facts.optOuts) {
    if (answeredAt === null) find('never-answered', person, null, 'asked until the end');
    else if (!rows.has(person)) find('answer-without-row', person, null, 'answered, and there is no row');
  }
}
