import { describe, expect, test } from '@jest/globals';
import { parseTopic } from './topic.ts';

describe('an ARN', () => {
  test.each([
    ['arn:aws:sns:eu-west-1:123456789012:ses-feedback', 'sns.eu-west-1.amazonaws.com'],
    ['arn:aws:sns:ap-southeast-7:123456789012:A_b-9.fifo', 'sns.ap-southeast-7.amazonaws.com'],
    ['arn:aws-us-gov:sns:us-gov-west-1:123456789012:x', 'sns.us-gov-west-1.amazonaws.com'],
    ['arn:aws-cn:sns:cn-northwest-1:123456789012:x', 'sns.cn-northwest-1.amazonaws.com.cn'],
  ])('names a topic and the host that speaks for it: %s', (arn, host) => {
    expect(parseTopic(arn)).toEqual({ arn, host });
  });

  test.each([
    '',
    'ses-feedback',
    'arn:aws:sqs:eu-west-1:123456789012:x',
    'arn:aws:sns:eu-west-1.evil.com/:123456789012:x',
    'arn:aws:sns:eu-west-1@evil-1:123456789012:x',
    'arn:aws:sns:evil:123456789012:x',
    'arn:aws:sns:EU-WEST-1:123456789012:x',
    'arn:aws:sns:eu-west-1:12345:x',
    'arn:aws:sns:eu-west-1:123456789012:x y',
    'arn:aws:sns:eu-west-1:123456789012:x\n',
    'arn:aws:sns:eu-west-1:123456789012:x:subscription',
    'arn:aws-eusc:sns:eusc-de-east-1:123456789012:x',
    'arn:aws:sns:*:123456789012:x',
  ])('names none: %j', (arn) => {
    expect(parseTopic(arn)).toBeNull();
  });
});
