import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { channelBindings, serverEndPoint } from '../../../../lib/xmpp/sasl/binding.ts';
import { SaslError } from '../../../../lib/xmpp/sasl/error.ts';
import { runs } from '../../../runs.ts';
import { certificates } from './certificates.ts';

/** A DER element of any length. */
function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const hex = body.length.toString(16);
  const size = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, body]);
}

function oid(dotted: string): Buffer {
  const [a = 0, b = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [a * 40 + b, ...rest].flatMap((arc) => {
    const list = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) list.unshift(0x80 | (left % 128));
    return list;
  });
  return der(0x06, Buffer.from(bytes));
}

/** As little of a certificate as has a signature algorithm. */
const signedWith = (...algorithm: Uint8Array[]) =>
  der(0x30, der(0x30, Buffer.alloc(300, 1)), der(0x30, ...algorithm), der(0x03, Buffer.alloc(9)));

/** RSASSA-PSS-params; an undefined field stands for its default, which is SHA-1. */
const pss = (hash?: string, mask?: string, mgf = '1.2.840.113549.1.1.8') =>
  signedWith(
    oid('1.2.840.113549.1.1.10'),
    der(
      0x30,
      ...(hash ? [der(0xa0, der(0x30, oid(hash), der(0x05)))] : []),
      ...(mask ? [der(0xa1, der(0x30, oid(mgf), der(0x30, oid(mask), der(0x05))))] : []),
      der(0xa2, der(0x02, Buffer.from([32]))),
    ),
  );

const hashed = (name: string, data: Uint8Array) => createHash(name).update(data).digest('hex');
const hex = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('hex'));

describe('tls-server-end-point (RFC 5929 section 4.1)', () => {
  test.each(certificates)('a real certificate: %s', (_, base64, expected) => {
    expect(hex(serverEndPoint(Buffer.from(base64, 'base64')))).toBe(expected);
  });

  test.each([
    ['1.2.840.113549.1.1.4', 'sha256'],
    ['1.2.840.113549.1.1.5', 'sha256'],
    ['1.3.14.3.2.29', 'sha256'],
    ['1.2.840.113549.1.1.11', 'sha256'],
    ['1.2.840.113549.1.1.12', 'sha384'],
    ['1.2.840.113549.1.1.13', 'sha512'],
    ['1.2.840.113549.1.1.14', 'sha224'],
    ['1.2.840.113549.1.1.15', 'sha512-224'],
    ['1.2.840.113549.1.1.16', 'sha512-256'],
    ['1.2.840.10045.4.1', 'sha256'],
    ['1.2.840.10045.4.3.1', 'sha224'],
    ['1.2.840.10045.4.3.2', 'sha256'],
    ['1.2.840.10045.4.3.3', 'sha384'],
    ['1.2.840.10045.4.3.4', 'sha512'],
    ['1.2.840.10040.4.3', 'sha256'],
    ['2.16.840.1.101.3.4.3.2', 'sha256'],
    ['2.16.840.1.101.3.4.3.5', 'sha3-224'],
    ['2.16.840.1.101.3.4.3.10', 'sha3-256'],
    ['2.16.840.1.101.3.4.3.16', 'sha3-512'],
  ])('algorithm %s: %s', (number, expected) => {
    const raw = signedWith(oid(number), der(0x05));
    expect(hex(serverEndPoint(raw))).toBe(hashed(expected, raw));
  });

  test.each([
    '1.3.101.112', // Ed25519
    '1.3.101.113', // Ed448
    '2.16.840.1.101.3.4.3.17', // ML-DSA-44
    '1.2.840.113549.1.1.2', // MD2
    '1.2.3.4.5',
    '2.999',
  ])('algorithm %s: not defined', (number) => {
    expect(serverEndPoint(signedWith(oid(number)))).toBeNull();
  });

  const sha256 = '2.16.840.1.101.3.4.2.1';
  test.each([
    ['defaults', pss(), 'sha256'],
    ['no parameters', signedWith(oid('1.2.840.113549.1.1.10')), 'sha256'],
    ['SHA-256 twice', pss(sha256, sha256), 'sha256'],
    ['SHA-384 twice', pss('2.16.840.1.101.3.4.2.2', '2.16.840.1.101.3.4.2.2'), 'sha384'],
    ['two hash functions', pss(sha256, '2.16.840.1.101.3.4.2.2'), null],
    ['an unknown hash function', pss('1.2.3', '1.2.3'), null],
    ['an unknown mask', pss(sha256, sha256, '1.2.3'), null],
  ])('RSASSA-PSS with %s', (_, raw, expected) => {
    expect(hex(serverEndPoint(raw))).toBe(expected && hashed(expected, raw));
  });
});

