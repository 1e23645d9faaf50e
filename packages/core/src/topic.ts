/**
 * A topic of Amazon SNS, by its ARN: who may publish to it is decided there, so its name is what is trusted.
 *
 * The rule: the host that speaks for a topic is made of the topic's region, never taken from a message. Commercial regions, GovCloud
 * and China; other partitions have domains that nobody here has seen.
 *
 * @module
 */

/** A topic. */
export interface Topic {
  readonly arn: string;
  /** Of the SNS of its region: `sns.eu-west-1.amazonaws.com`. */
  readonly host: string;
}

const ARN =
  /^arn:(aws|aws-us-gov|aws-cn):sns:([a-z]{2}(?:-[a-z]+)+-\d{1,2}):\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?$/;

/** Reads an ARN; null when it names no topic. */
export function parseTopic(arn: string): Topic | null {
  const [, partition, region] = ARN.exec(arn) ?? [];
  if (partition === undefined) return null;
  return { arn, host: `sns.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}` };
}
