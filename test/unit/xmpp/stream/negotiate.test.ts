import { describe, expect, it } from 'vitest';
import { Fatal } from '../../../../lib/cli/exit.ts';
import { parseElement } from '../../../../lib/xml/tree.ts';
import { STREAM_NS } from '../../../../lib/xmpp/ns.ts';
import type { Bindings } from '../../../../lib/xmpp/sasl/binding.ts';

import { negotiate } from '../../../../lib/xmpp/stream/negotiate.ts';
import type { Account } from '../../../../lib/xmpp/stream/session-model.ts';
import { scramServer } from '../sasl/server.ts';

const SCOPE = { defaultNs: 'jabber:client', prefixes: new Map([['stream', STREAM_NS]]) };
const NS = {
  tls: 'urn:ietf:params:xml:ns:xmpp-tls',
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  bind: 'urn:ietf:params:xml:ns:xmpp-bind',
  streams: 'urn:ietf:params:xml:ns:xmpp-streams',
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  session: 'urn:ietf:params:xml:ns:xmpp-session',
};
const STARTTLS = `<starttls xmlns='${NS.tls}'><required/></starttls>`;
const BIND = `<bind xmlns='${NS.bind}'/>`;
const EXPORTER: Bindings = new Map([['tls-exporter', Buffer.from('the connection')]]);

const mechanisms = (...names: string[]) =>
  `<mechanisms xmlns='${NS.sasl}'>${names.map((name) => `<mechanism>${name}</mechanism>`).join('')}</mechanisms>`;
const features = (...content: string[]) => `<stream:features>${content.join('')}</stream:features>`;
const sasl = (name: string, content = '') => `<${name} xmlns='${NS.sasl}'>${content}</${name}>`;
const b64 = (text: string) => Buffer.from(text).toString('base64');
const unb64 = (text: string) => Buffer.from(text, 'base64').toString();

const ALICE: Account = {
  user: 'alice',
  domain: 'example.org',
  resource: 'sj',
  tls: 'starttls',
  plainInClear: false,
  haveCert: false,
  floor: null,
  resume: null,
  known: false,
  password: async () => 'secret',
};

/** A negotiation, and the side of the server that a test plays. */
function begin(account: Partial<Account> = {}, bindings: Bindings | null = null) {
  const log: string[] = [];
  const waiting: (() => void)[] = [];
  const heard = (what: string) => {
    log.push(what);
    waiting.shift()?.();
  };
  const config = { ...ALICE, ...account };
  const machine = negotiate(config, {
    send: (text) => heard(text),
    startTls: () => heard('TLS'),
    restart: () => log.push('restart'),
    authenticated: (mechanism) => log.push(`by ${mechanism}`),
    resuming: () => log.push('resuming'),
    unresumable: () => log.push('unresumable'),
    early: (stanza) => log.push(`early ${stanza.name}`),
    online: ({ jid, managed, arrivedBefore }) =>
      heard(
        `online ${jid}${managed === null && arrivedBefore === null ? '' : ` ${JSON.stringify({ managed, arrivedBefore })}`}`,
      ),
    failed: (error) => heard(`failed ${(error as Fatal).code} ${error.message}`),
  });
  const self = {
    machine,
    /** Everything that was done since the last call. */
    done: () => log.splice(0),
    header: (attrs = "version='1.0'") =>
      machine.header(parseElement(`<stream xmlns='${STREAM_NS}' from='example.org' ${attrs}/>`)),
    says: (xml: string, behind = 0) => machine.element(parseElement(xml, SCOPE), behind),
    /** Says something that is thought about, and waits for what comes of it. */
    async asks(xml: string): Promise<string> {
      const answer = new Promise<void>((resolve) => waiting.push(resolve));
      self.says(xml);
      await answer;
      return log.pop()!;
    },
    opens(...content: string[]) {
      self.header();
      self.says(features(...content));
    },
    /** As far as the offer of mechanisms, by STARTTLS. */
    tls(more: Bindings = EXPORTER) {
      self.opens(STARTTLS, mechanisms('PLAIN'));
      self.says(`<proceed xmlns='${NS.tls}'/>`);
      machine.secured(more);
      self.header();
      self.done();
    },
    /** As far as the features of the stream that is authenticated. */
    async loggedIn(how: 'PLAIN' | 'SCRAM-SHA-1' = 'PLAIN') {
      await self.asks(features(mechanisms(how)));
      self.says(sasl('success'));
      self.header();
      self.done();
    },
  };
  machine.start(bindings);
  return self;
}