describe('what is not a certificate', () => {
  /** True where it was read, false where it was refused; anything else thrown fails the test. */
  function reads(raw: Uint8Array): boolean {
    try {
      serverEndPoint(raw);
      return true;
    } catch (error) {
      if (error instanceof SaslError && error.code === 'bad-certificate' && error.exit === 76) return false;
      throw error;
    }
  }

  const sha256 = oid('1.2.840.113549.1.1.11');
  const good = signedWith(sha256);
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from([0x30])],
    ['an empty sequence', der(0x30)],
    ['no algorithm', der(0x30, der(0x30))],
    ['an empty algorithm', signedWith()],
    ['an algorithm that is no identifier', signedWith(der(0x02, Buffer.from([1])))],
    ['an empty identifier', signedWith(der(0x06))],
    ['an unfinished identifier', signedWith(Buffer.from([0x06, 2, 0x2a, 0x86]))],
    ['an identifier with an endless arc', signedWith(der(0x06, Buffer.alloc(40, 0xff), Buffer.from([1])))],
    ['a long identifier', signedWith(der(0x06, Buffer.alloc(65, 1)))],
    ['bytes behind', Buffer.concat([good, Buffer.alloc(1)])],
    ['one byte short', good.subarray(0, -1)],
    ['no sequence', Buffer.concat([Buffer.from([0x31]), good.subarray(1)])],
    ['an indefinite length', Buffer.from('30800000', 'hex')],
    ['a length of five bytes', Buffer.from('30850000000001', 'hex')],
    ['a length that is not the shortest', Buffer.from('308103020100', 'hex')],
    ['a length of 4 GiB', Buffer.from('3084ffffffff', 'hex')],
    ['a long tag', der(0x30, Buffer.from('1f8101', 'hex'), der(0x30, sha256))],
    [
      'RSASSA-PSS with parameters of another kind',
      signedWith(oid('1.2.840.113549.1.1.10'), der(0x02, Buffer.from([1]))),
    ],
  ])('%s', (_, raw) => {
    expect(reads(raw)).toBe(false);
  });

  test('any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (raw) => void reads(raw)));
  });

  test('a certificate with any bytes changed, cut anywhere', () => {
    const bases = [good, pss('2.16.840.1.101.3.4.2.1', '2.16.840.1.101.3.4.2.1')];
    const changes = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...bases), changes, fc.nat(400), (base, list, cut) => {
        const raw = Buffer.from(base);
        for (const [at, value] of list) if (at < raw.length) raw[at] = value;
        reads(raw);
        if (cut < raw.length) reads(raw.subarray(0, cut));
      }),
      { numRuns: runs(2000) },
    );
  });

  test('nothing outside the view is read', () => {
    const around = Buffer.concat([good, good]);
    for (let end = 0; end < good.length; end++) expect(reads(around.subarray(0, end))).toBe(false);
    expect(reads(around.subarray(good.length))).toBe(true);
  });
});

describe('what a connection can be bound with', () => {
  const raw = signedWith(oid('1.2.840.113549.1.1.11'));
  const exporter = Buffer.alloc(32, 7);

  test('TLS 1.3: the exporter before the certificate', () => {
    const bindings = channelBindings({ protocol: 'TLSv1.3', exporter, certificate: raw });
    expect([...bindings.keys()]).toEqual(['tls-exporter', 'tls-server-end-point']);
    expect(bindings.get('tls-exporter')).toEqual(exporter);
    expect(hex(bindings.get('tls-server-end-point')!)).toBe(hashed('sha256', raw));
  });

  test('TLS 1.2: only the certificate', () => {
    const bindings = channelBindings({ protocol: 'TLSv1.2', exporter, certificate: raw });
    expect([...bindings.keys()]).toEqual(['tls-server-end-point']);
  });

  test('Ed25519 under TLS 1.2: nothing', () => {
    const certificate = signedWith(oid('1.3.101.112'));
    expect(channelBindings({ protocol: 'TLSv1.2', exporter, certificate }).size).toBe(0);
    expect(channelBindings({ protocol: null, exporter: null, certificate: null }).size).toBe(0);
  });
});
