import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { descriptor } from '../../../lib/cli/descriptor.ts';
import { EXIT } from '../../../lib/cli/exit.ts';
import { bundle } from '../cli/probe.ts';

const probe = bundle(`
  import { inherited } from './lib/sys/inherited.ts';
  process.stdout.write(JSON.stringify(process.argv.slice(2).map((fd) => inherited(Number(fd)))));
`);
const dir = mkdtempSync(join(tmpdir(), 'sj-inherited-'));
const fifo = join(dir, 'fifo');

beforeAll(() => {
  writeFileSync(join(dir, 'file'), 'x');
  spawnSync('mkfifo', [fifo]);
});

afterAll(() => {
  probe.remove();
  rmSync(dir, { recursive: true });
});

function answer(result: SpawnSyncReturns<string>): unknown {
  expect(result.stderr).toBe('');
  return JSON.parse(result.stdout);
}

/** Runs the probe for descriptors 6 and 7 with the redirections of a shell. */
function redirected(redirections: string): unknown {
  const script = `exec "$0" "$1" 6 7 ${redirections}`;
  return answer(spawnSync('sh', ['-c', script, process.execPath, probe.file], { cwd: dir, encoding: 'utf8' }));
}

describe('what stands on 6 and 7', () => {
  // Which numbers Node takes for itself depends on which ones are free below.
  const lower = ['', '3</dev/null', '3</dev/null 4</dev/null', '3</dev/null 4</dev/null 5</dev/null', '5</dev/null'];

  it.each(lower)('is nothing where nothing was given, whatever Node put there (%s)', (others) => {
    expect(redirected(`6<&- 7<&- ${others}`)).toEqual([null, null]);
  });

  it.each(lower)('is what was given on one of them, and nothing on the other (%s)', (others) => {
    expect(redirected(`6<file 7<&- ${others}`)).toEqual(['file', null]);
    expect(redirected(`6<&- 7<file ${others}`)).toEqual([null, 'file']);
    expect(redirected(`6<>fifo 7<&- ${others}`)).toEqual(['fifo', null]);
    expect(redirected(`6<&- 7<>fifo ${others}`)).toEqual([null, 'fifo']);
  });

  it('is a device', () => {
    expect(redirected('6</dev/null 7>/dev/null')).toEqual(['char', 'char']);
  });

  it('is nothing for a directory', () => {
    expect(redirected('6<. 7<&-')).toEqual([null, null]);
  });

  it('is two pipes', () => {
    const script = '{ printf x | { "$0" "$1" 6 7 6<&0 7>&1 >&3 3>&- </dev/null | cat >/dev/null; }; } 3>&1';
    const result = spawnSync('sh', ['-c', script, process.execPath, probe.file], { encoding: 'utf8' });
    expect(answer(result)).toEqual(['fifo', 'fifo']);
  });

  it('is nothing for a pipe that leads back to us', () => {
    const script = 'exec 8<>fifo 6<fifo 7>fifo 8<&-; exec "$0" "$1" 6 7';
    const result = spawnSync('sh', ['-c', script, process.execPath, probe.file], { cwd: dir, encoding: 'utf8' });
    expect(answer(result)).toEqual([null, null]);
  });

  it('is a TCP socket, and a Unix socket', async () => {
    const server = createServer((socket) => socket.resume());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const socket = connect(address.port, '127.0.0.1');
    await once(socket, 'connect');
    const none = ['ignore', 'ignore', 'ignore'] as const;
    const child = spawn(process.execPath, [probe.file, '6', '7'], {
      stdio: ['ignore', 'pipe', 'inherit', ...none, socket, 'pipe'],
    });
    let out = '';
    child.stdout!.on('data', (chunk) => (out += chunk));
    await once(child, 'close');
    socket.destroy();
    server.close();
    expect(JSON.parse(out)).toEqual(['socket', 'socket']);
  });
});

it('sees stdin, and numbers that nobody has', () => {
  const run = (stdin: 'ignore' | 'pipe' | number) =>
    answer(spawnSync(process.execPath, [probe.file, '0', '900'], { stdio: [stdin, 'pipe', 'pipe'], encoding: 'utf8' }));
  expect(run('ignore')).toEqual(['char', null]);
  expect(run('pipe')).toEqual(['socket', null]);
  const fd = openSync(join(dir, 'file'), 'r');
  expect(run(fd)).toEqual(['file', null]);
  closeSync(fd);
});

describe('descriptor', () => {
  it.each(['0', '3', '255', '9999'])('reads %s', (text) => {
    expect(descriptor(text, '-p')).toBe(Number(text));
  });

  it.each(['', '-1', '3x', ' 3', '03', '1e2', '10000', '٣'])('refuses %j', (text) => {
    expect(() => descriptor(text, '-p')).toThrow(expect.objectContaining({ code: EXIT.usage }));
  });
});
