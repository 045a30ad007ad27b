import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { findHandler, shippedDirectory } from '../../../../lib/xmpp/iq/handler.ts';
import { scratch, script } from './stanzas.ts';

let root: string;
let own: string;
let shipped: string;
const find = (ns: string) => findHandler(own, shipped, ns);

beforeEach(() => {
  root = scratch();
  own = join(root, 'own');
  shipped = join(root, 'shipped');
  fs.mkdirSync(own);
  fs.mkdirSync(shipped);
});

describe('findHandler', () => {
  it('prefers the own program, a link to one too', () => {
    const path = script(join(shipped, 'urn:x'), 'echo');
    expect(find('urn:x')).toEqual({ kind: 'program', path, shipped: true });
    fs.symlinkSync(script(join(root, 'mine'), 'echo'), join(own, 'urn:x'));
    expect(find('urn:x')).toEqual({ kind: 'program', path: join(own, 'urn:x') });
  });

  it('tells FIFOs and plain files', () => {
    execFileSync('mkfifo', [join(own, 'urn:fifo')]);
    fs.writeFileSync(join(own, 'urn:file'), '');
    expect(find('urn:fifo')?.kind).toBe('fifo');
    expect(find('urn:file')?.kind).toBe('file');
  });

  it('escapes the name', () => {
    script(join(own, 'http:%2F%2Fa%2F..%2Fb%2541#c'), 'echo');
    expect(find('http://a/../b%41#c')?.kind).toBe('program');
  });

  it('never writes among the shipped ones', () => {
    fs.writeFileSync(join(shipped, 'README'), '');
    execFileSync('mkfifo', [join(shipped, 'urn:fifo')]);
    expect(find('README')).toBeNull();
    expect(find('urn:fifo')).toBeNull();
  });

  it.each([
    '../../x',
    '..',
    '.',
    '',
    'a/b',
    '%2F',
    '/etc/passwd',
    'x'.repeat(300),
    'a\0b',
    'urn:\n',
    '$(id)',
    '-d',
    'ü'.repeat(128),
  ])('finds nothing outside for %j', (ns) => {
    for (const name of ['x', 'b', 'a']) script(join(root, name), 'echo');
    fs.mkdirSync(join(own, 'a'));
    script(join(own, 'a', 'b'), 'echo');
    expect(find(ns)).toBeNull();
  });

  it('can be told that nobody answers', () => {
    script(join(shipped, 'urn:x'), 'echo');
    fs.symlinkSync('/dev/null', join(own, 'urn:x'));
    expect(find('urn:x')).toMatchObject({ kind: 'unfit', why: '' });
  });

  it('takes no directory, no dangling link and no script without its mode', () => {
    fs.mkdirSync(join(own, 'urn:dir'));
    fs.symlinkSync('nowhere', join(own, 'urn:link'));
    fs.writeFileSync(join(own, 'urn:script'), '#!/bin/sh\necho\n', { mode: 0o644 });
    for (const ns of ['urn:dir', 'urn:link', 'urn:script'])
      expect(find(ns), ns).toMatchObject({ kind: 'unfit', why: /./ });
  });
});

describe('shippedDirectory', () => {
  it('is what the environment says, else beside the real program', () => {
    fs.mkdirSync(join(root, 'bin'));
    fs.writeFileSync(join(root, 'bin', 'iqd'), '');
    fs.symlinkSync(join(root, 'bin', 'iqd'), join(root, 'link'));
    expect(shippedDirectory('/some/ext', join(root, 'link'))).toBe('/some/ext');
    expect(shippedDirectory('', join(root, 'link'))).toBe(join(fs.realpathSync(root), 'ext'));
    expect(shippedDirectory(undefined, join(root, 'link'))).toBe(join(fs.realpathSync(root), 'ext'));
  });
});
