import fc from 'fast-check';
import { Element } from 'ltx';
import { describe, expect, it } from 'vitest';
import { isXmlText } from '../../../../lib/xml/chars.ts';
import { canonical } from '../../../../lib/xml/write.ts';
import { errorFor, result } from '../../../../lib/xmpp/iq/answer.ts';
import type { Request } from '../../../../lib/xmpp/iq/request.ts';
import { element, SHELL } from './stanzas.ts';

const asked = (id: string, from?: string): Request => ({
  id,
  from,
  type: 'get',
  ns: 'urn:x',
  stanza: new Element('iq'),
});

describe('answers', () => {
  it('go to the asker with the same id', () => {
    expect(canonical(result(asked('1', 'bob@example.org/x')))).toBe(
      `<iq type='result' id='1' to='bob@example.org/x'/>`,
    );
    expect(canonical(result(asked('1')))).toBe(`<iq type='result' id='1'/>`);
    expect(canonical(result(asked('1'), element(`<q xmlns='urn:q'/>`)))).toBe(
      `<iq type='result' id='1'><q xmlns='urn:q'/></iq>`,
    );
  });

  it('have a condition and its type', () => {
    expect(canonical(errorFor(asked('1', 'b@c'), 'service-unavailable'))).toBe(
      `<iq type='error' id='1' to='b@c'><error type='cancel'>` +
        `<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    );
    expect(canonical(errorFor(asked('1'), 'resource-constraint'))).toContain(`<error type='wait'>`);
    expect(canonical(errorFor(asked('1'), 'bad-request'))).toContain(`<error type='modify'>`);
  });

  it('carry any id and address unchanged, in one line', () => {
    const text = fc
      .oneof(fc.string({ unit: 'binary' }), fc.constantFrom(SHELL, `'/><message to='x'>`, 'a\nb\tc\rd'))
      .filter(isXmlText);
    fc.assert(
      fc.property(text, text, (id, from) => {
        const line = canonical(errorFor(asked(id, from), 'bad-request'));
        expect(line).not.toMatch(/[\n\r]/);
        const { attrs, children } = element(line);
        expect({ ...attrs }).toEqual({ type: 'error', id, to: from });
        expect(children).toHaveLength(1);
      }),
    );
  });
});
