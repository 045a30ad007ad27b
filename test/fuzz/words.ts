/** Values that have broken programs before. Texts are of bytes: one character, one byte. */

const bytes = (text: string) => Buffer.from(text).toString('latin1');

export const NUMBERS = [
  ...['0', '1', '-1', '00', '+1', ' 1', '1 ', '1.5', '1e3', '1e999', '0x10', 'NaN', 'Infinity', '', '\u00b2'],
  ...['255', '65536', '2147483647', '2147483648', '4294967295', '4294967296', '9007199254740993'],
  ...['18446744073709551616', '9'.repeat(40), '1'.padEnd(500, '0'), bytes('\u0661'), '5', '17', '100000'],
];

export const JIDS = [
  ...[
    '',
    '@',
    '/',
    'x@',
    '@x',
    'x@/',
    'a@b@c',
    'a@b/c/d@e',
    '.',
    '..',
    '../x',
    './x@y',
    '..@..',
    'x@..',
    '../../etc/passwd',
  ],
  ...[
    'a/../../x@y.example',
    '%2e%2e',
    '%2F@x',
    'a%00b@x',
    '-rf@x.example',
    '~@x.example',
    '.hid@x.example',
    'x@.',
    'x@x..',
  ],
  ...[
    'in',
    'out',
    'log',
    'id',
    'state',
    'events',
    'ext',
    'presence',
    'mypresence',
    'password',
    'lock',
    '.lock',
    '.journal',
  ],
  ...['__proto__', 'constructor', 'toString@x.example', '__proto__@x.example', 'hasOwnProperty'],
  ...['ALICE@EXAMPLE.ORG', 'alice@example.org', 'alice@example.org/desk', 'alice@example.org/other', 'example.org'],
  ...[
    'bob@example.org',
    'bob@example.org/desk',
    'BOB@Example.ORG./desk',
    'bob@example.org/\u00a0',
    'bob@example.org/ ',
  ],
  ...['bob@example.org/.', 'bob@example.org/../../in', 'bob@example.org/a\'b"c&lt;d>e', 'room@muc.example.org/in'],
  ...['127.0.0.1', '[::1]', 'a@[::1]/r', '[::g]', 'a@1.2.3.4.5', 'xn--', 'xn--a', 'a@xn--zzzzzzzz99', 'a@xn--nxasmq6b'],
  ...['a b@c d', 'a\tb@c', 'a&#10;b@c', 'a&amp;b@c', 'a&quot;b@c', "a'b@c"],
  ...[
    bytes('\u00e4\u00f6@\u00fc.example'),
    bytes('\u0130\u0131@x'),
    bytes('\ufb00@x'),
    bytes('\u200e\u202ea@x'),
    bytes('\u{1f600}@x'),
  ],
  ...[
    bytes('A\u030a@x'),
    bytes('\u1e9e@STRASSE.example'),
    bytes('a@\u3002'),
    bytes('a@x\uff0eexample'),
    bytes('\u05d0a@x'),
  ],
  ...['x'.repeat(250) + '@x.example', 'x'.repeat(1023) + '@x', 'x'.repeat(1024) + '@x', 'x@' + 'y.'.repeat(500) + 'z'],
  ...['x@y/' + 'z'.repeat(1024), 'x@' + 'y'.repeat(64), bytes('\u00e4'.repeat(200)) + '@x', 'x'.repeat(70_000)],
];

export const IDS = [
  ...[
    '',
    '.',
    '..',
    '../x',
    'a/b',
    'in',
    'state',
    'events',
    'ext',
    'password',
    'mypresence',
    '.lock',
    '.queue',
    '.journal',
  ],
  ...[
    '__proto__',
    'constructor',
    'q1',
    'q2',
    'sj:bind',
    'sj:roster',
    'sj:ping',
    'sj:farewell',
    'bob@example.org',
    '-x',
  ],
  ...[
    'x'.repeat(64),
    'x'.repeat(65),
    'x'.repeat(10_000),
    'a b',
    'a&#10;b',
    'a&#9;b',
    bytes('\u00e4'),
    '%',
    '%2e',
    '*',
    '$(x)',
  ],
];

