import { expect, test } from 'vitest';
import { createJournal } from '../../../loopback/journal.ts';
import { el, NS } from '../../../loopback/xml.ts';

const message = (id: string) => el('message', NS.client, { id });

test('waits for what comes and finds what was there', async () => {
  const journal = createJournal(10);
  journal.add('a@x/r', message('1'));
  const later = journal.waitFor((r) => r.stanza.attrs.id === '2');
  journal.add('a@x/r', message('2'));
  expect((await later).xml).toBe("<message id='2'/>");
  expect((await journal.waitFor((r) => r.stanza.attrs.id === '1')).jid).toBe('a@x/r');
});

test('keeps no more than it was told and misses nothing while it drops', async () => {
  const journal = createJournal(5);
  const seen: (string | undefined)[] = [];
  const all = journal.waitFor((r) => {
    seen.push(r.stanza.attrs.id);
    return r.stanza.attrs.id === '49';
  });
  for (let i = 0; i < 50; i++) journal.add('a@x/r', message(`${i}`));
  await all;
  expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
  expect(journal.all().length).toBeLessThan(10);
});

test('says what it has seen when nothing came', async () => {
  const journal = createJournal(5);
  journal.add('a@x/r', message('1'));
  await expect(journal.until(() => false, 1, 'miracle')).rejects.toThrow(
    "no miracle within 1 ms; last received:\n  a@x/r: <message id='1'/>",
  );
});
