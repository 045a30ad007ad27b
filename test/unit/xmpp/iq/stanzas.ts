import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import type { Element } from 'ltx';
import { onTestFinished } from 'vitest';
import { parseElement } from '../../../../lib/xml/tree.ts';

export const element = (text: string): Element => parseElement(text);

/** A request as iqd gets it. */
export const request = (payload: string, attrs = "type='get' id='q1' from='bob@example.org/phone'"): Element =>
  element(`<iq ${attrs}>${payload}</iq>`);

/** A directory that is gone after the test. */
export function scratch(): string {
  const dir = fs.mkdtempSync(join(os.tmpdir(), 'sj-iq-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Writes a program of sh. */
export function script(path: string, text: string): string {
  fs.writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
}

/** Ids that the network may send and that must never be the name of a file. */
export const EVIL_IDS = [
  '../../.profile',
  '..',
  '.',
  '.x',
  '.lock',
  '',
  'in',
  'state',
  'events',
  'ext',
  'mypresence',
  'password',
  'cert.pem',
  'a/b',
  '/etc/passwd',
  'x'.repeat(65),
  'a b',
  'a\nb',
  '%2e',
  'ä',
  '$(id)',
  ';id',
  'a\u0000',
  'alice@example.org',
];

/** What a shell would make something of, if it ever saw it. */
export const SHELL = `$(touch pwned);\`touch pwned\`|touch pwned&'"><*?[a]~ \\ -rf`;
