/**
 * A certificate of one's own, made on the spot: for tests of STARTTLS and of signatures, so that no private key lies in the repository.
 *
 * @module
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** What a certificate says. */
export interface CertificateOptions {
  readonly name?: string;
  /** Bits of an RSA key; P-256 unless said. */
  readonly rsa?: number;
  readonly from?: number;
  readonly until?: number;
}

const ALGORITHMS = { ec: '06082a8648ce3d040302', rsa: '06092a864886f70d01010b0500' };

/** A self-signed certificate, for `localhost`, with a key on P-256 and valid for a day unless said otherwise (RFC 5280 §4.1). */
export function makeCertificate({
  name: commonName = 'localhost',
  rsa,
  from = Date.now() - 3_600_000,
  until = Date.now() + 86_400_000,
}: CertificateOptions = {}): { readonly cert: string; readonly key: string } {
  const { privateKey, publicKey } =
    rsa === undefined
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: rsa });
  const algorithm = sequence(Buffer.from(ALGORITHMS[rsa === undefined ? 'ec' : 'rsa'], 'hex'));
  const name = sequence(
    der(0x31, sequence(Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from(commonName)))),
  );
  const version3 = der(0xa0, der(0x02, Buffer.from([2])));
  const serial = der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)]));
  const validity = sequence(time(from), time(until));
  const subjectKey = publicKey.export({ type: 'spki', format: 'der' });
  const body = sequence(version3, serial, algorithm, name, validity, name, subjectKey);
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)]));
  const base64 = sequence(body, algorithm, signature).toString('base64');
  const certificate = base64.match(/.{1,64}/g)?.join('\n') ?? '';
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function der(tag: number, content: Buffer): Buffer {
  const length = content.length;
  const head =
    length < 128
      ? [tag, length]
      : length < 256
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

/** UTCTime: `YYMMDDHHMMSSZ`. */
function time(moment: number): Buffer {
  const text = new Date(moment).toISOString().replace(/\.\d+/, '').replace(/[-:T]/g, '').slice(2);
  return der(0x17, Buffer.from(text));
}
