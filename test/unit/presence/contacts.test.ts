import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createContacts } from '../../../lib/presence/contacts.ts';
import { createComplaints } from '../../../lib/sys/complaints.ts';
import { parseElement } from '../../../lib/xml/tree.ts';
import { decodePresence } from '../../../lib/xmpp/codec/presence.ts';

const ME = 'me@example.org';
const BOB = 'bob@example.org';

let dir: string;
let warnings: string[];

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'contacts-'));
  warnings = [];
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

const open = () => {
  const contacts = createContacts({
    dir,
    own: ME,
    codec: { decodePresence },
    complaints: createComplaints((message) => warnings.push(message)),
  });
  /** A batch of stanzas: from whom, and what is in them. */
  const batch = (...stanzas: [from: string, inner?: string, type?: string][]) => {
    for (const [from, inner = '', type] of stanzas) {
      contacts.take(
        parseElement(`<presence from='${from}'${type === undefined ? '' : ` type='${type}'`}>${inner}</presence>`),
      );
    }
    contacts.batchEnd();
  };
  return { contacts, batch };
};
const file = (jid: string) => path.join(dir, jid, 'presence');
const shown = (jid: string) => fs.readFileSync(file(jid), 'utf8');
const events = () =>
  fs
    .readFileSync(path.join(dir, 'events'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('\tpresence\t'))
    .map((line) => line.split('\t').slice(2).join(' '));

describe('createContacts', () => {
  it('writes a file once for each batch, and only when its line has changed', () => {
    const { batch } = open();
    batch([`${BOB}/a`, '<show>away</show>'], [`${BOB}/a`, '<show>dnd</show>'], [`${BOB}/b`, '<priority>-5</priority>']);
    expect(shown(BOB)).toBe('dnd\n');
    const { ino } = fs.statSync(file(BOB));
    batch([`${BOB}/a`, '<show>dnd</show><priority>1</priority>'], [`${BOB}/b`, '', 'unavailable']);
    batch([`${BOB}/a`, '', 'unavailable'], [`${BOB}/c`, '<show>dnd</show>']);
    expect(fs.statSync(file(BOB)).ino).toBe(ino);
    batch([`${BOB}/c`, '<show>dnd</show><status>x</status>']);
    expect(fs.statSync(file(BOB)).ino).not.toBe(ino);
    expect(events()).toEqual([`${BOB} dnd`, `${BOB} dnd x`]);
    expect(fs.readdirSync(path.join(dir, BOB)).sort()).toEqual(['id', 'presence']);
  });

  it('makes nothing for who came and went within a batch', () => {
    const { batch } = open();
    batch(
      [`${BOB}/a`],
      [`${BOB}/a`, '', 'unavailable'],
      ['x@example.org', '', 'error'],
      ['not a jid'],
      ['y@example.org/'],
    );
    expect(fs.readdirSync(dir)).toEqual(['events', 'out']);
    expect(events()).toEqual([]);
  });

  it('leaves it to the user to open a chat with oneself', () => {
    const { contacts, batch } = open();
    batch([`${ME}/there`, '<show>xa</show>']);
    expect(fs.existsSync(path.join(dir, ME))).toBe(false);
    fs.mkdirSync(path.join(dir, ME));
    contacts.appeared(ME, path.join(dir, ME));
    expect(shown(ME)).toBe('xa\n');
    batch([`${ME}/there`, '', 'unavailable']);
    expect(shown(ME)).toBe('');
    batch([`${ME}/there`]);
    expect(shown(ME)).toBe('online\n');
  });

  it('takes an error for the end of that resource, and one from the bare JID for the end of all', () => {
    const { batch } = open();
    batch([`${BOB}/a`, '<show>away</show>'], [`${BOB}/b`, '<show>xa</show>']);
    batch([`${BOB}/b`, '', 'error']);
    expect(shown(BOB)).toBe('away\n');
    batch([BOB, '', 'error']);
    expect(shown(BOB)).toBe('');
  });

  it('changes no presence by subscriptions and probes', () => {
    const { batch } = open();
    batch([`${BOB}/a`]);
    for (const type of ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe'])
      batch([BOB, '', type], [`${BOB}/a`, '', type]);
    expect(shown(BOB)).toBe('online\n');
    expect(events()).toEqual([`${BOB} online`]);
  });

  it('does not bring back a directory that the user has removed until there is news', () => {
    const { contacts, batch } = open();
    batch([`${BOB}/a`]);
    fs.rmSync(path.join(dir, BOB), { recursive: true });
    contacts.retry();
    batch([`${BOB}/a`]);
    contacts.vanished(BOB);
    contacts.retry();
    expect(fs.existsSync(path.join(dir, BOB))).toBe(false);
    batch([`${BOB}/a`]);
    expect(shown(BOB)).toBe('online\n');
    fs.rmSync(path.join(dir, BOB), { recursive: true });
    batch([`${BOB}/a`, '', 'unavailable']);
    expect(fs.existsSync(path.join(dir, BOB))).toBe(false);
    expect(warnings).toEqual([]);
  });

  it('writes again in a directory that is another one, and leaves alone what is right', () => {
    const { contacts, batch } = open();
    batch([`${BOB}/a`]);
    contacts.appeared(BOB, path.join(dir, BOB));
    expect(events()).toEqual([`${BOB} online`]);
    fs.rmSync(path.join(dir, BOB), { recursive: true });
    fs.mkdirSync(path.join(dir, BOB));
    contacts.appeared(BOB, path.join(dir, BOB));
    expect(shown(BOB)).toBe('online\n');
  });

  it('complains once of what cannot be written, and makes up for it', () => {
    const { contacts, batch } = open();
    fs.mkdirSync(file(BOB), { recursive: true });
    batch([`${BOB}/a`]);
    batch([`${BOB}/a`, '<show>xa</show>']);
    contacts.retry();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`cannot write ${file(BOB)}: `);
    fs.rmdirSync(file(BOB));
    contacts.retry();
    expect(shown(BOB)).toBe('xa\n');
    expect(events()).toEqual([`${BOB} xa`]);
  });

  it('makes up for a directory that could not be made', () => {
    const { contacts, batch } = open();
    fs.writeFileSync(path.join(dir, BOB), 'a file in the way');
    batch([`${BOB}/a`]);
    expect(warnings).toHaveLength(1);
    fs.rmSync(path.join(dir, BOB));
    contacts.retry();
    expect(shown(BOB)).toBe('online\n');
  });
});

it('writes nothing through a directory that has become a link', () => {
  const { batch } = open();
  batch([`${BOB}/r`]);
  const elsewhere = path.join(dir, '.elsewhere');
  fs.mkdirSync(elsewhere);
  fs.rmSync(path.join(dir, BOB), { recursive: true });
  fs.symlinkSync(elsewhere, path.join(dir, BOB));
  batch([`${BOB}/r`, '<show>away</show>']);
  batch([`${BOB}/r`, '', 'unavailable']);
  expect(fs.readdirSync(elsewhere)).toEqual([]);
  expect(warnings.join('\n')).toContain('not a directory');
});