/** The end that something means: its exit code and text. */
function end(work: () => void): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Fatal) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'none';
}

const HEADER = (from: string) =>
  `<?xml version='1.0'?><stream:stream${from} to='example.org' version='1.0' xml:lang='en' xmlns='jabber:client' xmlns:stream='${STREAM_NS}'>`;
const NAMED = HEADER(" from='alice@example.org'");
const UNNAMED = HEADER('');
const BIND_REQUEST = `<iq type='set' id='sj:bind'><bind xmlns='${NS.bind}'><resource>sj</resource></bind></iq>`;
const BOUND = `<iq type='result' id='sj:bind'><bind xmlns='${NS.bind}'><jid>alice@example.org/sj</jid></bind></iq>`;

describe('the whole way', () => {
  it('STARTTLS, SCRAM with channel binding, bind', async () => {
    const to = begin();
    expect(to.done()).toEqual([UNNAMED]);
    to.opens(STARTTLS, mechanisms('SCRAM-SHA-1', 'PLAIN'));
    expect(to.done()).toEqual([`<starttls xmlns='${NS.tls}'/>`]);
    to.says(`<proceed xmlns='${NS.tls}'/>`);
    expect(to.done()).toEqual(['TLS']);
    to.machine.secured(EXPORTER);
    expect(to.done()).toEqual(['restart', NAMED]);
    to.header();
    const types =
      "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-exporter'/></sasl-channel-binding>";
    const auth = parseElement(await to.asks(features(mechanisms('SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'), types)));
    expect(auth.attrs).toMatchObject({ xmlns: NS.sasl, mechanism: 'SCRAM-SHA-256-PLUS' });
    const server = scramServer('sha256', 'secret');
    const first = unb64(auth.getText());
    expect(first).toMatch(/^p=tls-exporter,,n=alice,r=/);
    const response = parseElement(await to.asks(sasl('challenge', b64(server.first(first)))));
    expect(response.is('response', NS.sasl)).toBe(true);
    const last = server.final(unb64(response.getText()));
    expect(to.done()).toEqual([]);
    to.says(sasl('success', b64(last!)));
    expect(to.done()).toEqual(['by SCRAM-SHA-256-PLUS', 'restart', NAMED]);
    to.opens(BIND);
    expect(to.done()).toEqual([BIND_REQUEST]);
    to.says(BOUND);
    expect(to.done()).toEqual(['online alice@example.org/sj']);
  });

  it.each([
    ['TLS of our own from the first byte', 'ours', EXPORTER],
    ['TLS outside of us', 'outside', null],
  ] as const)('%s: STARTTLS is not asked for', async (_, tls, bindings) => {
    const to = begin({ tls }, bindings);
    expect(to.done()).toEqual([NAMED]);
    to.header();
    expect(await to.asks(features(STARTTLS, mechanisms('PLAIN')))).toBe(
      `<auth xmlns='${NS.sasl}' mechanism='PLAIN'>${b64('\0alice\0secret')}</auth>`,
    );
    to.says(sasl('success'));
    expect(to.done()).toEqual(['by PLAIN', 'restart', NAMED]);
    to.opens(BIND);
    to.says(BOUND);
    expect(to.done()).toEqual([BIND_REQUEST, 'online alice@example.org/sj']);
  });

  it('-I takes STARTTLS where it is offered', () => {
    const to = begin({ tls: 'optional' });
    expect(to.done()).toEqual([UNNAMED]);
    to.opens(STARTTLS, mechanisms('PLAIN'));
    expect(to.done()).toEqual([`<starttls xmlns='${NS.tls}'/>`]);
  });

  it('-I goes without where it is not offered; who we are is not said before it is proved', async () => {
    const to = begin({ tls: 'optional' });
    to.header();
    to.done();
    const auth = parseElement(await to.asks(features(mechanisms('SCRAM-SHA-1', 'PLAIN'))));
    expect(auth.attrs.mechanism).toBe('SCRAM-SHA-1');
    expect(unb64(auth.getText())).toMatch(/^n,,/);
    const server = scramServer('sha1', 'secret');
    const response = parseElement(await to.asks(sasl('challenge', b64(server.first(unb64(auth.getText()))))));
    to.says(sasl('success', b64(server.final(unb64(response.getText()))!)));
    expect(to.done()).toEqual(['by SCRAM-SHA-1', 'restart', UNNAMED]);
    // Too late for TLS: what a server offers now is not looked at.
    to.opens(STARTTLS, BIND);
    to.says(BOUND);
    expect(to.done()).toEqual([BIND_REQUEST, 'online alice@example.org/sj']);
  });

  it('PLAIN in the clear only with -I -I', async () => {
    const no = begin({ tls: 'optional' });
    no.header();
    expect(end(() => no.says(features(mechanisms('PLAIN'))))).toMatch(/^76 .*no TLS/);
    const yes = begin({ tls: 'optional', plainInClear: true });
    yes.header();
    expect(await yes.asks(features(mechanisms('PLAIN')))).toContain("mechanism='PLAIN'");
  });

  it('an old session is asked for once the resource is bound, and nobody waits for it', async () => {
    const to = begin();
    to.tls();
    await to.loggedIn();
    to.says(features(BIND, `<session xmlns='${NS.session}'/>`));
    expect(to.done()).toEqual([BIND_REQUEST]);
    to.says(BOUND);
    expect(to.done()).toEqual([
      `<iq type='set' id='sj:session'><session xmlns='${NS.session}'/></iq>`,
      'online alice@example.org/sj',
    ]);
  });

  it('escapes what stands in attributes', () => {
    const to = begin({ user: "o'brien&co", tls: 'outside' });
    expect(to.done()[0]).toContain(" from='o&apos;brien&amp;co@example.org'");
  });
});

