/** Where a case runs: an account directory, with things around it that nobody may touch. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export type Place = {
  readonly root: string;
  /** The account directory. */
  readonly dir: string;
  /** Where `hook.cjs` tells what it sees. */
  readonly report: string;
  /** What has changed outside the account directory; empty if nothing has. */
  touched(): string[];
  remove(): void;
};

const places = new Set<string>();
process.on('exit', () => {
  for (const root of places) removeTree(root);
});

/** Memory is quicker than a disk, and this is not about disks. */
const BASE = process.env.FUZZ_TMP ?? (fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir());

export function makePlace(): Place {
  const root = fs.mkdtempSync(path.join(BASE, 'sj-fuzz-'));
  places.add(root);
  const dir = path.join(root, 'account', 'xmpp');
  const report = path.join(root, 'report');
  fs.mkdirSync(path.join(root, 'account', 'beside'), { recursive: true });
  fs.mkdirSync(dir, { mode: 0o700 });
  fs.mkdirSync(report);
  for (const name of ['canary', 'account/canary', 'account/in', 'account/id', 'account/password', 'account/beside/out'])
    fs.writeFileSync(path.join(root, name), 'untouched\n', { mode: 0o600 });
  const outside = () => snapshot(root, new Set([dir, report]));
  const before = outside();
  return {
    root,
    dir,
    report,
    touched() {
      const now = outside();
      const names = new Set([...before.keys(), ...now.keys()]);
      return [...names].filter((name) => before.get(name) !== now.get(name));
    },
    remove() {
      removeTree(root);
      places.delete(root);
    },
  };
}

function removeTree(root: string): void {
  try {
    fs.rmSync(root, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // Somebody may have taken the right to from himself, which is a part of some cases.
    chmodAll(root);
    fs.rmSync(root, { recursive: true, force: true, maxRetries: 3 });
  }
}

function chmodAll(dir: string): void {
  fs.chmodSync(dir, 0o700);
  for (const entry of fs.readdirSync(dir, { withFileTypes: true }))
    if (entry.isDirectory()) chmodAll(path.join(dir, entry.name));
}

/** Kind, mode and content of everything but what is to be left out. */
function snapshot(root: string, without: ReadonlySet<string>): Map<string, string> {
  const found = new Map<string, string>();
  const look = (dir: string) => {
    for (const name of fs.readdirSync(dir)) {
      const file = path.join(dir, name);
      if (without.has(file)) continue;
      const stat = fs.lstatSync(file);
      const content = stat.isFile() ? createHash('sha256').update(fs.readFileSync(file)).digest('hex') : '';
      found.set(path.relative(root, file), `${stat.mode} ${content}`);
      if (stat.isDirectory()) look(file);
    }
  };
  look(root);
  return found;
}
