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
