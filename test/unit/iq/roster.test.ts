import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rosterGet, rosterItems, rosterLine, rosterRemove, rosterSet } from '../../../lib/iq/roster.ts';
import { canonical } from '../../../lib/xml/write.ts';
import { element } from './stanzas.ts';

describe('roster stanzas', () => {
  it('ask, set and remove', () => {
    expect(canonical(rosterGet('i'))).toBe(`<iq type='get' id='i'><query xmlns='jabber:iq:roster'/></iq>`);
    expect(canonical(rosterSet('i', 'bob@example.org', `B'o<b`, ['a&b', 'c', 'c']))).toBe(
      `<iq type='set' id='i'><query xmlns='jabber:iq:roster'><item jid='bob@example.org' name='B&apos;o&lt;b'>` +
        '<group>a&amp;b</group><group>c</group></item></query></iq>',
    );
    expect(canonical(rosterSet('i', 'b', undefined, []))).toBe(
      `<iq type='set' id='i'><query xmlns='jabber:iq:roster'><item jid='b'/></query></iq>`,
    );
    expect(canonical(rosterRemove('i', 'b'))).toContain(`<item jid='b' subscription='remove'/>`);
  });

  it('are read in order', () => {
    const answer = element(`<iq type='result' id='i'><query xmlns='jabber:iq:roster'>
      <item jid='c@d' subscription='both' name='C'><group>g</group></item><item xmlns='urn:x' jid='x'/><item jid='a@b'/></query></iq>`);
    expect(rosterItems(answer)).toEqual([
      { jid: 'a@b', name: '', subscription: 'none' },
      { jid: 'c@d', name: 'C', subscription: 'both' },
    ]);
    expect(rosterItems(element(`<iq type='result'/>`))).toEqual([]);
  });

  it('become one line each with three columns, whatever is in them', () => {
    expect(rosterLine({ jid: 'a@b', subscription: 'both', name: 'A B' })).toBe(`a@b${' '.repeat(27)}\tboth\tA B\n`);
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        (jid, subscription, name) => {
          expect(rosterLine({ jid, subscription, name })).toMatch(
            /^[^\t\n\r\u001b\u0085\u202e]*\t[^\t\n\r\u001b\u0085\u202e]*\t[^\t\n\r\u001b\u0085\u202e]*\n$/,
          );
        },
      ),
    );
  });
});
