import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openTree, type Tree } from '../../../lib/presence/tree.ts';
import { createComplaints } from '../../../lib/sys/complaints.ts';
import { bareOf } from '../../../lib/xmpp/jid/jid.ts';

let dir: string;
let tree: Tree | undefined;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tree-'));
});
afterEach(() => {
  tree?.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

const until = (check: () => void) => vi.waitFor(check, { timeout: 30_000, interval: 10 });

/** What was told of, in order: `+ JID`, `- JID`, `JID SHOW`, `JID none`; the JID of everybody is `*`. */
function watch() {
  const told: string[] = [];
  const warnings: string[] = [];
  const opened = openTree(
    dir,
    bareOf,
    createComplaints((message) => warnings.push(message)),
    {
      appeared: (jid, directory) => {
        expect(path.dirname(directory)).toBe(dir);
        told.push(`+ ${jid}`);
      },
      vanished: (jid) => told.push(`- ${jid}`),
      rescan: () => told.push('rescan'),
      read(global, contacts) {
        if (global !== undefined) told.push(`* ${global?.show ?? 'none'}`);
        for (const [jid, own] of contacts) told.push(`${jid} ${own?.show ?? 'none'}`);
      },
    },
  );
  tree = opened;
  return { tree: opened, told, warnings };
}
const write = (text: string, ...where: string[]) => fs.writeFileSync(path.join(dir, ...where), text);

describe('openTree', () => {
  it('reads the presence for everybody first, and contacts by the first scan', () => {
    write('away', 'mypresence');
    fs.mkdirSync(path.join(dir, 'bob@example.org'));
    write('dnd', 'bob@example.org', 'mypresence');
    fs.mkdirSync(path.join(dir, 'eve@example.org'));
    for (const other of ['Not@Normal', 'no jid', '.hidden', 'ext']) fs.mkdirSync(path.join(dir, other));
    write('a file', 'x@example.org');
    const { tree, told } = watch();
    expect(told).toEqual([]);
    tree.readGlobal();
    expect(told.splice(0)).toEqual(['* away']);
    tree.scan();
    expect(told.slice(0, 1)).toEqual(['rescan']);
    expect(told.slice(1).sort()).toEqual([
      '* away',
      '+ bob@example.org',
      '+ eve@example.org',
      'bob@example.org dnd',
      'eve@example.org none',
    ]);
  });

  it('tells of what changes', async () => {
    const { tree, told } = watch();
    tree.scan();
    told.splice(0);
    fs.mkdirSync(path.join(dir, 'bob@example.org'));
    await until(() => expect(told).toContain('+ bob@example.org'));
    write('xa', 'bob@example.org', 'mypresence');
    await until(() => expect(told).toContain('bob@example.org xa'));
    write('chat', 'mypresence');
    await until(() => expect(told).toContain('* chat'));
    told.splice(0);
    fs.rmSync(path.join(dir, 'bob@example.org'), { recursive: true });
    await until(() => expect(told).toContain('- bob@example.org'));
    await until(() => expect(told).toContain('bob@example.org none'));
  });

  it('waits once more for a writer that has truncated the file and not written yet', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      write('offline', 'mypresence');
      const { tree, told } = watch();
      tree.scan();
      told.splice(0);
      write('', 'mypresence');
      tree.rescan();
      vi.advanceTimersByTime(30);
      expect(told.splice(0)).toEqual(['rescan']);
      write('dnd', 'mypresence');
      vi.advanceTimersByTime(30);
      expect(told.splice(0)).toEqual(['* dnd']);
      write('', 'mypresence');
      tree.rescan();
      vi.advanceTimersByTime(60);
      expect(told).toEqual(['rescan', '* online']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('tells nothing while it is paused, and everything afterwards', async () => {
    const { tree, told } = watch();
    tree.scan();
    told.splice(0);
    tree.pause();
    fs.mkdirSync(path.join(dir, 'bob@example.org'));
    write('xa', 'bob@example.org', 'mypresence');
    write('dnd', 'mypresence');
    tree.rescan();
    tree.scan();
    await new Promise((resolve) => fs.readdir(dir, resolve));
    expect(told).toEqual([]);
    tree.resume();
    await until(() =>
      expect(told).toEqual(expect.arrayContaining(['rescan', '* dnd', '+ bob@example.org', 'bob@example.org xa'])),
    );
  });

  it('leaves things as they were where they cannot be read', () => {
    write('away', 'mypresence');
    const { tree, told, warnings } = watch();
    tree.scan();
    told.splice(0);
    fs.rmSync(path.join(dir, 'mypresence'));
    fs.mkdirSync(path.join(dir, 'mypresence'));
    tree.scan();
    tree.scan();
    expect(told).toEqual(['rescan', 'rescan']);
    expect(warnings).toEqual([`cannot read ${path.join(dir, 'mypresence')}: not a regular file`]);
  });
});
