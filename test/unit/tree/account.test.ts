import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { EXIT, Fatal } from '../../../lib/cli/exit.ts';
import { checkDirectory, type Want } from '../../../lib/tree/account.ts';

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'sj-account-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true }));
});

/** What is said of a directory; null: it will do. */
function verdict(place: string, want: Want): string | null {
  try {
    checkDirectory(place, want);
    return null;
  } catch (error) {
    if (!(error instanceof Fatal)) throw error;
    expect(error.code).toBe(EXIT.usage);
    expect(error.message.startsWith(`cannot open ${place}: `)).toBe(true);
    return error.message.slice(`cannot open ${place}: `.length);
  }
}

const ALL: Want[] = ['there', 'makeable', 'account'];
const MISSING = 'no such file or directory';

describe('checkDirectory', () => {
  it.each(ALL)('refuses what is no directory, and what is below such a thing (%s)', (want) => {
    const file = path.join(dir, 'file');
    fs.writeFileSync(file, '');
    expect(verdict(file, want)).toBe('not a directory');
    expect(verdict(path.join(file, 'xmpp'), want)).toBe('not a directory');
  });

  it('lets a directory be missing only where it is made', () => {
    expect(ALL.map((want) => verdict(path.join(dir, 'xmpp'), want))).toEqual([MISSING, null, MISSING]);
  });

  it('takes an empty directory for one that an account may have, and for none that it has', () => {
    const none = 'not an account directory, for it has no in';
    expect(ALL.map((want) => verdict(dir, want))).toEqual([null, null, none]);
    fs.writeFileSync(path.join(dir, 'in'), '');
    expect(verdict(dir, 'account')).toBe(null);
  });
});
