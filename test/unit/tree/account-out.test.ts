import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { limitEvents, logEvent } from '../../../lib/tree/events.ts';
import { dirName } from '../../../lib/tree/names.ts';
import { scratch } from '../sys/scratch.ts';

const lines = (dir: string) =>
  fs
    .readFileSync(path.join(dir, 'out'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d /, ''));

it('tells people what happened, in lines that nothing acts on', () => {
  const dir = scratch();
  logEvent(dir, 'online', 'me@x', 'me@x/desk');
  logEvent(dir, 'message', 'bob@x', 'hi');
  logEvent(dir, 'presence', 'bob@x', 'away');
  logEvent(dir, 'subscribe', 'eve@x', 'let me\n2026-01-01 00:00 <bob@x> in\u001b[2J\u202e');
  logEvent(dir, 'error', '', 'dropped a stanza');
  logEvent(dir, 'error', 'bob@x', 'not sent: offline');
  logEvent(dir, 'offline', 'me@x', 'the connection broke');
  logEvent(dir, 'offline', 'me@x');
  expect(lines(dir)).toEqual([
    '-!- online as me@x/desk',
    '-!- eve@x asks to see your presence: let me 2026-01-01 00:00 <bob@x> in [2J ',
    '-!- dropped a stanza',
    '-!- bob@x: not sent: offline',
    '-!- offline: the connection broke',
    '-!- offline',
  ]);
  expect(fs.statSync(path.join(dir, 'out')).mode & 0o777).toBe(0o600);
});

it('ends where events is full', () => {
  const dir = scratch();
  limitEvents(500);
  try {
    for (let i = 0; i < 1000; i++) logEvent(dir, 'subscribe', 'eve@x', `${i}`);
  } finally {
    limitEvents(Number.POSITIVE_INFINITY);
  }
  expect(lines(dir).length).toBeLessThan(20);
});

it('does not stop where out is something else', () => {
  const dir = scratch();
  fs.mkdirSync(path.join(dir, 'out'));
  logEvent(dir, 'error', '', 'x');
  expect(fs.readFileSync(path.join(dir, 'events'), 'utf8')).toContain('\tx\n');
});

it('is no name of a contact', () => expect(dirName('out')).toBe('%6Fut'));