describe('STARTTLS', () => {
  it('is not offered: no password for this server', () => {
    const to = begin();
    to.header();
    expect(end(() => to.says(features(mechanisms('PLAIN', 'SCRAM-SHA-1'))))).toBe(
      '76 the server offers no STARTTLS, so it gets no password (-I goes without)',
    );
    expect(to.done()).toEqual([UNNAMED]);
  });
  it('of another namespace is none', () => {
    const to = begin();
    to.header();
    expect(end(() => to.says(features("<starttls xmlns='urn:x'/>", mechanisms('PLAIN'))))).toMatch(/^76 .*no STARTTLS/);
  });
  it.each([
    ['bytes behind <proceed/>', `<proceed xmlns='${NS.tls}'/>`, 1, /^76 .*bytes between <proceed\/> and TLS/],
    ['<failure/>', `<failure xmlns='${NS.tls}'/>`, 0, /^111 the server cannot do TLS now/],
    ['<proceed/> of another namespace', '<proceed/>', 0, /^76 .*<proceed> instead of TLS/],
    ['SASL at once', sasl('success'), 0, /^76 .*<success> instead of TLS/],
    ['a message', '<message/>', 0, /^76 .*<message> instead of TLS/],
    ['its features again', features(mechanisms('PLAIN')), 0, /^76 .*<features> instead of TLS/],
  ])('%s', (_, answer, behind, expected) => {
    const to = begin();
    to.opens(STARTTLS);
    to.done();
    expect(end(() => to.says(answer, behind))).toMatch(expected);
    expect(to.done()).toEqual([]);
  });
  it('is not asked for again within TLS', async () => {
    const to = begin();
    to.tls();
    expect(await to.asks(features(STARTTLS, mechanisms('PLAIN')))).toContain('<auth ');
  });
});

