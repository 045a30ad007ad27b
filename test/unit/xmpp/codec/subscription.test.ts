import { describe, expect, it } from 'vitest';
import { EXIT, Fatal } from '../../../../lib/cli/exit.ts';
import { canonical } from '../../../../lib/xml/write.ts';
import { type Asked, askedStanza } from '../../../../lib/xmpp/codec/subscription.ts';

const line = (asked: Asked) => canonical(askedStanza(asked, 'usage'));

describe('askedStanza', () => {
  it.each<[Asked, string]>([
    [{}, '<presence/>'],
    [{ show: 'away' }, '<presence><show>away</show></presence>'],
    [{ status: 'a & b\n"c"' }, '<presence><status>a &amp; b&#10;&quot;c&quot;</status></presence>'],
    [{ priority: '-128' }, '<presence><priority>-128</priority></presence>'],
    [{ priority: '+5' }, '<presence><priority>5</priority></presence>'],
    [{ type: 'unavailable', status: 'bye' }, "<presence type='unavailable'><status>bye</status></presence>"],
    [{ to: 'Bob@Example.ORG/Desk', show: 'dnd' }, "<presence to='bob@example.org/Desk'><show>dnd</show></presence>"],
    [{ to: 'bob@example.org/Desk', type: 'unavailable' }, "<presence to='bob@example.org/Desk' type='unavailable'/>"],
    [{ to: 'bob@example.org/Desk', type: 'subscribed' }, "<presence to='bob@example.org' type='subscribed'/>"],
    [{ to: 'gateway.example.org', type: 'unsubscribe' }, "<presence to='gateway.example.org' type='unsubscribe'/>"],
  ])('%j', (asked, text) => {
    expect(line(asked)).toBe(text);
  });

  it.each<[Asked, RegExp]>([
    [{ show: 'online' }, /SHOW is one of/],
    [{ show: '' }, /SHOW is one of/],
    [{ show: '<x/>' }, /SHOW is one of/],
    [{ type: 'away' }, /^away is a SHOW, not a TYPE: presence -s away$/],
    [{ type: 'probe', to: 'a@b' }, /TYPE is one of/],
    [{ type: 'error', to: 'a@b' }, /TYPE is one of/],
    [{ type: '' }, /TYPE is one of/],
    [{ type: 'subscribe' }, /needs a contact/],
    [{ type: 'unsubscribed' }, /needs a contact/],
    [{ type: 'unavailable', show: 'xa' }, /do not go with unavailable/],
    [{ type: 'subscribe', to: 'a@b', priority: '1' }, /do not go with subscribe/],
    [{ status: 'a\u0000b' }, /XML cannot carry/],
    [{ status: '\u001b[2J' }, /XML cannot carry/],
    [{ status: '\ud800' }, /XML cannot carry/],
    [{ priority: '128' }, /-128 to 127/],
    [{ priority: '-129' }, /-128 to 127/],
    [{ priority: '1.5' }, /-128 to 127/],
    [{ priority: '0x1' }, /-128 to 127/],
    [{ priority: '' }, /-128 to 127/],
    [{ to: '' }, /not a JID/],
    [{ to: '@example.org' }, /not a JID/],
    [{ to: 'bob@' }, /not a JID/],
    [{ to: 'bob@example.org/' }, /not a JID/],
    [{ to: 'a b@example.org' }, /not a JID/],
    [{ to: "'/><iq/>" }, /not a JID/],
  ])('refuses %j', (asked, message) => {
    try {
      line(asked);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(Fatal);
      expect((error as Fatal).code).toBe(EXIT.usage);
      expect((error as Fatal).usage).toBe('usage');
      expect((error as Fatal).message).toMatch(message);
    }
  });
});
