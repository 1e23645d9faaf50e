/**
 * How a sender finds TLS at the exchangers of a subdomain, and whom it tells when it does not: MTA-STS (RFC 8461), TLS reports (RFC 8460).
 *
 * One rule: the policy is fetched as a sender fetches it, so its host, its certificate and its text are all looked at.
 *
 * @module
 */
import { coversExchanger, readStsPolicy, type StsMode, stsId, stsPolicy } from '@adieu/core';
import { type ExpectedDomain, matching, tagsOf } from './dns-check.ts';
import { type Finding, unknown } from './finding.ts';
import type { NameServer } from './name-server.ts';
import type { PolicyHost, Served } from './policy-host.ts';
import type { StsJudgement } from './sts-mode.ts';

/** A subdomain whose mail comes in, and what Adieu would say about it. */
export interface ExpectedPolicy extends ExpectedDomain {
  readonly exchanger: string;
  /** By the certificate that the inbound listener shows; null while nobody knows it. */
  readonly judgement: StsJudgement | null;
}

/** Where answers come from. */
export interface PolicySources {
  readonly dns: NameServer;
  readonly policyHost: PolicyHost;
  /** Whether an address would be refused by our own listener. */
  readonly refuses: (address: string) => boolean;
}

/** The record that announces the policy, and the policy. */
export async function checkSts(
  expected: ExpectedPolicy,
  { dns, policyHost }: PolicySources,
): Promise<readonly Finding[]> {
  const { domain } = expected;
  const name = `_mta-sts.${domain}`;
  const [announced, exchangers, served] = await Promise.all([
    dns(name, 'TXT'),
    dns(domain, 'MX'),
    policyHost(domain),
  ]);
  const check = `MTA-STS record of ${domain}`;
  const names = exchangers.kind === 'found' ? exchangers.values : [];
  const policy = { check: `MTA-STS policy of ${domain}`, ...judgeHost(served, names, expected) };
  if (announced.kind === 'silent') return [unknown(check, announced), policy];
  const text = served.kind === 'served' ? served.text : stsPolicy(expected.exchanger, modeOf(expected));
  const publish = { type: 'TXT', name, value: `v=STSv1; id=${stsId(text)}` } as const;
  const [one, ...more] = matching(announced, /^v=STSv1[ \t]*;/);
  const id = one === undefined ? '' : (tagsOf(one).get('id') ?? '');
  const fault =
    one === undefined
      ? 'There is none, so nobody asks for the policy.'
      : more.length > 0
        ? 'There is more than one, so none counts.'
        : /^[A-Za-z0-9]{1,32}$/.test(id)
          ? null
          : 'Its id is not 1 to 32 letters and digits, so it does not count.';
  if (fault !== null) return [{ check, verdict: 'wrong', says: fault, publish }, policy];
  if (served.kind === 'served' && isOurs(text, expected) && id !== stsId(text)) {
    const says = 'Its id is that of another policy: who remembers that one does not ask for the present one.';
    return [{ check, verdict: 'warning', says, publish }, policy];
  }
  return [{ check, verdict: 'ok', says: `${one}.` }, policy];
}

/** Whether Adieu wrote it; who serves a policy of their own gives it ids of their own. */
function isOurs(text: string, { exchanger }: ExpectedPolicy): boolean {
  return text === stsPolicy(exchanger, 'enforce') || text === stsPolicy(exchanger, 'testing');
}

function modeOf({ judgement }: ExpectedPolicy): StsMode {
  return judgement?.mode ?? 'testing';
}

type Judged = Omit<Finding, 'check'>;

function judgeHost(served: Served, exchangers: readonly string[], expected: ExpectedPolicy): Judged {
  if (served.kind === 'served') return judgePolicy(served.text, exchangers, expected);
  const { kind, says } = served;
  if (kind !== 'absent') return { verdict: kind === 'silent' ? 'unknown' : 'wrong', says };
  const host = expected.records.find(({ name }) => name === `mta-sts.${expected.domain}`);
  return { verdict: 'wrong', says, publish: host };
}

function judgePolicy(text: string, exchangers: readonly string[], expected: ExpectedPolicy): Judged {
  const policy = readStsPolicy(text);
  if (policy === null) return { verdict: 'wrong', says: 'It is no policy (RFC 8461 section 3.2).' };
  const { mode } = policy;
  const strange = mode === 'none' ? [] : exchangers.filter((name) => !coversExchanger(policy, name));
  if (strange.length > 0) {
    const effect = mode === 'enforce' ? 'senders deliver nothing there' : 'it could not be enforced';
    return { verdict: 'wrong', says: `Mode ${mode}, and it does not name ${strange.join(', ')}: ${effect}.` };
  }
  // Who wrote a policy of their own may have an MTA of their own in front of the listener.
  const judgement = isOurs(text, expected) ? expected.judgement : null;
  if (mode === 'enforce') {
    return judgement === null || judgement.why === null
      ? { verdict: 'ok', says: 'Mode enforce.' }
      : {
          verdict: 'wrong',
          says: `Mode enforce, and at the listener ${judgement.why}: senders may keep mail back.`,
        };
  }
  const says = `Mode ${mode}, so senders do not insist on TLS`;
  if (judgement === null) return { verdict: 'warning', says: `${says}.` };
  const why = judgement.why ?? "the role api was not started with the listener's certificate";
  return { verdict: 'warning', says: `${says}: ${why}.` };
}

/** Where senders report to when TLS fails. */
export async function checkTlsReports(
  { domain, records }: ExpectedDomain,
  { dns, refuses }: PolicySources,
): Promise<Finding> {
  const check = `TLS reports of ${domain}`;
  const name = `_smtp._tls.${domain}`;
  const publish = records.find((record) => record.name === name);
  const found = await dns(name, 'TXT');
  if (found.kind === 'silent') return unknown(check, found);
  const wrong = (says: string): Finding => ({ check, verdict: 'wrong', says, publish });
  const [one, ...more] = matching(found, /^v=TLSRPTv1[ \t]*;/);
  if (one === undefined) return wrong('There is none.');
  if (more.length > 0) return wrong('There is more than one, so none counts.');
  const places = (tagsOf(one).get('rua') ?? '').split(',');
  if (!places.every((place) => /^(?:mailto:[^@]+@[^@]+|https:\/\/.+)$/i.test(place))) {
    return wrong('It names no address that a report could go to.');
  }
  const refused = places
    .filter((place) => /^mailto:/i.test(place))
    .map((place) => decoded(place.slice('mailto:'.length).replace(/\?.*$/, '')))
    .filter(refuses);
  if (refused.length > 0) return wrong(`Our inbound listener refuses mail to ${refused.join(', ')}.`);
  return { check, verdict: 'ok', says: `${one}.` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
