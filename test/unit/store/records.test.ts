import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openRecords } from '../../../lib/store/records.ts';
import { scratch } from '../sys/scratch.ts';

type Kept = [head: string, body: string];

function read(file: string): Kept[] {
  const found: Kept[] = [];
  openRecords(file, (head, body) => found.push([head, body.toString()])).close();
  return found;
}

const record = fc.tuple(fc.string({ unit: 'binary', maxLength: 20 }), fc.string({ unit: 'binary', maxLength: 40 }));

it('gives back what was appended, whatever was cut off or spoilt behind it', () => {
  const dir = scratch();
  let n = 0;
  fc.assert(
    fc.property(fc.array(record, { maxLength: 6 }), fc.nat(), fc.nat(255), (records, at, change) => {
      const file = path.join(dir, `${n++}`);
      const log = openRecords(file);
      const ends = records.map(([head, body]) => {
        log.append(head, Buffer.from(body));
        return log.size;
      });
      log.close();
      const plain = records.map(([head, body]) => [Buffer.from(head).toString(), Buffer.from(body).toString()]);
      expect(read(file)).toEqual(plain);
      const size = ends.at(-1) ?? 0;
      expect(fs.statSync(file).size).toBe(size);
      if (size === 0) return;
      const spoilt = at % size;
      const whole = ends.filter((end) => end <= spoilt).length;
      const bytes = fs.readFileSync(file);
      if (change === 0) fs.truncateSync(file, spoilt);
      else {
        bytes[spoilt]! ^= change;
        fs.writeFileSync(file, bytes);
      }
      expect(read(file)).toEqual(plain.slice(0, whole));
      // What is spoilt has been cut off, so that what comes now counts.
      const more = openRecords(file);
      more.append('more', Buffer.from('body'));
      more.close();
      expect(read(file)).toEqual([...plain.slice(0, whole), ['more', 'body']]);
    }),
  );
});

it('tells when it is on the disk, also after it was closed', async () => {
  const file = path.join(scratch(), 'log');
  const log = openRecords(file);
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  log.append('a', Buffer.alloc(0));
  const told = new Promise((resolve) => log.sync(resolve));
  log.close();
  expect(await told).toBe(null);
  const late = await new Promise((resolve) => log.sync(resolve));
  expect(late).toBeInstanceOf(Error);
});

it('is a regular file of its own', () => {
  const dir = scratch();
  fs.writeFileSync(path.join(dir, 'elsewhere'), 'x');
  fs.symlinkSync('elsewhere', path.join(dir, 'link'));
  expect(() => openRecords(path.join(dir, 'link'))).toThrow(/ELOOP/);
  expect(() => openRecords(dir)).toThrow();
  expect(fs.readFileSync(path.join(dir, 'elsewhere'), 'utf8')).toBe('x');
});
