import { Failure } from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import { isDatabaseAway, retrying, sqlState, translateError, violatedConstraint } from './database-error.ts';

const withCode = (code: string, message = 'x') => Object.assign(new Error(message), { code });

describe('errors of the database', () => {
  test.each([
    withCode('08006'),
    withCode('53300'),
    withCode('57P01'),
    withCode('57P03'),
    withCode('57014'),
    withCode('55P03'),
    withCode('25006'),
    withCode('ECONNREFUSED'),
    withCode('ECONNRESET'),
    withCode('EPIPE'),
    withCode('ENOTFOUND'),
    withCode('EAI_AGAIN'),
    new Error('Connection terminated unexpectedly'),
    new Error('timeout exceeded when trying to connect'),
    new Error('Connection terminated due to connection timeout'),
    new Error('Client has encountered a connection error and is not queryable'),
  ])('OC-7: an absent database is a temporary failure: %s', (error) => {
    expect(isDatabaseAway(error)).toBe(true);
    expect(translateError(error)).toMatchObject({
      code: 'database_unavailable',
      temporary: true,
      cause: error,
    });
  });

  test.each([
    withCode('23505'),
    withCode('42P01'),
    withCode('40P01'),
    new TypeError('x is not a function'),
    null,
    'text',
  ])('everything else goes through as it is: %s', (error) => {
    expect(isDatabaseAway(error)).toBe(false);
    expect(translateError(error)).toBe(error);
  });

  test('a failure stays the failure it is', () => {
    const failure = new Failure('list_required', 'x');
    expect(translateError(failure)).toBe(failure);
    expect(isDatabaseAway(failure)).toBe(false);
  });

  test('SQLSTATE and constraint are read where there are any', () => {
    expect(sqlState(withCode('23505'))).toBe('23505');
    expect(sqlState(withCode('ECONNREFUSED'))).toBeUndefined();
    expect(sqlState(null)).toBeUndefined();
    expect(violatedConstraint(Object.assign(new Error('x'), { constraint: 'name' }))).toBe('name');
    expect(violatedConstraint(new Error('x'))).toBeUndefined();
  });

  test('a transaction that lost a deadlock or a serialization conflict runs again, any other does not', async () => {
    let runs = 0;
    const lose = (code: string, times: number) => () => {
      runs += 1;
      return runs <= times ? Promise.reject(withCode(code)) : Promise.resolve(runs);
    };
    expect(await retrying(lose('40P01', 3))).toBe(4);
    runs = 0;
    await expect(retrying(lose('23505', 1))).rejects.toMatchObject({ code: '23505' });
    expect(runs).toBe(1);
    runs = 0;
    await expect(retrying(lose('40001', 99))).rejects.toMatchObject({ code: '40001' });
    expect(runs).toBe(8);
  });
});
