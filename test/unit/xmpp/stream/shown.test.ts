import { expect, it } from 'vitest';
import type { Control } from '../../../../lib/session/control.ts';
import { createSplitter } from '../../../../lib/xml/split.ts';
import { createShown } from '../../../../lib/xmpp/stream/shown.ts';

it('tells iqd of presence, and of nothing else, from the beginning', () => {
  const told: Control[] = [];
  const shown = createShown();
  const splitter = createSplitter('fragments', { stanza: shown.sent, fault: (error) => expect.fail(error.message) });
  const send = (text: string) => splitter.push(Buffer.from(text));
  send(`<presence><show>away</show></presence><presence to='a@x' type='subscribe'/><message to='b@x'/>`);
  shown.begin((control) => told.push(control));
  send(`<presence to='a@x/r' type='unavailable'/><presence to='c@x' type='probe'/><presence to='d@x'/>`);
  expect(told).toEqual([
    { what: 'shown', to: '', on: true },
    { what: 'shown', to: 'a@x/r', on: false },
    { what: 'shown', to: 'd@x', on: true },
  ]);
});
