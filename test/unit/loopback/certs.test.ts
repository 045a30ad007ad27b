import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { createAuthority } from '../../../loopback/certs.ts';

const authority = createAuthority();
const ca = new X509Certificate(authority.ca);

test('the CA is one and has signed itself', () => {
  expect(ca.ca).toBe(true);
  expect(ca.verify(ca.publicKey)).toBe(true);
});

test('a good certificate names all hosts, is valid now and belongs to its key', () => {
  const pair = authority.server(['localhost', 'example.test']);
  const cert = new X509Certificate(pair.cert);
  expect(cert.checkHost('localhost')).toBe('localhost');
  expect(cert.checkHost('example.test')).toBe('example.test');
  expect(cert.checkHost('example.org')).toBeUndefined();
  expect(cert.checkIssued(ca)).toBe(true);
  expect(cert.verify(ca.publicKey)).toBe(true);
  expect(cert.ca).toBe(false);
  expect(cert.checkPrivateKey(createPrivateKey(pair.key))).toBe(true);
  expect(Date.parse(cert.validFrom)).toBeLessThan(Date.now());
  expect(Date.parse(cert.validTo)).toBeGreaterThan(Date.now());
});

test('each bad kind is bad in one way only', () => {
  const wrong = new X509Certificate(authority.server(['localhost'], 'wronghost').cert);
  expect(wrong.checkHost('localhost')).toBeUndefined();
  expect(wrong.verify(ca.publicKey)).toBe(true);
  expect(Date.parse(wrong.validTo)).toBeGreaterThan(Date.now());

  const expired = new X509Certificate(authority.server(['localhost'], 'expired').cert);
  expect(expired.checkHost('localhost')).toBe('localhost');
  expect(expired.verify(ca.publicKey)).toBe(true);
  expect(Date.parse(expired.validTo)).toBeLessThan(Date.now());

  const self = new X509Certificate(authority.server(['localhost'], 'selfsigned').cert);
  expect(self.checkHost('localhost')).toBe('localhost');
  expect(self.verify(ca.publicKey)).toBe(false);
  expect(self.verify(self.publicKey)).toBe(true);
  expect(Date.parse(self.validTo)).toBeGreaterThan(Date.now());
});

test('a client certificate carries the JID as XmppAddr', () => {
  const cert = new X509Certificate(authority.client('alice@localhost').cert);
  expect(cert.subjectAltName).toBe('othername:XmppAddr:alice@localhost');
  expect(cert.verify(ca.publicKey)).toBe(true);
});
