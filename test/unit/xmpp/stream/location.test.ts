import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { keepPlace, keptPlace } from '../../../../lib/xmpp/stream/location.ts';
import { scratch } from '../../sys/scratch.ts';

const ALICE = 'alice@example.org';

it('is kept for one account, and removed', () => {
  const dir = scratch();
  expect(keptPlace(dir, ALICE)).toBe(null);
  keepPlace(dir, ALICE, '[2001:db8::1]:9222');
  expect(keptPlace(dir, ALICE)).toBe('[2001:db8::1]:9222');
  expect(keptPlace(dir, 'bob@example.org')).toBe(null);
  keepPlace(dir, ALICE, null);
  keepPlace(dir, ALICE, null);
  expect(keptPlace(dir, ALICE)).toBe(null);
});

it.each(['', 'null', '[]', '{', '{"location":"a:1"}', `{"account":"${ALICE}","location":1}`])(
  'is nothing where the file holds %j',
  (text) => {
    const dir = scratch();
    fs.writeFileSync(path.join(dir, '.session'), text);
    expect(keptPlace(dir, ALICE)).toBe(null);
  },
);
