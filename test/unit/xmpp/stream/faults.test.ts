import { describe, expect, it } from 'vitest';
import { parseElement } from '../../../../lib/xml/tree.ts';
import { STREAM_NS } from '../../../../lib/xmpp/ns.ts';
import { Breach, streamFault } from '../../../../lib/xmpp/stream/faults.ts';

const NS = 'urn:ietf:params:xml:ns:xmpp-streams';

describe('ours', () => {
  it('names the condition and the reason, and closes the stream', () => {
    const text = new Breach('not-well-formed', '', `<&'">\n`).streamError;
    expect(text.endsWith('</stream:stream>')).toBe(true);
    const error = parseElement(text.replace('</stream:stream>', ''), {
      defaultNs: 'jabber:client',
      prefixes: new Map([['stream', STREAM_NS]]),
    });
    expect(error.is('error', STREAM_NS)).toBe(true);
    expect(error.getChild('not-well-formed', NS)).toBeDefined();
    expect(error.getChildText('text', NS)).toBe(`<&'">\n`);
  });
  it('may do without a reason', () => {
    expect(new Breach('restricted-xml', 'for the user').streamError).toBe(
      `<stream:error><restricted-xml xmlns='${NS}'/></stream:error></stream:stream>`,
    );
  });
});

describe("the server's", () => {
  const fault = (content: string) => {
    const { code, message } = streamFault(parseElement(`<error xmlns='${STREAM_NS}'>${content}</error>`));
    return { code, message };
  };
  // RFC 6120 section 4.9.3, all of it.
  it.each([
    ['bad-format', 76],
    ['bad-namespace-prefix', 76],
    ['conflict', 77],
    ['connection-timeout', 111],
    ['host-gone', 100],
    ['host-unknown', 100],
    ['improper-addressing', 100],
    ['internal-server-error', 111],
    ['invalid-from', 76],
    ['invalid-namespace', 76],
    ['invalid-xml', 76],
    ['not-authorized', 77],
    ['not-well-formed', 76],
    ['policy-violation', 111],
    ['remote-connection-failed', 111],
    ['reset', 111],
    ['resource-constraint', 111],
    ['restricted-xml', 76],
    ['see-other-host', 111],
    ['system-shutdown', 111],
    ['undefined-condition', 111],
    ['unsupported-encoding', 76],
    ['unsupported-feature', 76],
    ['unsupported-stanza-type', 76],
    ['unsupported-version', 76],
    ['x-of-tomorrow', 111],
    ['constructor', 111],
  ])('%s is %d', (condition, code) => {
    expect(fault(`<${condition} xmlns='${NS}'/>`)).toEqual({
      code,
      message: `the server ended the stream: ${condition}`,
    });
  });
  it('says its text, if it is short', () => {
    const text = (t: string) => fault(`<text xmlns='${NS}'>${t}</text><reset xmlns='${NS}'/>`).message;
    expect(text('bye &amp; bye')).toBe('the server ended the stream: reset: bye & bye');
    expect(text('x'.repeat(10_000)).length).toBeLessThan(300);
  });
  it('counts only in its namespace', () => {
    expect(fault("<conflict xmlns='urn:x'/><text>no</text>").message).toBe(
      'the server ended the stream: undefined-condition',
    );
    expect(fault(`<x xmlns='urn:x'/><conflict xmlns='${NS}'/>`).code).toBe(77);
  });
  it('may be empty', () => expect(fault('').message).toBe('the server ended the stream: undefined-condition'));
});
