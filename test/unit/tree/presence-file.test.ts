import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearPresences } from '../../../lib/tree/presence-file.ts';

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'clear-'));
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

const make = (name: string, content?: string) => {
  fs.mkdirSync(path.join(dir, name));
  if (content !== undefined) fs.writeFileSync(path.join(dir, name, 'presence'), content);
};
const clear = () => {
  const warnings: string[] = [];
  clearPresences(dir, (message) => warnings.push(message));
  return warnings;
};

describe('clearPresences', () => {
  it('empties what is not empty, and makes and touches nothing else', () => {
    make('a@x.org', 'online\n');
    make('b@x.org', '');
    make('c@x.org');
    make('ext', 'not a contact\n');
    make('.hidden', 'nor this\n');
    fs.utimesSync(path.join(dir, 'b@x.org', 'presence'), 1, 1);
    expect(clear()).toEqual([]);
    expect(fs.readFileSync(path.join(dir, 'a@x.org', 'presence'), 'utf8')).toBe('');
    expect(fs.statSync(path.join(dir, 'b@x.org', 'presence')).mtimeMs).toBe(1000);
    expect(fs.readdirSync(path.join(dir, 'c@x.org'))).toEqual([]);
    expect(fs.readFileSync(path.join(dir, 'ext', 'presence'), 'utf8')).toBe('not a contact\n');
    expect(fs.readFileSync(path.join(dir, '.hidden', 'presence'), 'utf8')).toBe('nor this\n');
  });

  it('removes what a presenced that was killed had begun', () => {
    make('a@x.org', 'online\n');
    fs.writeFileSync(path.join(dir, 'a@x.org', '.tmp-presence'), 'aw');
    expect(clear()).toEqual([]);
    expect(fs.readdirSync(path.join(dir, 'a@x.org'))).toEqual(['presence']);
  });

  it('says what it cannot empty, and goes on', () => {
    fs.mkdirSync(path.join(dir, 'a@x.org', 'presence'), { recursive: true });
    fs.writeFileSync(path.join(dir, 'target'), 'mine');
    make('b@x.org');
    fs.symlinkSync(path.join(dir, 'target'), path.join(dir, 'b@x.org', 'presence'));
    make('c@x.org', 'online\n');
    const warnings = clear();
    expect(warnings).toHaveLength(2);
    for (const name of ['a@x.org', 'b@x.org']) {
      expect(warnings).toContainEqual(expect.stringContaining(`cannot empty ${path.join(dir, name, 'presence')}: `));
    }
    expect(fs.readFileSync(path.join(dir, 'target'), 'utf8')).toBe('mine');
    expect(fs.readFileSync(path.join(dir, 'c@x.org', 'presence'), 'utf8')).toBe('');
  });

  it('says that the account directory is not there', () => {
    fs.rmdirSync(dir);
    expect(clear()).toEqual([`cannot read ${dir}: no such file or directory`]);
  });
});
