import { type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { bundle } from './probe.ts';

const probe = bundle(`
  import { run } from './lib/cli/run.ts';
  import { readPassword } from './lib/cli/password.ts';
  void run('probe', async () => {
    const [dir, fd] = process.argv.slice(2);
    const password = await readPassword({ dir: dir!, fd: fd === undefined ? undefined : Number(fd) });
    process.stdout.write(JSON.stringify(password));
    return 0;
  });
`);
const base = mkdtempSync(join(tmpdir(), 'sj-password-'));
let count = 0;
let dir = '';

beforeEach(() => {
  dir = join(base, String(count++));
  mkdirSync(dir);
});

afterAll(() => {
  probe.remove();
  rmSync(base, { recursive: true });
});

type Result = { password: unknown; stderr: string; code: number | null };

/** Runs the probe in a session of its own, so that there is no terminal to ask on. */
async function ask(stdio: StdioOptions, input: string | Uint8Array = '', fd?: number): Promise<Result> {
  const args = [probe.file, dir, ...(fd === undefined ? [] : [String(fd)])];
  const child = spawn(process.execPath, args, { stdio, detached: true });
  let out = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => (out += chunk));
  child.stderr?.on('data', (chunk) => (stderr += chunk));
  const source = child.stdio[fd ?? 0];
  if (source !== null && source !== undefined && 'write' in source) {
    // The one who reads may be gone before all is written.
    source.on('error', () => {});
    source.end(input);
  }
  const [code] = await once(child, 'close');
  return { password: out === '' ? undefined : JSON.parse(out), stderr, code };
}

const stdin = (input: string | Uint8Array) => ask(['pipe', 'pipe', 'pipe'], input);

/** The same with a script of sh, which has the probe as `"$0" "$1" "$2"`. */
function sh(script: string) {
  const args = [script, process.execPath, probe.file, dir];
  const { stdout, stderr, status } = spawnSync('setsid', ['-w', 'sh', '-c', ...args], { encoding: 'utf8' });
  return { stdout, stderr, status };
}

describe('stdin', () => {
  it.each([
    ['secret\n', 'secret'],
    ['secret\r\nmore\n', 'secret'],
    ['secret', 'secret'],
    [' pass phrase \n', ' pass phrase '],
    ['pä€😀\n', 'pä€😀'],
    ['x'.repeat(4096) + '\r\n', 'x'.repeat(4096)],
  ])('gives its first line (%#)', async (input, password) => {
    expect(await stdin(input)).toEqual({ password, stderr: '', code: 0 });
  });

  it.each([
    ['', 'no password'],
    ['\n', 'no password'],
    ['\r\nsecret\n', 'no password'],
    ['x'.repeat(4097), 'the password is longer than 4096 bytes'],
    ['x'.repeat(100_000), 'the password is longer than 4096 bytes'],
    [Buffer.from([0x73, 0xff, 0x0a]), 'the password is not UTF-8'],
    ['a\0b\n', 'the password holds a NUL'],
  ])('is refused (%#)', async (input, message) => {
    expect(await stdin(input)).toEqual({ password: undefined, stderr: `probe: fatal: ${message}\n`, code: 100 });
  });

  it('may be /dev/null: no password', async () => {
    expect(await ask(['ignore', 'pipe', 'pipe'])).toMatchObject({ stderr: 'probe: fatal: no password\n', code: 100 });
  });

  it('may be a file', async () => {
    writeFileSync(join(dir, 'input'), 'secret\nmore\n');
    const fd = openSync(join(dir, 'input'), 'r');
    expect(await ask([fd, 'pipe', 'pipe'])).toMatchObject({ password: 'secret', code: 0 });
    closeSync(fd);
  });

  it('is left where the line ends, for whoever reads on', () => {
    expect(sh('printf "secret\\nnext\\n" | { "$0" "$1" "$2"; echo; cat; }').stdout).toBe('"secret"\nnext\n');
  });

  it('is left blocking, as shells and cat need it', () => {
    const { stdout } = sh('echo secret | { "$0" "$1" "$2"; grep ^flags: /proc/self/fdinfo/0; }');
    expect(stdout).toMatch(/^"secret"flags:\s+0*\n$/);
  });

  it('is left where the line ends in a file too', () => {
    writeFileSync(join(dir, 'input'), 'secret\nnext\n');
    expect(sh('cd "$2"; exec <input; "$0" "$1" .; echo; cat').stdout).toBe('"secret"\nnext\n');
  });
});

