import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical } from '../../../../lib/xml/write.ts';
import {
  rosterGet,
  rosterItems,
  rosterLine,
  rosterRemove,
  rosterSet,
  shownAs,
} from '../../../../lib/xmpp/iq/roster.ts';
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
      <item jid='c@d' subscription='both' name='C'><group>g</group><group>h</group></item><item xmlns='urn:x' jid='x'/><item jid='a@b' ask='subscribe'/></query></iq>`);
    expect(rosterItems(answer)).toEqual([
      { jid: 'a@b', name: '', subscription: 'none', asked: true, asks: false, groups: [] },
      { jid: 'c@d', name: 'C', subscription: 'both', asked: false, asks: false, groups: ['g', 'h'] },
    ]);
    expect(rosterItems(element(`<iq type='result'/>`))).toEqual([]);
  });

  it('show who has asked and was not answered, listed or not', () => {
    const answer = element(`<iq type='result' id='i'><query xmlns='jabber:iq:roster'>
      <item jid='b@c' subscription='to'/><item jid='c@d' subscription='from'/></query></iq>`);
    expect(rosterItems(answer, ['c@d', 'b@c', 'a@b']).map(rosterLine)).toEqual([
      'a@b\tnone asks\t\n',
      'b@c\tto asks\t\n',
      'c@d\tfrom\t\n',
    ]);
  });

  it('become one line each with a TAB between the columns and no other, whatever is in them', () => {
    const bob = { jid: 'a@b', subscription: 'both', name: 'A B', asked: false, asks: false, groups: [] };
    expect(rosterLine(bob)).toBe('a@b\tboth\tA B\n');
    expect(rosterLine({ ...bob, subscription: 'from', asked: true, groups: ['g', 'h h'] })).toBe(
      'a@b\tfrom asked\tA B\tg\th h\n',
    );
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(
        text,
        text,
        text,
        fc.boolean(),
        fc.boolean(),
        fc.array(text),
        (jid, subscription, name, asked, asks, groups) => {
          const line = rosterLine({ jid, subscription, name, asked, asks, groups });
          expect(line).toMatch(/^[^\n\r\u001b\u0085\u202e]*\n$/);
          expect(line.split('\t')).toHaveLength(3 + groups.length);
        },
      ),
    );
  });

  it('are found by what is shown', () => {
    const items = rosterItems(
      element(
        `<iq type='result' id='i'><query xmlns='jabber:iq:roster'><item jid='a&#10;b'/><item jid='c'/></query></iq>`,
      ),
    );
    expect(shownAs(items, 'a\ufffdb').map(({ jid }) => jid)).toEqual(['a\nb']);
    expect(shownAs(items, 'd')).toEqual([]);
  });
});
