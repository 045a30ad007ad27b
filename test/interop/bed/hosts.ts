/**
 * What both servers serve: the domain `localhost`, where everything is offered, and domains that differ from it in one
 * thing each, so that one running server is enough for a file of tests.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CertKind, createAuthority } from '../../../loopback/certs.ts';

export const MECHANISMS = ['PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
export type Mechanism = (typeof MECHANISMS)[number];

export type Host = {
  readonly name: string;
  /** The only mechanism offered there. */
  readonly only?: Mechanism;
  /** The server keeps what SCRAM needs, not the password. */
  readonly hashed?: boolean;
  readonly certificate?: CertKind;
  /** No TLS later than 1.2. */
  readonly tls12?: boolean;
  /** No STARTTLS there, and every mechanism offered in the clear. */
  readonly clear?: boolean;
};

export const HOSTS: readonly Host[] = [
  { name: 'localhost' },
  { name: 'plain.localhost', only: 'PLAIN' },
  { name: 'sha1.localhost', only: 'SCRAM-SHA-1' },
  { name: 'sha256.localhost', only: 'SCRAM-SHA-256' },
  { name: 'sha512.localhost', only: 'SCRAM-SHA-512' },
  { name: 'hashed.localhost', hashed: true },
  { name: 'tls12.localhost', tls12: true },
  { name: 'clear.localhost', clear: true },
  { name: 'clearplain.localhost', clear: true, only: 'PLAIN' },
  { name: 'wronghost.localhost', certificate: 'wronghost' },
  { name: 'expired.localhost', certificate: 'expired' },
  { name: 'selfsigned.localhost', certificate: 'selfsigned' },
];

export const USERS = ['alice', 'bob', 'carol'] as const;
export type User = (typeof USERS)[number];

export const passwordOf = (user: string) => `secret-${user}`;

/** The mechanisms that a host does not offer. */
export const withheld = ({ only }: Host) => (only === undefined ? [] : MECHANISMS.filter((name) => name !== only));

/**
 * Makes a CA and the certificates of all hosts in `dir`: `ca.pem`, and for each host NAME `NAME.crt`, `NAME.key` and
 * both in `NAME.pem`.
 */
export function makeCertificates(dir: string): void {
  mkdirSync(dir, { recursive: true });
  const authority = createAuthority();
  writeFileSync(join(dir, 'ca.pem'), authority.ca);
  for (const { name, certificate = 'good' } of HOSTS) {
    const { key, cert } = authority.server([name], certificate);
    writeFileSync(join(dir, `${name}.crt`), cert);
    writeFileSync(join(dir, `${name}.key`), key);
    writeFileSync(join(dir, `${name}.pem`), cert + key);
  }
}
