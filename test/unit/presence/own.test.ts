import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOwnPresence } from '../../../lib/presence/own.ts';
import { ONLINE, type Own, parseOwn } from '../../../lib/tree/mypresence.ts';
import { encodePresence } from '../../../lib/xmpp/codec/presence-out.ts';

const BOB = 'bob@example.org';
const EVE = 'eve@example.org';

/** An own presence in terms of what stands in the files. */
function suite() {
  const own = createOwnPresence();
  return {
    own,
    update: (global: string, contacts: Record<string, string | null> = {}) =>
      own
        .update(
          parseOwn(global),
          new Map(Object.entries(contacts).map(([jid, text]) => [jid, text === null ? null : parseOwn(text)])),
        )
        .map(({ own, to }) => encodePresence(own, to)),
  };
}

describe('createOwnPresence', () => {
  it('begins with the initial presence', () => {
    expect(suite().update('')).toEqual(['<presence/>']);
    expect(suite().update('away lunch')).toEqual(['<presence><show>away</show><status>lunch</status></presence>']);
    expect(suite().update('<&>')).toEqual(['<presence><status>&lt;&amp;&gt;</status></presence>']);
  });

  it('begins with nothing when the user is offline', () => {
    const { update } = suite();
    expect(update('offline')).toEqual([]);
    expect(update('offline')).toEqual([]);
    expect(update('chat')).toEqual(['<presence><show>chat</show></presence>']);
    expect(update('offline bye')).toEqual(["<presence type='unavailable'><status>bye</status></presence>"]);
  });

  it('sends directed presence after the global one, at the begin and at each change', () => {
    const { update } = suite();
    const directed = [
      `<presence to='${BOB}'><show>dnd</show><status>not now</status></presence>`,
      `<presence to='${EVE}' type='unavailable'/>`,
    ];
    expect(update('', { [BOB]: 'dnd not now', [EVE]: 'offline', 'no@example.org': null })).toEqual([
      '<presence/>',
      ...directed,
    ]);
    expect(update('xa')).toEqual(['<presence><show>xa</show></presence>', ...directed]);
    expect(update('xa', { [BOB]: 'dnd not now', [EVE]: 'offline' })).toEqual([]);
    expect(update('offline')).toEqual(["<presence type='unavailable'/>", ...directed]);
  });

  it('sends directed presence alone when only that changes', () => {
    const { update } = suite();
    update('');
    expect(update('', { [BOB]: '' })).toEqual([`<presence to='${BOB}'/>`]);
    expect(update('', { [BOB]: 'online' })).toEqual([]);
    expect(update('', { [BOB]: 'away' })).toEqual([`<presence to='${BOB}'><show>away</show></presence>`]);
  });

  it('withdraws: takes the directed one back, then the global one again, then the other directed ones', () => {
    const { update, own } = suite();
    update('away', { [BOB]: 'dnd', [EVE]: 'chat' });
    expect(update('away', { [BOB]: null })).toEqual([
      `<presence to='${BOB}' type='unavailable'/>`,
      '<presence><show>away</show></presence>',
      `<presence to='${EVE}'><show>chat</show></presence>`,
    ]);
    expect([...own.contacts()]).toEqual([EVE]);
    expect(update('away', { [BOB]: null })).toEqual([]);
  });

  it('withdraws without a word where the contact saw offline already', () => {
    const { update } = suite();
    update('', { [BOB]: 'offline' });
    expect(update('', { [BOB]: null })).toEqual(['<presence/>']);
  });

  it('shows nobody more than offline when it withdraws while the global one is offline', () => {
    const { update } = suite();
    update('offline', { [BOB]: 'chat', [EVE]: 'away' });
    expect(update('offline', { [BOB]: null })).toEqual([`<presence to='${BOB}' type='unavailable'/>`]);
    expect(update('', {})).toEqual(['<presence/>', `<presence to='${EVE}'><show>away</show></presence>`]);
  });

  /** What a server does with own presence (RFC 6121 sections 4.2 to 4.6): who sees what. */
  function server(subscribers: readonly string[]) {
    const seen = new Map<string, string>();
    const given = new Set<string>();
    return {
      seen,
      take(stanza: string) {
        const to = /^<presence to='([^']*)'/.exec(stanza)?.[1];
        const what = stanza.includes("type='unavailable'") ? 'offline' : (/<show>(\w+)/.exec(stanza)?.[1] ?? 'online');
        if (to !== undefined) {
          seen.set(to, what);
          given.add(to);
          return;
        }
        for (const jid of subscribers) seen.set(jid, what);
        if (what === 'offline') for (const jid of given) seen.set(jid, what);
      },
    };
  }

  it('lets everybody see what the files say, whatever changes in whatever order', () => {
    const everybody = ['friend1@x', 'friend2@x', 'stranger1@x', 'stranger2@x'];
    const friends = everybody.slice(0, 2);
    const line = fc.constantFrom('', 'away', 'dnd', 'offline');
    const change = fc.record(
      { global: line, contacts: fc.dictionary(fc.constantFrom(...everybody), fc.option(line), { maxKeys: 4 }) },
      { requiredKeys: ['contacts'] },
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
        const own = createOwnPresence();
        const { seen, take } = server(friends);
        let global: Own = ONLINE;
        const files = new Map<string, Own>();
        for (const c of changes) {
          if (c.global !== undefined) global = parseOwn(c.global);
          const contacts = new Map<string, Own | null>();
          for (const [jid, text] of Object.entries(c.contacts)) {
            const value = text === null ? null : parseOwn(text);
            contacts.set(jid, value);
            if (value === null) files.delete(jid);
            else files.set(jid, value);
          }
          for (const { own: shown, to } of own.update(global, contacts)) take(encodePresence(shown, to));
          for (const jid of everybody) {
            const shall = files.get(jid) ?? (friends.includes(jid) ? global : { show: 'offline' });
            expect([jid, seen.get(jid) ?? 'offline']).toEqual([jid, shall.show]);
          }
        }
      }),
    );
  });
});
