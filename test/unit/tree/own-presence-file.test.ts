import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EMPTY, readOwn } from '../../../lib/tree/own-presence-file.ts';

let dir: string;
let file: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'read-'));
  file = path.join(dir, 'mypresence');
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

describe('readOwn', () => {
  it('is null where there is no file', () => {
    expect(readOwn(file)).toBeNull();
    fs.writeFileSync(file, '');
    expect(readOwn(path.join(file, 'mypresence'))).toBeNull();
    fs.symlinkSync('nowhere', path.join(dir, 'link'));
    expect(readOwn(path.join(dir, 'link'))).toBeNull();
  });

  it('knows an empty file from one that says online', () => {
    fs.writeFileSync(file, '');
    expect(readOwn(file)).toBe(EMPTY);
    fs.writeFileSync(file, '\n');
    expect(readOwn(file)).not.toBe(EMPTY);
    expect(readOwn(file)).toEqual(EMPTY);
  });

  it('reads the first line, also of a huge file, or through a link', () => {
    fs.writeFileSync(file, `away ${'\u{1f600}'.repeat(1024)}\n${'x'.repeat(1_000_000)}`);
    expect(readOwn(file)).toEqual({ show: 'away', status: '\u{1f600}'.repeat(1024) });
    fs.symlinkSync('mypresence', path.join(dir, 'link'));
    expect(readOwn(path.join(dir, 'link'))?.show).toBe('away');
    fs.writeFileSync(file, Buffer.from('dnd a\xffb\n', 'latin1'));
    expect(readOwn(file)).toEqual({ show: 'dnd', status: 'a\ufffdb' });
  });

  it('does not wait at what is no file', () => {
    execFileSync('mkfifo', [file]);
    expect(() => readOwn(file)).toThrow('not a regular file');
    expect(() => readOwn(dir)).toThrow('not a regular file');
  });
});