describe('authentication', () => {
  it.each([
    ['not-authorized', 77],
    ['account-disabled', 77],
    ['credentials-expired', 77],
    ['invalid-authzid', 77],
    ['temporary-auth-failure', 111],
    ['invalid-mechanism', 76],
    ['mechanism-too-weak', 76],
    ['encryption-required', 76],
    ['malformed-request', 76],
    ['incorrect-encoding', 76],
    ['aborted', 76],
    ['of-tomorrow', 76],
  ])('<%s/> is %d', async (condition, code) => {
    const to = begin();
    to.tls();
    await to.asks(features(mechanisms('PLAIN')));
    const failure = sasl('failure', `<text>No.</text><${condition}/>`);
    expect(end(() => to.says(failure))).toMatch(new RegExp(`^${code} .*\\(${condition}\\): No\\.$`));
    expect(to.done()).toEqual([]);
  });
  it('<failure/> may say nothing', async () => {
    const to = begin();
    to.tls();
    await to.asks(features(mechanisms('PLAIN')));
    expect(end(() => to.says(sasl('failure')))).toMatch(/^76 .*\(unknown\)$/);
  });
  it('a server that does not know the password is refused', async () => {
    const to = begin();
    to.tls();
    const auth = parseElement(await to.asks(features(mechanisms('SCRAM-SHA-1'))));
    const server = scramServer('sha1', 'secret');
    await to.asks(sasl('challenge', b64(server.first(unb64(auth.getText())))));
    expect(end(() => to.says(sasl('success', b64('v=AAAAAAAAAAAAAAAAAAAAAAAAAAA='))))).toMatch(
      /^76 .*signature is wrong/,
    );
    expect(to.done()).toEqual([]);
  });
  it.each([
    ['nothing', ''],
    ['=', '='],
  ])('a server that proves nothing is refused: %s', async (_, proof) => {
    const to = begin();
    to.tls();
    const auth = parseElement(await to.asks(features(mechanisms('SCRAM-SHA-1'))));
    const server = scramServer('sha1', 'secret');
    await to.asks(sasl('challenge', b64(server.first(unb64(auth.getText())))));
    expect(end(() => to.says(sasl('success', proof)))).toMatch(/^76 .*does not prove/);
  });
  it('a success before the exchange is refused', async () => {
    const to = begin();
    to.tls();
    await to.asks(features(mechanisms('SCRAM-SHA-1')));
    expect(end(() => to.says(sasl('success')))).toMatch(/^76 .*does not prove/);
    expect(to.done()).toEqual([]);
  });
  it('the proof may come as a challenge, and is answered with nothing', async () => {
    const to = begin();
    to.tls();
    const auth = parseElement(await to.asks(features(mechanisms('SCRAM-SHA-1'))));
    const server = scramServer('sha1', 'secret');
    const response = parseElement(await to.asks(sasl('challenge', b64(server.first(unb64(auth.getText()))))));
    const last = b64(server.final(unb64(response.getText()))!);
    expect(await to.asks(sasl('challenge', last))).toBe(`<response xmlns='${NS.sasl}'/>`);
    to.says(sasl('success'));
    expect(to.done()).toEqual(['by SCRAM-SHA-1', 'restart', NAMED]);
  });
  it.each([
    ['a wrong nonce', `r=other,s=${b64('salt')},i=4096`, /^failed 76 .*nonce/],
    ['no SCRAM', 'hello', /^failed 76 .*cannot be read/],
    ['a refusal', 'e=unknown-user', /^failed 77 .*unknown-user/],
    ['no resources', 'e=no-resources', /^failed 111 .*no-resources/],
  ])('a challenge with %s', async (_, text, expected) => {
    const to = begin();
    to.tls();
    await to.asks(features(mechanisms('SCRAM-SHA-1')));
    expect(await to.asks(sasl('challenge', b64(text)))).toMatch(expected);
  });
  it('a challenge for PLAIN', async () => {
    const to = begin();
    to.tls();
    await to.asks(features(mechanisms('PLAIN')));
    expect(await to.asks(sasl('challenge'))).toMatch(/^failed 76 .*PLAIN has none/);
  });
  it.each([
    ['another namespace', '<success/>'],
    ['no element of SASL', sasl('proceed')],
    ['a message', '<message/>'],
    ['features', features(BIND)],
  ])('%s meanwhile', async (_, xml) => {
    const to = begin();
    to.tls();
    await to.asks(features(mechanisms('PLAIN')));
    expect(end(() => to.says(xml))).toMatch(/^76 the server broke the protocol: <.*> during authentication/);
  });
  it('features without mechanisms', () => {
    for (const content of ['', BIND, mechanisms('PLAIN').replace(NS.sasl, 'urn:x')]) {
      const to = begin();
      to.tls();
      expect(end(() => to.says(features(content)))).toMatch(/^76 .*no SASL mechanisms/);
    }
  });
  it('mechanisms that we have not got', () => {
    const to = begin();
    to.tls();
    expect(end(() => to.says(features(mechanisms('X-A', 'DIGEST-MD5'))))).toMatch(/^76 .*only X-A, DIGEST-MD5/);
    expect(end(() => begin({ tls: 'outside' }).opens(mechanisms()))).toMatch(/^76 .*no mechanism/);
  });
  it('nothing else instead of features', () => {
    for (const xml of ['<message/>', sasl('success'), `<features xmlns='jabber:client'/>`, BOUND]) {
      const to = begin();
      to.header();
      expect(end(() => to.says(xml))).toMatch(/^76 .*instead of its features/);
    }
  });

  describe('the floor', () => {
    it('below it nothing is said, and what to do about it', () => {
      const to = begin({ floor: 'SCRAM-SHA-256' });
      to.tls();
      const text = end(() => to.says(features(mechanisms('SCRAM-SHA-1', 'PLAIN'))));
      expect(text).toMatch(/^76 .*SCRAM-SHA-256 was used before.*remove the file \.sasl/);
      expect(to.done()).toEqual([]);
    });
    it('that nobody knows can be removed, too', () => {
      const to = begin({ floor: 'SCRAM-SHA3-512' });
      to.tls();
      expect(end(() => to.says(features(mechanisms('SCRAM-SHA-256'))))).toMatch(/^100 .*remove the file \.sasl/);
    });
    it('at it all is well', async () => {
      const to = begin({ floor: 'SCRAM-SHA-1' });
      to.tls();
      expect(await to.asks(features(mechanisms('SCRAM-SHA-256', 'PLAIN')))).toContain("'SCRAM-SHA-256'");
    });
    it('another refusal has another remedy', () => {
      const to = begin();
      to.tls();
      expect(end(() => to.says(features(mechanisms('X-A'))))).not.toContain('.sasl');
    });
  });

  describe('the list of mechanisms', () => {
    /** The server-first-message with the hash of a list (XEP-0474), and what becomes of it. */
    async function vouched(names: string[], hashed: string[]): Promise<string> {
      const to = begin();
      to.tls();
      const auth = parseElement(await to.asks(features(mechanisms(...names))));
      const { createHash } = await import('node:crypto');
      const hash = createHash('sha1').update(hashed.toSorted().join('\x1e')).digest('base64');
      const server = scramServer('sha1', 'secret', 4096, `,h=${hash}`);
      return to.asks(sasl('challenge', b64(server.first(unb64(auth.getText())))));
    }
    it('is checked word for word where the server vouches for it', async () => {
      expect(await vouched(['SCRAM-SHA-1', 'PLAIN'], ['SCRAM-SHA-1', 'PLAIN'])).toMatch(/^<response /);
      expect(await vouched(['SCRAM-SHA-1', 'PLAIN'], ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'PLAIN'])).toMatch(
        /^failed 76 .*changed the server's list/,
      );
    });
    it('is understood with white space in it, and checked with it', async () => {
      expect(await vouched([' SCRAM-SHA-1\n', 'PLAIN'], [' SCRAM-SHA-1\n', 'PLAIN'])).toMatch(/^<response /);
      expect(await vouched([' SCRAM-SHA-1\n', 'PLAIN'], ['SCRAM-SHA-1', 'PLAIN'])).toMatch(/^failed 76 /);
    });
  });

  describe('the password', () => {
    it('is asked for only when it is needed', async () => {
      let asked = 0;
      const password = async () => {
        asked++;
        return 'secret';
      };
      const to = begin({ password, haveCert: true });
      to.tls();
      expect(await to.asks(features(mechanisms('EXTERNAL', 'PLAIN')))).toBe(
        `<auth xmlns='${NS.sasl}' mechanism='EXTERNAL'>=</auth>`,
      );
      expect(asked).toBe(0);
      const other = begin({ password, haveCert: true });
      other.tls();
      await other.asks(features(mechanisms('PLAIN')));
      expect(asked).toBe(1);
    });
    it('that cannot be had ends the session', async () => {
      const password = async () => {
        throw new Fatal(100, 'no password');
      };
      const to = begin({ password });
      to.tls();
      expect(await to.asks(features(mechanisms('PLAIN')))).toBe('failed 100 no password');
    });
    it('that SCRAM cannot use is said before anything is sent', async () => {
      const to = begin({ password: async () => 'a\u0007' });
      to.tls();
      expect(await to.asks(features(mechanisms('SCRAM-SHA-1')))).toMatch(/^failed 100 .*forbids this password/);
      expect(to.done()).toEqual([]);
    });
    it('is waited for; what the server says meanwhile was not asked for', () => {
      const to = begin({ password: () => new Promise(() => {}) });
      to.tls();
      to.says(features(mechanisms('PLAIN')));
      expect(end(() => to.says(sasl('success')))).toMatch(/^76 .*<success> that was not asked for/);
      expect(to.done()).toEqual([]);
    });
  });

  it('ends when the server loses patience with what is being computed', async () => {
    const challenged = async () => {
      const to = begin();
      to.tls();
      const [, first = ''] = />(.*)</.exec(await to.asks(features(mechanisms('SCRAM-SHA-1')))) ?? [];
      return { to, challenge: sasl('challenge', b64(`${/r=.*$/.exec(unb64(first))![0]}more,s=${b64('salt')},i=4096`)) };
    };
    const [{ to, challenge }, next] = [await challenged(), await challenged()];
    to.says(challenge);
    expect(end(() => to.says(sasl('failure', '<not-authorized/>')))).toMatch(/^77 /);
    // Another one that has to compute as much is ready.
    expect(await next.to.asks(next.challenge)).toMatch(/^<response /);
    expect(to.done()).toEqual([]);
  });
  it('has not failed before it has begun', () => {
    const to = begin({ password: () => new Promise(() => {}) });
    to.tls();
    to.says(features(mechanisms('PLAIN')));
    expect(end(() => to.says(sasl('failure', '<not-authorized/>')))).toMatch(/^76 .*<failure> that was not asked for/);
  });
});

