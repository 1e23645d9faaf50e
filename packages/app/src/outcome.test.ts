import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { type ExecutionCounts, openManagement } from './management.ts';
import { addUp, settledCount, waitForOutcome } from './outcome.ts';
import { outcomePage, skippedPage } from './outcome-page.ts';
import { paintsFor, printable } from './terminal.ts';

const NONE = { queued: 0, sending: 0, sent: 0, deferred: 0, excluded: 0, bounced: 0, failed: 0, unknown: 0 };
const plain = paintsFor({});

function part(
  counts: Partial<typeof NONE>,
  exclusions = {},
  state: 'running' | 'finished' = 'finished',
): ExecutionCounts {
  return { executionId: '1', state, control: 'running', counts: { ...NONE, ...counts }, exclusions };
}

describe('an outcome', () => {
  test('adds up executions and is finished when all of them are', () => {
    const outcome = addUp([
      part({ sent: 3, excluded: 2 }, { '050101': 1, '050020': 1 }),
      part({ sent: 1, excluded: 1, deferred: 1 }, { '050101': 1 }, 'running'),
    ]);
    expect(outcome).toMatchObject({
      finished: false,
      counts: { sent: 4, excluded: 3, deferred: 1 },
      exclusions: { '050101': 2, '050020': 1 },
    });
    expect(settledCount(outcome)).toBe(7);
  });

  test('is told with the meaning of every code, the most frequent first', () => {
    const page = outcomePage(
      addUp([part({ sent: 185, excluded: 15 }, { '050020': 2, '050101': 13 })]),
      plain,
    );
    expect(page).toBe(
      [
        '     185  sent',
        '      15  skipped',
        '             13  050101  No consent to marketing mail.',
        '              2  050020  The profile has no address to send to.',
      ].join('\n'),
    );
  });

  test('hides nothing that went wrong', () => {
    const page = outcomePage(addUp([part({ sent: 1, unknown: 2, bounced: 1, deferred: 3 })]), plain);
    expect(page).toContain('2  unknown: handed over, but no answer was seen');
    expect(page).toContain('1  bounced');
    expect(page).toContain('3  deferred');
  });

  test('names who was skipped by the rule, and lets no id steer the terminal', () => {
    const page = skippedPage(
      [
        { namespace: 'CRMID', id: 'A1', code: '050101', why: 'marketing.email: n' },
        { namespace: 'CRMID', id: 'A\u001b[2J', code: '050020', why: null },
      ],
      plain,
    );
    expect(page).toContain('CRMID A1     050101  marketing.email: n (said no)');
    expect(page).toContain('The profile has no address');
    expect(page).not.toContain('\u001b');
  });
});

describe('the wait for an outcome', () => {
  test.each(['paused', 'cancelled'] as const)(
    'ends when what is left was %s, and says so',
    async (control) => {
      const counts = { ...NONE, sent: 2, queued: 3 };
      const body = { executionId: '7', dryRun: false, state: 'running', control, counts, exclusions: {} };
      const server = createServer(({ url }, response) => {
        response.end(JSON.stringify(url === '/v1/sending' ? { state: 'running' } : body));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const management = openManagement(
          `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
          'key',
        );
        const outcome = await waitForOutcome(management, ['7']);
        expect(outcome).toMatchObject({
          finished: false,
          counts: { sent: 2, queued: 3 },
          paused: control === 'paused' ? ['7'] : [],
          cancelled: control === 'cancelled' ? ['7'] : [],
        });
      } finally {
        server.close();
      }
    },
  );
});

describe('the terminal', () => {
  test('gets colours only where it is one', () => {
    expect(plain.red('x')).toBe('x');
    expect(paintsFor({ isTTY: true, hasColors: () => true }).red('x')).toBe('\u001b[31mx\u001b[39m');
    expect(paintsFor({ isTTY: true, hasColors: () => false }).red('x')).toBe('x');
  });

  test('never gets a control character or a direction override from outside', () => {
    expect(printable('a\u0007b\u202ec\n\td')).toBe('a·b·c\n\td');
  });
});
