import { describe, expect, it } from 'vitest';
import { canonical } from '../../../../lib/xml/write.ts';
import { judge } from '../../../../lib/xmpp/iq/verdict.ts';

const ended = (code: number | null, output: string | Buffer) =>
  judge({ code, signal: null, output: Buffer.from(output) });
const CONDITION = `<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>`;

describe('judge', () => {
  it('takes silence for an answer that the handler gave by itself', () => {
    expect(ended(0, '')).toEqual({ kind: 'done' });
  });

  it('takes white space for an empty result', () => {
    expect(ended(0, '\n')).toEqual({ kind: 'result', payload: null });
    expect(ended(0, ' \t\r\n \n')).toEqual({ kind: 'result', payload: null });
  });

  it('takes one element for the payload', () => {
    const verdict = ended(0, `\n<p:q xmlns:p='urn:q' a="1">\n <b/>&lt;</p:q>\n`);
    if (verdict.kind !== 'result' || verdict.payload === null) throw new Error(verdict.kind);
    expect(canonical(verdict.payload)).toBe(`<q xmlns='urn:q' a='1'>&#10; <b xmlns='jabber:client'/>&lt;</q>`);
  });

  it.each([
    'garbage',
    `<a xmlns='urn:a'>`,
    `<a xmlns='urn:a'/><b xmlns='urn:b'/>`,
    `<a xmlns='urn:a'/>text`,
    `<!-- c --><a xmlns='urn:a'/>`,
    `<?xml version='1.0'?><a xmlns='urn:a'/>`,
    `<a xmlns='urn:a'>&nbsp;</a>`,
    `</iq><message to='x'/>`,
    '\0',
    '<a/>',
    `<a xmlns=''/>`,
    `<error type='cancel'>${CONDITION}</error>`,
    Buffer.from(`<a xmlns='urn:a'>\xff</a>`, 'latin1'),
    '<a '.repeat(9999),
  ])('finds fault with %j', (output) => {
    expect(ended(0, output).kind).toBe('fault');
  });

  it('takes the error that a handler printed and failed with', () => {
    const verdict = ended(
      3,
      `<error type='wait'>${CONDITION}<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no</text></error>\n`,
    );
    if (verdict.kind !== 'error') throw new Error(verdict.kind);
    expect(verdict.error.attrs.type).toBe('wait');
  });

  it.each([
    '',
    '\n',
    'no',
    `<a xmlns='urn:a'/>`,
    `<error type='cancel'/>`,
    `<error type='huge'>${CONDITION}</error>`,
    `<error>${CONDITION}</error>`,
    `<error type='cancel'>${CONDITION}${CONDITION}</error>`,
    `<error xmlns='urn:x' type='cancel'>${CONDITION}</error>`,
  ])('finds fault with a failure that printed %j', (output) => {
    expect(ended(1, output).kind).toBe('fault');
  });

  it('finds fault with a run that was ended', () => {
    expect(ended(null, `<a xmlns='urn:a'/>`).kind).toBe('fault');
    expect(judge({ code: 0, signal: null, output: Buffer.alloc(0), failure: 'took too long' })).toEqual({
      kind: 'fault',
      why: 'took too long',
    });
  });
});