describe('the resource', () => {
  const asked = async () => {
    const to = begin();
    to.tls();
    await to.loggedIn();
    to.says(features(BIND));
    to.done();
    return to;
  };
  it('is not offered', async () => {
    const to = begin();
    to.tls();
    await to.loggedIn();
    expect(end(() => to.says(features()))).toMatch(/^76 .*no resource binding/);
  });
  it('may be another one, and another account, than was asked for', async () => {
    const to = await asked();
    to.says(BOUND.replace('alice@example.org/sj', 'Bob@Example.org/1&amp;2'));
    expect(to.done()).toEqual(['online bob@example.org/1&2']);
  });
  it.each([
    ['cancel', 'conflict', 111],
    ['cancel', 'not-allowed', 77],
    ['modify', 'bad-request', 111],
    ['cancel', 'internal-server-error', 111],
  ])('is left to the server once it is refused with %s %s, and then that is %d', async (type, condition, code) => {
    const to = await asked();
    const error = `<error type='${type}'><${condition} xmlns='${NS.stanzas}'/></error>`;
    to.says(`<iq type='error' id='sj:bind'>${error}</iq>`);
    expect(to.done()).toEqual([`<iq type='set' id='sj:bind'><bind xmlns='${NS.bind}'/></iq>`]);
    expect(end(() => to.says(`<iq type='error' id='sj:bind'>${error}</iq>`))).toBe(
      `${code} the server binds no resource for us: ${condition}`,
    );
  });
  it('that the server chooses after it has refused ours is ours', async () => {
    const to = await asked();
    to.says("<iq type='error' id='sj:bind'/>");
    to.done();
    to.says(BOUND.replace('/sj', '/other'));
    expect(to.done()).toEqual(['online alice@example.org/other']);
  });
  it.each([
    ['wait', 'resource-constraint', 111],
    ['cancel', 'resource-constraint', 111],
    ['wait', 'internal-server-error', 111],
  ])('%s %s is %d', async (type, condition, code) => {
    const to = await asked();
    const error = `<error type='${type}'><text xmlns='${NS.stanzas}'>x</text><${condition} xmlns='${NS.stanzas}'/></error>`;
    expect(end(() => to.says(`<iq type='error' id='sj:bind'>${error}</iq>`))).toBe(
      `${code} the server binds no resource for us: ${condition}`,
    );
  });
  it('may be refused without a reason', async () => {
    const to = await asked();
    to.says("<iq type='error' id='sj:bind'/>");
    expect(end(() => to.says("<iq type='error' id='sj:bind'/>"))).toMatch(/^111 .*undefined-condition/);
  });
  it.each([
    ['no JID', BOUND.replace(/<jid>.*<\/jid>/, '')],
    ['no full JID', BOUND.replace('/sj', '')],
    ['no JID at all', BOUND.replace('alice@', 'a b@')],
    ['another namespace of the payload', BOUND.replace(NS.bind, 'urn:x')],
    ['a request', BOUND.replace('result', 'set')],
  ])('%s is no answer', async (_, answer) => {
    const to = await asked();
    expect(end(() => to.says(answer))).toMatch(/^76 .*without a full JID/);
  });
  it.each([
    ['a message', '<message/>'],
    ['another id', BOUND.replace('sj:bind', 'sj:session')],
    ['no id', BOUND.replace(" id='sj:bind'", '')],
    ['another namespace', BOUND.replace('<iq', "<iq xmlns='jabber:server'")],
    ['features', features(BIND)],
    ['SASL', sasl('success')],
  ])('%s is no answer, either', async (_, answer) => {
    const to = await asked();
    expect(end(() => to.says(answer))).toMatch(/^76 .*instead of a bound resource/);
    expect(to.done()).toEqual([]);
  });
});

