import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDelivery, type Delivery } from '../../../../lib/xmpp/iq/deliver.ts';
import { scratch } from './stanzas.ts';

let dir: string;
let lost: string[];
let delivery: Delivery;
const path = (name: string) => join(dir, name);

beforeEach(() => {
  dir = scratch();
  lost = [];
  delivery = createDelivery(dir, (id, why) => lost.push(`${id}: ${why}`), { reader: 60_000, reading: 60_000 });
});

describe('createDelivery', () => {
  it('makes a file that only the user can read, and replaces it', () => {
    delivery.deliver('1234', '<iq/>\n');
    expect(fs.readFileSync(path('1234'), 'utf8')).toBe('<iq/>\n');
    expect(fs.statSync(path('1234')).mode & 0o777).toBe(0o600);
    delivery.deliver('1234', 'another\n');
    expect(fs.readFileSync(path('1234'), 'utf8')).toBe('another\n');
    expect(fs.readdirSync(dir)).toEqual(['1234']);
  });

  it('replaces a link and does not follow it', () => {
    fs.writeFileSync(path('precious'), 'precious');
    fs.symlinkSync('precious', path('q1'));
    fs.symlinkSync('nowhere', path('q2'));
    for (const id of ['q1', 'q2']) {
      delivery.deliver(id, '<iq/>\n');
      expect(fs.lstatSync(path(id)).isFile()).toBe(true);
    }
    expect(fs.readFileSync(path('precious'), 'utf8')).toBe('precious');
    expect(fs.existsSync(path('nowhere'))).toBe(false);
  });

  it('does not follow a link to a FIFO either', () => {
    execFileSync('mkfifo', [path('fifo')]);
    fs.symlinkSync('fifo', path('q1'));
    delivery.deliver('q1', '<iq/>\n');
    expect(fs.lstatSync(path('q1')).isFile()).toBe(true);
  });

  it('leaves a directory alone', () => {
    fs.mkdirSync(path('example.org'));
    delivery.deliver('example.org', '<iq/>\n');
    expect(lost).toEqual([`example.org: ${path('example.org')} is a directory`]);
  });

  it('tells what the system refuses', () => {
    const nowhere = createDelivery(path('none'), (id, why) => lost.push(`${id}: ${why}`));
    nowhere.deliver('1', 'x');
    expect(lost).toEqual([`1: cannot write ${path('none/1')}: no such file or directory`]);
  });

  it('writes several answers into a FIFO one after the other, each whole', async () => {
    execFileSync('mkfifo', [path('q1')]);
    const answers = ['a', 'b', 'c'].map((c) => `<iq>${c.repeat(200_000)}</iq>\n`);
    for (const answer of answers) delivery.deliver('q1', answer);
    // One reader that holds it open, so that it sees no end between two answers.
    const reader = spawn('head', ['-n', '3', path('q1')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const hold = fs.openSync(path('q1'), fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
    expect(await text(reader.stdout)).toBe(answers.join(''));
    fs.closeSync(hold);
    await delivery.drain(60_000);
    expect(lost).toEqual([]);
  });

  it('serves a shell that waits', async () => {
    execFileSync('mkfifo', [path('q1')]);
    const reader = spawn('sh', ['-c', 'cat "$1"', 'sh', path('q1')], { stdio: ['ignore', 'pipe', 'inherit'] });
    delivery.deliver('q1', '<iq/>\n');
    expect(await text(reader.stdout)).toBe('<iq/>\n');
    if (reader.exitCode === null) await once(reader, 'exit');
  });

  it('drops what nobody reads until the end, or has been removed', async () => {
    execFileSync('mkfifo', [path('q1'), path('q2')]);
    delivery.deliver('q1', '<iq/>\n');
    delivery.deliver('q2', '<iq/>\n');
    fs.rmSync(path('q2'));
    await delivery.drain(50);
    expect(lost.sort()).toEqual(['q1: nobody reads it', 'q2: its FIFO has been removed']);
    expect(fs.existsSync(path('q2'))).toBe(false);
  });

  it('keeps so many answers waiting and not more', async () => {
    const ids = Array.from({ length: 66 }, (_, i) => `q${i}`);
    execFileSync('mkfifo', ids.map(path));
    for (const id of ids) delivery.deliver(id, '<iq/>\n');
    expect(lost).toEqual([
      'q64: too many answers wait for their readers',
      'q65: too many answers wait for their readers',
    ]);
    await delivery.drain(0);
    expect(lost).toHaveLength(66);
  });
});
