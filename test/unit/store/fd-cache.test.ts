import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createFdCache } from '../../../lib/store/fd-cache.ts';
import { scratch } from '../sys/scratch.ts';

const descriptors = () => fs.readdirSync('/proc/self/fd').length;

function busy(room: number) {
  const dir = scratch();
  const files = createFdCache(() => room, dir);
  onTestFinished(files.close);
  const at = (name: string) => path.join(dir, name);
  return {
    dir,
    files,
    at,
    say: (name: string, text: string) => files.append(at(name), files.look(at(name)), Buffer.from(text)),
    read: (name: string) => fs.readFileSync(at(name), 'utf8'),
  };
}

it('notices a file that was moved away, removed or replaced, and a directory, too', () => {
  const { dir, at, say, read } = busy(10);
  fs.mkdirSync(at('d'));
  say('d/f', '1');
  say('d/f', '2');
  fs.renameSync(at('d/f'), at('d/f.1'));
  say('d/f', '3');
  expect([read('d/f.1'), read('d/f')]).toEqual(['12', '3']);
  fs.writeFileSync(at('new'), 'n');
  fs.renameSync(at('new'), at('d/f'));
  say('d/f', '4');
  expect(read('d/f')).toBe('n4');
  fs.rmSync(at('d'), { recursive: true });
  expect(() => say('d/f', '5')).toThrow(/ENOENT/);
  fs.mkdirSync(at('d'));
  say('d/f', '6');
  expect(read('d/f')).toBe('6');
  fs.truncateSync(at('d/f'));
  say('d/f', '7');
  expect(read('d/f')).toBe('7');
  expect(fs.statSync(at('d/f')).mode & 0o777).toBe(0o600);
  expect(fs.readdirSync(dir)).toEqual(['d']);
});

it.each([0, 1, 3])('keeps no more than %i files open', (room) => {
  const { say, read, files } = busy(room);
  const before = descriptors();
  for (let round = 0; round < 3; round++) for (const name of ['a', 'b', 'c', 'd', 'e']) say(name, `${round}`);
  expect(descriptors() - before).toBe(room);
  expect(['a', 'b', 'c', 'd', 'e'].map(read)).toEqual(Array(5).fill('012'));
  files.close();
  expect(descriptors()).toBe(before);
});

it('follows a link that leads to a file, and creates nothing through one', () => {
  const { at, say, read } = busy(3);
  fs.writeFileSync(at('there'), '');
  fs.symlinkSync('there', at('link'));
  fs.symlinkSync('nowhere', at('dangling'));
  for (const text of ['1', '2']) say('link', text);
  expect(read('there')).toBe('12');
  expect(() => say('dangling', 'x')).toThrow();
  fs.mkdirSync(at('dir'));
  expect(() => say('dir', 'x')).toThrow();
  expect(fs.existsSync(at('nowhere'))).toBe(false);
});

it('follows no directory that has become a link, whether its file was open or not', () => {
  const { at, say, read } = busy(10);
  for (const name of ['d', 'e', 'else']) fs.mkdirSync(at(name));
  say('d/f', '1');
  for (const name of ['d', 'e']) {
    fs.rmSync(at(name), { recursive: true });
    fs.symlinkSync('else', at(name));
    expect(() => say(`${name}/f`, '2')).toThrow('its directory is a symbolic link');
  }
  expect(fs.readdirSync(at('else'))).toEqual([]);
  fs.writeFileSync(at('else/f'), 'theirs');
  expect(() => say('d/f', '3')).toThrow('its directory is a symbolic link');
  expect(read('else/f')).toBe('theirs');
});
