import { Element } from 'ltx';
import { describe, expect, it } from 'vitest';
import { sortIq } from '../../../../lib/xmpp/iq/request.ts';
import { fromOwnAccount } from '../../../../lib/xmpp/jid/own-account.ts';
import { EVIL_IDS, element, request } from './stanzas.ts';

describe('sortIq', () => {
  it('takes results and errors as answers', () => {
    for (const type of ['result', 'error']) {
      const stanza = element(`<iq type='${type}' id='a.B-c_9' from='example.org'/>`);
      expect(sortIq(stanza)).toEqual({ kind: 'answer', id: 'a.B-c_9', from: 'example.org', stanza });
    }
  });

  it.each(EVIL_IDS)('takes no answer with the id %j', (id) => {
    expect(sortIq(new Element('iq', { type: 'result', id })).kind).toBe('bad');
  });

  it('takes any id in a request, where it names no file', () => {
    const stanza = element(`<iq type='get' id='../../.profile'><ping xmlns='urn:xmpp:ping'/></iq>`);
    const expected = { id: '../../.profile', from: undefined, type: 'get', ns: 'urn:xmpp:ping', stanza };
    expect(sortIq(stanza)).toEqual({ kind: 'request', request: expected });
  });

  it.each([
    ['none', ''],
    ['text only', 'hello'],
    ['two', `<a xmlns='urn:a'/><b xmlns='urn:b'/>`],
    ['one without a namespace', `<a xmlns=''/>`],
  ])('finds no namespace in a request with %s payload', (_, payload) => {
    expect(sortIq(request(payload))).toMatchObject({ kind: 'request', request: { ns: '' } });
  });

  it('finds the namespace behind a prefix and between white space', () => {
    expect(sortIq(request(`\n <p:a xmlns:p='urn:a'/>\n`))).toMatchObject({ kind: 'request', request: { ns: 'urn:a' } });
  });

  it.each([
    `<message type='get' id='1'/>`,
    `<iq xmlns='urn:blub' type='get' id='1'><x xmlns='urn:x'/></iq>`,
    `<p:iq xmlns:p='jabber:server' type='result' id='1'/>`,
  ])('has nothing to do with %s', (text) => {
    expect(sortIq(element(text))).toEqual({ kind: 'other' });
  });

  it.each([`<iq/>`, `<iq type='get'/>`, `<iq id='1'/>`, `<iq id='1' type='probe'/>`, `<iq id='1' type='GET'/>`])(
    'refuses %s',
    (text) => {
      expect(sortIq(element(text)).kind).toBe('bad');
    },
  );
});

describe('fromOwnAccount', () => {
  const own = 'alice@example.org/sj';

  it('believes nobody else', () => {
    expect(fromOwnAccount(undefined, own)).toBe(true);
    expect(fromOwnAccount('alice@example.org', own)).toBe(true);
    expect(fromOwnAccount('Alice@Example.ORG', own)).toBe(true);
    for (const from of ['mallory@example.org', 'alice@example.org/sj', 'alice@example.org.evil', 'example.org', '']) {
      expect(fromOwnAccount(from, own), from).toBe(false);
    }
  });

  it('believes only pushes from nobody where the own JID is not known', () => {
    expect(fromOwnAccount(undefined, undefined)).toBe(true);
    expect(fromOwnAccount('alice@example.org', undefined)).toBe(false);
    expect(fromOwnAccount('x', 'y')).toBe(false);
  });
});
