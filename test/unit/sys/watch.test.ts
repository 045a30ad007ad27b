import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { watchTree } from '../../../lib/sys/watch.ts';
import { scratch, until } from './scratch.ts';

it('sees directories come and go, and files in those that are watched', async () => {
  const dir = scratch();
  const base: string[] = [];
  const contact: string[] = [];
  const watch = watchTree(dir, {
    base: (name) => base.push(name),
    contact: (name, file) => contact.push(`${name}/${file}`),
    rescan() {},
    warn() {},
  });
  onTestFinished(watch.close);
  fs.mkdirSync(path.join(dir, 'bob@x'));
  await until(() => base.includes('bob@x'));
  watch.add('bob@x');
  fs.writeFileSync(path.join(dir, 'bob@x', 'mypresence'), 'away\n');
  await until(() => contact.includes('bob@x/mypresence'));

  // Made anew: the old watch has died with the old directory.
  fs.rmSync(path.join(dir, 'bob@x'), { recursive: true });
  fs.mkdirSync(path.join(dir, 'bob@x'));
  watch.add('bob@x');
  contact.length = base.length = 0;
  fs.writeFileSync(path.join(dir, 'bob@x', 'again'), '');
  await until(() => contact.includes('bob@x/again'));

  watch.remove('bob@x');
  contact.length = 0;
  fs.writeFileSync(path.join(dir, 'bob@x', 'unseen'), '');
  fs.mkdirSync(path.join(dir, 'eve@x'));
  await until(() => base.includes('eve@x'));
  expect(contact).toEqual([]);
});

it('does without what it cannot watch', () => {
  const watch = watchTree(path.join(scratch(), 'gone'), {
    base() {},
    rescan() {},
    warn: (message) => expect.fail(message),
  });
  watch.add('bob@x');
  watch.remove('bob@x');
  watch.close();
});

it('watches the directory that has taken the place of the old one', async () => {
  const dir = path.join(scratch(), 'account');
  fs.mkdirSync(dir);
  const base: string[] = [];
  const watch = watchTree(dir, {
    base: (name) => base.push(name),
    rescan() {},
    warn: (message) => expect.fail(message),
  });
  fs.renameSync(dir, `${dir}.old`);
  fs.mkdirSync(dir);
  watch.rescan();
  fs.mkdirSync(path.join(dir, 'bob@x'));
  await until(() => base.includes('bob@x'));
  watch.close();
});
