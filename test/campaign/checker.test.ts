/**
 * The checker against invented campaigns: each wrong it knows is put in once and must be found, and nothing else.
 *
 * @module
 */
import { expect, test } from '@jest/globals';
import {
  type Breach,
  check,
  type Facts,
  type LedgerFact,
  type MailFact,
  type OptOutFact,
} from './checker.ts';

const ANSWERED = 1_000;

const mail = (person: string, execution = 1, differing: Partial<MailFact> = {}): MailFact => ({
  at: 500,
  id: `${execution}-${person}`,
  messageId: `<${execution}-${person}@x>`,
  person,
  ...differing,
});
const row = (person: string, state: string, differing: Partial<LedgerFact> = {}): LedgerFact => {
  const executionId = differing.executionId ?? 1;
  return {
    id: `${executionId}-${person}`,
    executionId,
    person,
    state,
    code: state === 'excluded' ? '050101' : null,
    unknownAt: state === 'unknown' ? 600 : null,
    excludedAt: state === 'excluded' ? 950 : null,
    ...differing,
  };
};
const left = (person: string, answeredAt: number | null = ANSWERED): OptOutFact => ({
  person,
  askedAt: 900,
  answeredAt,
});

/** Ann was mailed, Bob left before his turn, nobody knows what became of Cid's mail. */
const PROPER: Facts = {
  executions: [
    { id: 1, people: ['ann', 'bob', 'cid'], at: 100, finished: true, slow: [], unknownBound: 1 },
    {
      id: 2,
      people: ['ann'],
      at: 2_000,
      finished: true,
      slow: [{ from: 2_450, to: 2_550 }],
      unknownBound: 0,
    },
  ],
  mails: [mail('ann'), mail('ann', 2, { at: 2_500 })],
  ledger: [
    row('ann', 'sent'),
    row('bob', 'excluded'),
    row('cid', 'unknown'),
    row('ann', 'sent', { executionId: 2 }),
  ],
  optOuts: [left('bob')],
  history: ['bob'],
  overtaken: new Set(),
};

function breaches(differing: Partial<Facts>): Breach[] {
  return check({ ...PROPER, ...differing }).findings.map((finding) => finding.breach);
}

/** The proper campaign with the first ledger row of a person replaced. */
function ledgerWith(changed: LedgerFact): LedgerFact[] {
  return PROPER.ledger.map((known) => (known.id === changed.id ? changed : known));
}

test('a campaign in which nothing is wrong has no finding', () => {
  expect(check(PROPER)).toEqual({
    findings: [],
    unknown: 1,
    unknownArrived: 0,
    overtaken: 0,
    unknownAfterAnswer: 0,
    mails: 2,
    excluded: 1,
  });
});

test('what is lost is found', () => {
  expect(breaches({ mails: [mail('ann', 2)] })).toEqual(['lost']);
  expect(breaches({ ledger: ledgerWith(row('cid', 'failed')) })).toEqual(['lost']);
  expect(breaches({ ledger: ledgerWith(row('cid', 'queued')) })).toEqual(['lost']);
  expect(breaches({ ledger: PROPER.ledger.filter(({ person }) => person !== 'cid') })).toEqual(['lost']);
  expect(breaches({ ledger: ledgerWith(row('cid', 'excluded')) })).toEqual(['lost']);
  const executions = PROPER.executions.map((execution) => ({ ...execution, finished: execution.id !== 1 }));
  expect(breaches({ executions })).toEqual(['lost']);
});

test('what came twice is found, under one Message-ID or under two', () => {
  expect(breaches({ mails: [...PROPER.mails, mail('ann')] })).toEqual(['doubled']);
  expect(breaches({ mails: [...PROPER.mails, mail('ann', 1, { messageId: '<other@x>' })] })).toEqual([
    'doubled',
  ]);
  const twin = row('ann', 'sent', { id: '1-ann-again' });
  const second = mail('ann', 1, { id: twin.id, messageId: '<again@x>' });
  expect(breaches({ ledger: [...PROPER.ledger, twin], mails: [...PROPER.mails, second] })).toEqual([
    'doubled',
    'doubled',
  ]);
});