describe('a descriptor', () => {
  beforeEach(() => {
    writeFileSync(join(dir, 'password'), 'from the file', { mode: 0o600 });
  });

  it('goes before the file: a socket', async () => {
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'pipe'];
    expect(await ask(stdio, 'secret\n', 5)).toEqual({ password: 'secret', stderr: '', code: 0 });
  });

  it('may be a pipe, a file, stdin', () => {
    writeFileSync(join(dir, 'input'), 'secret\n');
    expect(sh('printf "secret\\nx" | "$0" "$1" "$2" 3 3<&0 </dev/null').stdout).toBe('"secret"');
    expect(sh('"$0" "$1" "$2" 9 9<"$2/input"').stdout).toBe('"secret"');
    expect(sh('echo secret | "$0" "$1" "$2" 0').stdout).toBe('"secret"');
  });

  it.each([
    ['"$0" "$1" "$2" 3', 3, 'it is not open'],
    ['"$0" "$1" "$2" 6 6<&- 7<&-', 6, 'it is not open'],
    ['"$0" "$1" "$2" 3 3<"$2"', 3, 'it is not open'],
    ['"$0" "$1" "$2" 3 3>"$2/x"', 3, 'bad file descriptor'],
  ])('that is no good ends the search: %s', (script, fd, why) => {
    const stderr = `probe: fatal: cannot read the password from descriptor ${fd}: ${why}\n`;
    expect(sh(script)).toEqual({ stdout: '', stderr, status: 100 });
  });

  it('without anything on it is no password', () => {
    expect(sh('"$0" "$1" "$2" 3 3</dev/null')).toMatchObject({ stderr: 'probe: fatal: no password\n', status: 100 });
  });
});

describe('the file', () => {
  const file = (text: string, mode = 0o600) => {
    writeFileSync(join(dir, 'password'), text);
    chmodSync(join(dir, 'password'), mode);
  };
  const refused = (why: string) => ({
    password: undefined,
    stderr: `probe: fatal: cannot use ${join(dir, 'password')}: ${why}\n`,
    code: 100,
  });

  it.each([0o600, 0o400])('goes before stdin, with mode %o', async (mode) => {
    file('from the file\r\nx\n', mode);
    expect(await stdin('secret\n')).toEqual({ password: 'from the file', stderr: '', code: 0 });
  });

  it.each([0o640, 0o604, 0o620, 0o601, 0o777])('is refused with mode %o', async (mode) => {
    file('secret\n', mode);
    expect(await stdin('other\n')).toEqual(refused(`others have access to it (chmod 600 ${join(dir, 'password')})`));
  });

  it('is refused if it is a link, even to a good file', async () => {
    writeFileSync(join(dir, 'target'), 'secret\n', { mode: 0o600 });
    symlinkSync('target', join(dir, 'password'));
    expect(await stdin('other\n')).toEqual(refused('a symbolic link'));
  });

  it('is refused if it is a directory', async () => {
    mkdirSync(join(dir, 'password'));
    expect(await stdin('other\n')).toEqual(refused('not a regular file'));
  });

  it('is refused if it is a FIFO, without waiting for a writer', async () => {
    spawnSync('mkfifo', ['-m', '600', join(dir, 'password')]);
    expect(await stdin('other\n')).toEqual(refused('not a regular file'));
  });

  if (process.getuid?.() === 0) {
    it('is refused if it belongs to somebody else', async () => {
      file('secret\n');
      chownSync(join(dir, 'password'), 65534, 65534);
      expect(await stdin('other\n')).toEqual(refused('it belongs to somebody else'));
    });
  }

  it('without anything in it is no password', async () => {
    file('');
    expect(await stdin('other\n')).toMatchObject({ stderr: 'probe: fatal: no password\n', code: 100 });
  });
});