describe('stream management', () => {
  const SM = "xmlns='urn:xmpp:sm:3'";
  const MANAGES = `<sm ${SM}/>`;
  const RESUME = { id: "a'b", jid: 'alice@example.org/old', h: 7 };

  async function bound() {
    const to = begin({ tls: 'outside' }, EXPORTER);
    to.header();
    await to.loggedIn();
    to.says(features(BIND, MANAGES));
    to.says(BOUND);
    expect(to.done().at(-1)).toBe(`<enable ${SM} resume='true'/>`);
    return to;
  }

  async function resuming() {
    const to = begin({ tls: 'outside', resume: RESUME }, EXPORTER);
    to.header();
    await to.loggedIn();
    to.says(features(BIND, MANAGES));
    expect(to.done()).toEqual(['resuming', `<resume ${SM} previd='a&apos;b' h='7'/>`]);
    return to;
  }

  it.each([
    ["id='x' resume='true' location='h:1' max='9'", { id: 'x', location: 'h:1' }],
    ["id='x' resume='1'", { id: 'x', location: null }],
    ["id='x'", { id: null, location: null }],
    ["resume='true'", { id: null, location: null }],
    ["id='' resume='true'", { id: null, location: null }],
  ])('is enabled with %s', async (attrs, what) => {
    const to = await bound();
    to.says(`<enabled ${SM} ${attrs}/>`);
    const managed = { resumed: false, h: 0, ...what };
    expect(to.done()).toEqual([`online alice@example.org/sj ${JSON.stringify({ managed, arrivedBefore: null })}`]);
  });

  it('may be refused, and stanzas may come before it is there', async () => {
    const to = await bound();
    to.says("<iq type='result' id='sj:session'/>");
    to.says('<message/>');
    to.says(`<failed ${SM}/>`);
    expect(to.done()).toEqual(['early iq', 'early message', 'online alice@example.org/sj']);
  });

  it.each([`<resumed ${SM}/>`, `<enabled xmlns='urn:xmpp:sm:2'/>`, features()])('is not enabled by %s', async (xml) => {
    const to = await bound();
    expect(end(() => to.says(xml))).toMatch(/^76 the server broke the protocol/);
  });

  it('resumes a session without binding', async () => {
    const to = await resuming();
    to.says(`<resumed ${SM} previd="a'b" h='3'/>`);
    const managed = { resumed: true, h: 3, id: RESUME.id, location: null };
    expect(to.done()).toEqual([`online ${RESUME.jid} ${JSON.stringify({ managed, arrivedBefore: null })}`]);
  });

  it.each([
    ["<failed xmlns='urn:xmpp:sm:3' h='5'/>", 5],
    ["<failed xmlns='urn:xmpp:sm:3' h='x'/>", null],
    ["<failed xmlns='urn:xmpp:sm:3' h='4294967296'/>", null],
    ["<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>", null],
  ])('binds a new one after %s', async (xml, arrivedBefore) => {
    const to = await resuming();
    to.says(xml);
    expect(to.done()).toEqual([BIND_REQUEST]);
    to.says(BOUND);
    to.says(`<enabled ${SM} id='new' resume='true'/>`);
    const managed = { resumed: false, h: 0, id: 'new', location: null };
    expect(to.done().at(-1)).toBe(`online alice@example.org/sj ${JSON.stringify({ managed, arrivedBefore })}`);
  });

  it.each([
    `<resumed ${SM} previd='other' h='3'/>`,
    `<resumed ${SM} previd="a'b"/>`,
    `<resumed ${SM} previd="a'b" h='-1'/>`,
    '<message/>',
    BOUND,
  ])('does not take %s for the old session', async (xml) => {
    const to = await resuming();
    expect(end(() => to.says(xml))).toMatch(/^76 the server broke the protocol/);
    expect(to.done()).toEqual(['unresumable']);
  });

  it('is not asked for where it is not offered', async () => {
    const to = begin({ tls: 'outside', resume: RESUME }, EXPORTER);
    to.header();
    await to.loggedIn();
    to.says(features(BIND));
    expect(to.done()).toEqual([BIND_REQUEST]);
  });
});

