import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openLog, redact } from './log.ts';

describe('the log', () => {
  test('takes addresses and tokens out of texts', () => {
    const text =
      'cannot write to ann.o’brien+x@example.com: POST /unsubscribe?params=AQ-x_y&pid=AQ2&sig=z failed';
    expect(redact(text)).toBe('cannot write to …@…: POST /unsubscribe?params=…&pid=…&sig=… failed');
  });

  test('writes the lines of a turn together, and a warning at once with all that came before', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'adieu-log-')), 'log.json');
    const said = () => [...readFileSync(path, 'utf8').matchAll(/"msg":"(\w+)"/g)].map((match) => match[1]);
    const log = openLog('info', path);
    log.info({}, 'one');
    log.info({}, 'two');
    expect(said()).toEqual([]);
    log.warn({}, 'three');
    expect(said()).toEqual(['one', 'two', 'three']);
    log.info({}, 'four');
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(said()).toEqual(['one', 'two', 'three', 'four']);
  });

  test('keeps the code and the place of an error and nothing that it quotes', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'adieu-log-')), 'log.json');
    const error = Object.assign(new Error('no mailbox ann@example.com'), {
      code: 'EENVELOPE',
      command: 'RCPT TO',
    });
    openLog('info', path).error({ err: error }, 'a part failed');
    const line = JSON.parse(readFileSync(path, 'utf8'));
    expect(line).toMatchObject({
      msg: 'a part failed',
      err: { code: 'EENVELOPE', message: 'no mailbox …@…' },
    });
    expect(JSON.stringify(line)).not.toContain('ann@example.com');
  });
});
