import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFailed, vi } from 'vitest';

/** Holds nothing but an empty home and a directory for temporary files; what runs on its behalf is known by it. */
let base = '';
let started: ChildProcess[] = [];

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'sj demo-'));
  for (const name of ['home', 'tmp']) mkdirSync(join(base, name));
  started = [];
});

afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(base, { recursive: true, force: true });
});

type Running = { child: ChildProcess; printed(): string; code: Promise<number | null> };

/** Runs a command as on a fresh account, with an environment that would mislead the suite. */
function start(command: string, ...args: string[]): Running {
  const env = {
    PATH: process.env.PATH,
    HOME: join(base, 'home'),
    TMPDIR: join(base, 'tmp'),
    SJ_DIR: '/nonexistent',
    SJ_SERVER: 'example.com',
    SSL_CERT_FILE: '/nonexistent',
    PROTO: 'SSL',
    npm_config_update_notifier: 'false',
  };
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  }
  onTestFailed(() => console.error(text));
  return { child, printed: () => text, code: once(child, 'close').then(([code]) => code) };
}

const node = (...args: string[]) => start(process.execPath, '--import', 'tsx', resolve('demo/demo.ts'), ...args);

const PATIENCE = { timeout: 50_000, interval: 50 };
const seen = (demo: Running, what: string) => vi.waitFor(() => expect(demo.printed()).toContain(what), PATIENCE);

/** What a demo has left behind: files that are not npm's or tsx's own, and processes. */
function left(): string[] {
  const files = readdirSync(join(base, 'tmp')).filter((name) => !/^(tsx|node-compile-cache)/.test(name));
  const processes = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && ours(pid));
  return [...files, ...processes];
}

function ours(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`TMPDIR=${join(base, 'tmp')}\0`);
  } catch {
    // It has ended, or is somebody else's.
    return false;
  }
}

it('plays everything, ends with 0 and leaves nothing behind', async () => {
  const demo = start('npm', 'run', 'demo');
  expect(await demo.code).toBe(0);
  const printed = demo.printed();
  const stamp = String.raw`\n\d{4}-\d\d-\d\d \d\d:\d\d `;
  for (const line of [
    /\n\$ xmppc -H 127\.0\.0\.1:\d+ -d alice alice@example\.org\/desk & /,
    /\nonline alice@example\.org\/desk\nonline bob@example\.org\/laptop\n/,
    /\n\$ presence -d alice -t bob@example\.org subscribe\n/,
    /\n[\d.]+\tsubscribe\talice@example\.org\t\n/,
    /\nbob@example\.org\tboth\t\n/,
    /\n\$ echo hi > alice\/bob@example\.org\/in\n/,
    new RegExp(`${stamp}<alice@example.org/desk> hi\n`),
    new RegExp(`${stamp}<bob@example.org/laptop> Hello Alice! <&>\n`),
    new RegExp(
      `${stamp}<alice@example.org/desk> Grüße, 日本語 and 👋🏽${stamp}<alice@example.org/desk> from two lines\n`,
    ),
    /\naway out for lunch\n/,
    /\n<iq type='result' id='q1' .*<name>sj<\/name>/,
    /\n\$ kill \$BOB\n\$ cat bob\/state\noffline\n/,
    /\n\{"time":.*,"received":.*"body":"Are you there\?"\}\n/,
    /\n\$ find alice bob \| sort\nalice\n/,
    /\nbob\/alice@example\.org\/out\n/,
    /\n# That was all, and all was as it should be\.\n$/,
  ]) {
    expect(printed).toMatch(line);
  }
  expect(printed).not.toMatch(/fatal|warning|failed/);
  expect(left()).toEqual([]);
  expect(readdirSync(join(base, 'home')).filter((name) => name !== '.npm')).toEqual([]);
});

it.each(['SIGTERM', 'SIGINT'] as const)('stays, and %s ends it with nothing left behind', async (signal) => {
  const demo = start('npm', 'run', 'demo', '--', '--stay');
  await seen(demo, '# Both stay online');
  expect(left()).not.toEqual([]);
  demo.child.kill(signal);
  expect(await demo.code).toBe(0);
  expect(left()).toEqual([]);
});

it('is interrupted in the middle', async () => {
  const demo = node();
  await seen(demo, '\n$ presence');
  demo.child.kill('SIGTERM');
  expect(await demo.code).toBe(143);
  expect(left()).toEqual([]);
});

it('leaves nothing behind even if it is killed', async () => {
  const demo = node('--stay');
  await seen(demo, '# Both stay online');
  demo.child.kill('SIGKILL');
  await vi.waitFor(() => expect(left()).toEqual([]), PATIENCE);
});

it('knows only one option', async () => {
  const demo = node('--help');
  expect(await demo.code).toBe(100);
  expect(demo.printed()).toBe('usage: npm run demo [-- --stay]\n');
});