test('a mail after the answer is a violation, one before it or at that moment is none', () => {
  const optOuts = [...PROPER.optOuts, left('ann', 2_400)];
  const history = ['bob', 'ann'];
  expect(breaches({ optOuts, history })).toEqual(['violation']);
  expect(breaches({ optOuts: [left('bob'), left('ann', 2_500)], history })).toEqual([]);
  expect(breaches({ optOuts: [left('bob'), left('ann', null)], history })).toEqual(['never-answered']);
});

test('a mail after the answer is overtaken only where Adieu said so and a wire was slow', () => {
  const fast = PROPER.executions.map((execution) => ({ ...execution, slow: [{ from: 2_100, to: 2_499 }] }));
  const late = {
    optOuts: [left('bob'), left('ann', 2_400)],
    history: ['bob', 'ann'],
    overtaken: new Set(['2-ann']),
  };
  expect(check({ ...PROPER, ...late })).toMatchObject({ findings: [], overtaken: 1 });
  expect(breaches({ ...late, executions: fast })).toEqual(['overtaken-without-delay']);
});

test('a mail after the answer whose outcome nobody knew is counted and no violation', () => {
  const late = { optOuts: [left('bob'), left('ann', 2_400)], history: ['bob', 'ann'] };
  const ledger = ledgerWith(row('ann', 'sent', { executionId: 2, unknownAt: 2_390 }));
  expect(check({ ...PROPER, ...late, ledger })).toMatchObject({ findings: [], unknownAfterAnswer: 1 });
});

test('an outcome that became unknown after the answer excuses nothing', () => {
  const late = { optOuts: [left('bob'), left('ann', 2_400)], history: ['bob', 'ann'] };
  expect(
    breaches({ ...late, ledger: ledgerWith(row('ann', 'sent', { executionId: 2, unknownAt: 2_410 })) }),
  ).toEqual(['violation']);
});

test('more unknown than the faults of an execution can have left is found', () => {
  const executions = PROPER.executions.map((execution) => ({ ...execution, unknownBound: 0 }));
  expect(breaches({ executions })).toEqual(['unknown-beyond-bound']);
});

test('an exclusion counts only for want of consent, and after somebody asked to leave', () => {
  expect(breaches({ ledger: ledgerWith(row('bob', 'excluded', { code: '050302' })) })).toEqual(['lost']);
  expect(breaches({ ledger: ledgerWith(row('bob', 'excluded', { excludedAt: 899 })) })).toEqual(['lost']);
});

test('a message for somebody the execution was not for is found', () => {
  const ledger = [...PROPER.ledger, row('bob', 'unknown', { executionId: 2 })];
  expect(breaches({ ledger })).toEqual(['not-asked-for']);
});

test('nothing excuses a mail of an execution that was asked for after the answer', () => {
  const ledger = ledgerWith(row('ann', 'sent', { executionId: 2, unknownAt: 600 }));
  const late = {
    optOuts: [left('bob'), left('ann')],
    history: ['bob', 'ann'],
    overtaken: new Set(['2-ann']),
  };
  expect(breaches({ ...late, ledger })).toEqual(['resurrected']);
});

test('answers and rows have to match', () => {
  expect(breaches({ history: [] })).toEqual(['answer-without-row']);
  expect(breaches({ history: ['bob', 'bob'] })).toEqual(['row-without-request']);
  expect(breaches({ history: ['bob', 'cid'] })).toEqual(['row-without-request']);
});

test('ledger and sink have to agree', () => {
  expect(breaches({ mails: [...PROPER.mails, mail('bob')] })).toEqual(['misreported']);
  expect(breaches({ mails: [...PROPER.mails, mail('eve')] })).toEqual(['misreported']);
  expect(breaches({ mails: [...PROPER.mails, mail('cid', 1, { person: 'eve' })] })).toEqual(['misreported']);
  expect(breaches({ mails: [...PROPER.mails, mail('cid', 1, { messageId: '' })] })).toEqual(['misreported']);
  expect(check({ ...PROPER, mails: [...PROPER.mails, mail('cid')] })).toMatchObject({
    findings: [],
    unknown: 1,
    unknownArrived: 1,
  });
});