describe('the stream', () => {
  it.each(['1.0', '1.1', '1.12', '2.0', '10.0', '01.0'])('version %s', (version) => {
    expect(end(() => begin().header(`version='${version}'`))).toBe('none');
  });
  it.each(["version='0.9'", "version='0.0'", "version='1'", "version=''", "version='x'", "version='1.0.0'", "id='1'"])(
    'header with %s is older than XMPP',
    (attrs) => expect(end(() => begin().header(attrs))).toMatch(/^76 .*an XMPP version before 1\.0/),
  );
  it.each([
    ['another namespace', "<stream xmlns='http://etherx.jabber.org/stream' version='1.0'/>"],
    ['another name', `<streams xmlns='${STREAM_NS}' version='1.0'/>`],
    ['HTML', "<html version='1.0'/>"],
  ])('%s is no XMPP server', (_, xml) => {
    expect(end(() => begin().machine.header(parseElement(xml)))).toMatch(/^76 this is no XMPP server/);
  });
  it('has one header', () => {
    const to = begin();
    to.header();
    expect(end(() => to.header())).toMatch(/^76 .*a second stream header/);
  });

  it('ends with a stream error in any state', async () => {
    const error = `<stream:error><system-shutdown xmlns='${NS.streams}'/></stream:error>`;
    const expected = '111 the server ended the stream: system-shutdown';
    const to = begin();
    const fails = () => expect(end(() => to.says(error))).toBe(expected);
    fails();
    to.header();
    fails();
    to.says(features(STARTTLS));
    fails();
    to.says(`<proceed xmlns='${NS.tls}'/>`);
    to.machine.secured(EXPORTER);
    to.header();
    const auth = parseElement(await to.asks(features(mechanisms('SCRAM-SHA-1'))));
    fails();
    const server = scramServer('sha1', 'secret');
    const thinking = to.asks(sasl('challenge', b64(server.first(unb64(auth.getText())))));
    fails();
    const response = parseElement(await thinking);
    to.says(sasl('success', b64(server.final(unb64(response.getText()))!)));
    fails();
    to.opens(BIND);
    fails();
    to.says(BOUND);
    fails();
    const refused = `<stream:error><host-unknown xmlns='${NS.streams}'/></stream:error>`;
    expect(end(() => begin().says(refused))).toBe('100 the server ended the stream: host-unknown');
  });
  it('has nothing to say before its header, or to this machine after it has done its work', async () => {
    expect(end(() => begin().says('<message/>'))).toMatch(/^76 .*that was not asked for/);
    const to = begin();
    to.tls();
    await to.loggedIn();
    to.says(features(BIND));
    to.says(BOUND);
    expect(end(() => to.says('<message/>'))).toMatch(/^76 .*that was not asked for/);
  });
});