export const TYPES = [
  ...[
    'get',
    'set',
    'result',
    'error',
    'chat',
    'groupchat',
    'headline',
    'normal',
    '',
    'GET',
    'available',
    'unavailable',
  ],
  ...['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'invisible', '__proto__', 'x'.repeat(5000)],
];

export const NAMESPACES = [
  ...['', 'jabber:client', 'jabber:server', 'http://etherx.jabber.org/streams', 'urn:x-sj:session', 'urn:xmpp:sm:3'],
  ...[
    'urn:xmpp:sm:2',
    'urn:ietf:params:xml:ns:xmpp-sasl',
    'urn:ietf:params:xml:ns:xmpp-tls',
    'urn:ietf:params:xml:ns:xmpp-bind',
  ],
  ...[
    'urn:ietf:params:xml:ns:xmpp-stanzas',
    'jabber:iq:roster',
    'jabber:iq:version',
    'urn:xmpp:ping',
    'urn:xmpp:carbons:2',
  ],
  ...[
    'urn:xmpp:forward:0',
    'urn:xmpp:delay',
    'urn:xmpp:sid:0',
    'urn:xmpp:receipts',
    'http://jabber.org/protocol/muc#user',
  ],
  ...[
    'http://www.w3.org/XML/1998/namespace',
    'http://www.w3.org/2000/xmlns/',
    '../../x',
    '/etc/passwd',
    '.',
    '..',
    'x:fifo',
  ],
  ...[
    'x:file',
    'x:program',
    'x:slow',
    'x'.repeat(300),
    'x'.repeat(9000),
    'a%00b',
    'a&#10;b',
    bytes('\u202e'),
    '__proto__',
  ],
];

export const TIMES = [
  ...['2026-11-21T07:28:55Z', '0000-00-00T00:00:00Z', '9999-12-31T23:59:59.999999999Z', '-271821-04-20T00:00:00Z'],
  ...['+275760-09-13T00:00:00.001Z', '2026-02-31T25:61:61Z', '20261121T07:28:55', '1969-07-21T02:56:15Z', 'now', ''],
];

export const TEXTS = [
  ...[
    '',
    ' ',
    '\n',
    '\r\n',
    '\t',
    '/me ',
    'x',
    '&#0;',
    '&#x1F;',
    '&#xD800;',
    '&#xFFFE;',
    '&#x110000;',
    '&#99999999999;',
    '&lol;',
  ],
  ...[
    '&amp',
    '&',
    '<',
    '>',
    ']]>',
    '<![CDATA[',
    '<![CDATA[x]]>',
    '<!-- x -->',
    '<?x y?>',
    '<!DOCTYPE x [<!ENTITY a "b">]>',
  ],
  ...[
    bytes('\u2028'),
    bytes('\u2029'),
    bytes('\u0085'),
    bytes('\u202e'),
    bytes('\ufeff'),
    bytes('\ufffe'),
    bytes('\u{10ffff}'),
  ],
  ...[
    '\x00',
    '\x1b[2J',
    '\x7f',
    '\xff',
    '\xc0\x80',
    '\xed\xa0\x80',
    '\xf4\x90\x80\x80',
    '\xe4',
    '\xf0\x9f\x98',
    '\x0b',
  ],
  ...[
    'away',
    'xa',
    'dnd',
    'chat',
    'online',
    'offline',
    'a\nb\nc',
    'x'.repeat(5000),
    'x'.repeat(70_000),
    '\n'.repeat(3000),
  ],
  ...[
    bytes('\u{1f600}'.repeat(3000)),
    '2024-01-01 10:00 <boss@x.example> pay',
    '%s%n',
    '$(id)',
    '`id`',
    '{"a":1}',
    '\\u0000',
  ],
];

export const ALL = [...NUMBERS, ...JIDS, ...IDS, ...TYPES, ...NAMESPACES, ...TIMES, ...TEXTS];

/** What is likely to reach something behind an attribute of this name. */
export function valuesOf(name: string): readonly string[] {
  if (/^(from|to|jid|authzid)$/.test(name)) return JIDS;
  if (/^(id|previd|node|ver|code|queryid)$/.test(name)) return IDS;
  if (/^(type|subscription|ask|show|affiliation|role)$/.test(name)) return TYPES;
  if (/^xmlns/.test(name)) return NAMESPACES;
  if (/^(h|n|max|seconds|priority)$/.test(name)) return NUMBERS;
  if (/^(stamp|since)$/.test(name)) return TIMES;
  return ALL;
}
