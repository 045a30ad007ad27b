import { describe, expect, it } from 'vitest';
import { parseElement } from '../../../../lib/xml/tree.ts';
import { interpret } from '../../../../lib/xmpp/codec/presence.ts';

const read = (xml: string) => interpret(parseElement(xml));
const presence = (inner: string, attributes = '') =>
  read(`<presence from='bob@example.org/desk' ${attributes}>${inner}</presence>`);
const MUC = 'http://jabber.org/protocol/muc#user';
const plain = { show: 'online', status: '', priority: 0, occupant: false };

describe('interpret', () => {
  it('reads show, status and priority', () => {
    expect(presence('')).toEqual({ kind: 'available', presence: plain, self: false });
    expect(presence('<show>dnd</show><status>busy &lt;3</status><priority>-7</priority>')).toEqual({
      kind: 'available',
      presence: { show: 'dnd', status: 'busy <3', priority: -7, occupant: false },
      self: false,
    });
    expect(presence('<show>\n\txa\n</show><priority> 127 </priority>')).toMatchObject({
      presence: { show: 'xa', priority: 127 },
    });
  });

  it('takes what it does not know for online with priority 0', () => {
    for (const show of ['', 'online', 'AWAY', 'busy', 'unavailable']) {
      expect(presence(`<show>${show}</show>`)).toMatchObject({ presence: { show: 'online' } });
    }
    for (const priority of ['', 'high', '1e2', '0x10', '128', '-129', '99999999999999999999', '1.5']) {
      expect(presence(`<priority>${priority}</priority>`)).toMatchObject({ presence: { priority: 0 } });
    }
  });

  it('reads only children of its own namespace', () => {
    expect(
      presence("<show xmlns='urn:x'>dnd</show><status xmlns='urn:x'>no</status><priority xmlns='urn:x'>9</priority>"),
    ).toMatchObject({
      presence: plain,
    });
    expect(presence("<x xmlns='urn:x'><show>dnd</show></x><status>yes</status>")).toMatchObject({
      presence: { show: 'online', status: 'yes' },
    });
  });

  it('prefers the status in the language of the stanza', () => {
    expect(presence("<status xml:lang='de'>weg</status><status>gone</status>")).toMatchObject({
      presence: { status: 'gone' },
    });
    expect(presence("<status xml:lang='de'>weg</status><status xml:lang='fr'>parti</status>")).toMatchObject({
      presence: { status: 'weg' },
    });
  });

  it('tells subscriptions from presence', () => {
    for (const type of ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed']) {
      expect(presence('<status>it is me</status>', `type='${type}'`)).toEqual({
        kind: 'subscription',
        type,
        status: 'it is me',
      });
    }
  });

  it('has nothing to say on probes, unknown types and other stanzas', () => {
    expect(presence('', "type='probe'")).toBeNull();
    expect(presence('', "type='available'")).toBeNull();
    expect(presence('', "type=''")).toBeNull();
    expect(presence('', "type='__proto__'")).toBeNull();
    expect(read("<presence xmlns='jabber:server'/>")).toBeNull();
    expect(read('<message><presence/></message>')).toBeNull();
    expect(read("<presence xmlns='jabber:client'/>")).toMatchObject({ kind: 'available' });
  });

  it('says why something did not arrive', () => {
    const error = (inner: string) => presence(inner, "type='error'");
    const ns = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'";
    expect(
      error(`<error type='cancel'><remote-server-not-found ${ns}/><text ${ns}>no such host</text></error>`),
    ).toEqual({
      kind: 'error',
      detail: 'remote-server-not-found no such host',
    });
    expect(error(`<error type='cancel'><text ${ns}>eh</text><forbidden ${ns}/></error>`)).toEqual({
      kind: 'error',
      detail: 'forbidden eh',
    });
    expect(error('')).toEqual({ kind: 'error', detail: 'undefined-condition' });
    expect(error('<error><gone/></error>')).toEqual({ kind: 'error', detail: 'undefined-condition' });
  });

  it('knows our own occupant of a room, and when we have left it', () => {
    const x = (...codes: number[]) =>
      `<x xmlns='${MUC}'><item/>${codes.map((c) => `<status code='${c}'/>`).join('')}</x>`;
    expect(presence(x())).toEqual({ kind: 'available', presence: { ...plain, occupant: true }, self: false });
    expect(presence(x(100, 110))).toMatchObject({ self: true });
    const gone = "type='unavailable'";
    expect(presence(x(), gone)).toEqual({ kind: 'unavailable', all: false });
    expect(presence(x(110), gone)).toEqual({ kind: 'unavailable', all: true });
    expect(presence(x(307, 110), gone)).toEqual({ kind: 'unavailable', all: true });
    expect(presence(x(303, 110), gone)).toEqual({ kind: 'unavailable', all: false });
    expect(presence("<x xmlns='urn:x'><status code='110'/></x>", gone)).toEqual({ kind: 'unavailable', all: false });
    expect(presence("<status code='110'/>", gone)).toEqual({ kind: 'unavailable', all: false });
  });
});