describe('what is said without TLS', () => {
  const fault = (condition: string) => `<stream:error><${condition} xmlns='${NS.streams}'/></stream:error>`;

  it.each(['host-unknown', 'host-gone', 'improper-addressing', 'conflict', 'not-authorized'])(
    'does not end an account for good that has been online before: %s',
    (condition) => {
      const known = begin({ known: true });
      known.header();
      expect(end(() => known.says(fault(condition)))).toMatch(/^111 .*said without TLS/);
      const fresh = begin();
      fresh.header();
      expect(end(() => fresh.says(fault(condition)))).toMatch(/^(77|100) /);
    },
  );

  it('is temporary for SASL, too', async () => {
    const to = begin({ tls: 'optional', plainInClear: true, known: true });
    to.header();
    await to.asks(features(mechanisms('PLAIN')));
    expect(end(() => to.says(sasl('failure', '<not-authorized/>')))).toMatch(/^111 .*said without TLS/);
  });

  it('is final in TLS', () => {
    const to = begin({ known: true });
    to.tls();
    expect(end(() => to.says(fault('host-unknown')))).toMatch(/^100 /);
  });
});

it('see-other-host tells where', () => {
  const to = begin();
  to.header();
  const error = `<stream:error><see-other-host xmlns='${NS.streams}'>[2001:db8::1]:5999</see-other-host></stream:error>`;
  expect(end(() => to.says(error))).toMatch(/^111 .*see-other-host \(it names \[2001:db8::1\]:5999; -H goes there\)/);
});
