import { expect, test } from '@jest/globals';
import { Failure, isFailure } from './failure.ts';

test('a failure carries what the peer may read and, for the log, what lay beneath', () => {
  const cause = new Error('connect ECONNREFUSED');
  const failure = new Failure('database_unavailable', 'Try again later.', { temporary: true, cause });
  expect(failure).toMatchObject({
    name: 'Failure',
    code: 'database_unavailable',
    temporary: true,
    detail: 'Try again later.',
  });
  expect(failure.cause).toBe(cause);
  expect(failure.field).toBeUndefined();
  expect(new Failure('name_invalid', 'No.', { field: 'name' })).toMatchObject({
    temporary: false,
    field: 'name',
  });
});

test('only a failure is one', () => {
  expect(isFailure(new Failure('x', 'y'))).toBe(true);
  for (const other of [new Error('x'), { code: 'x', detail: 'y' }, null, undefined])
    expect(isFailure(other)).toBe(false);
});
