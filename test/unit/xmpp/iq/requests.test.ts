import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { Element } from 'ltx';
import { beforeEach, describe, expect, it } from 'vitest';
import { writeFriends } from '../../../../lib/tree/newcomers.ts';
import { canonical } from '../../../../lib/xml/write.ts';
import { createAudience } from '../../../../lib/xmpp/iq/audience.ts';
import { createDelivery } from '../../../../lib/xmpp/iq/deliver.ts';
import { createIqd, type Iqd, type IqdOptions, STRANGERS } from '../../../../lib/xmpp/iq/requests.ts';
import { bareOf } from '../../../../lib/xmpp/jid/jid.ts';
import { EVIL_IDS, element, SHELL, scratch, script } from './stanzas.ts';

let dir: string;
let ext: string;
let sent: Element[];
let warnings: string[];

beforeEach(() => {
  dir = join(scratch(), 'xmpp');
  ext = join(dir, 'ext');
  fs.mkdirSync(ext, { recursive: true });
  writeFriends(dir, [['bob@example.org', 'from']]);
  sent = [];
  warnings = [];
});

const make = (more: Partial<IqdOptions> = {}): Iqd =>
  createIqd({
    audience: createAudience({ dir, own: 'alice@example.org/sj', bareOf }),
    dir,
    shipped: resolve('ext'),
    own: 'alice@example.org/sj',
    env: { PATH: process.env.PATH, IQ_FROM: 'inherited' },
    delivery: createDelivery(dir, (id, why) => warnings.push(`${id}: ${why}`)),
    bareOf,
    send: (line, fate) => {
      sent.push(element(line));
      fate(null);
    },
    warn: (message) => warnings.push(message),
    ...more,
  });

const feed = (iqd: Iqd, ...stanzas: (string | Element)[]) => {
  for (const stanza of stanzas) {
    const raw = typeof stanza === 'string' ? stanza : canonical(stanza);
    iqd.stanza(element(raw), Buffer.from(raw));
  }
};

/** Feeds stanzas, waits for what they start, and returns what is sent. */
async function answers(...stanzas: (string | Element)[]): Promise<Element[]> {
  const iqd = make();
  feed(iqd, ...stanzas);
  await iqd.drain(60_000);
  return sent;
}

const ask = (ns: string, attrs: Record<string, string> = {}, type = 'get') => {
  const iq = new Element('iq', { type, id: 'q1', from: 'bob@example.org/phone', ...attrs });
  iq.c('query', { xmlns: ns });
  return iq;
};

/** The condition of an error answer, or the payload's namespace of a result. */
const gist = ({ attrs: { type }, children: [child] }: Element) => {
  if (typeof child !== 'object') return type;
  return type === 'error' ? `${child.attrs.type} ${child.getChildElements()[0]!.name}` : child.getNS();
};

describe('answers', () => {
  it('are put into their files', async () => {
    await answers(
      `<iq type='result' id='1234' from='example.org'><ping xmlns='urn:xmpp:ping'>\n</ping></iq>`,
      `<iq type='error' id='e1'/>`,
    );
    const text = `<iq type='result' id='1234' from='example.org'><ping xmlns='urn:xmpp:ping'>&#10;</ping></iq>\n`;
    expect(fs.readFileSync(join(dir, '1234'), 'utf8')).toBe(text);
    expect(fs.readFileSync(join(dir, 'e1'), 'utf8')).toBe(`<iq type='error' id='e1'/>\n`);
    expect(sent).toEqual([]);
  });

  it.each(EVIL_IDS.filter((id) => !id.includes('\0')))('with the id %j are put nowhere', async (id) => {
    const before = fs.readdirSync(join(dir, '..'), { recursive: true });
    await answers(new Element('iq', { type: 'result', id }));
    expect(fs.readdirSync(join(dir, '..'), { recursive: true })).toEqual(before);
    expect(sent).toEqual([]);
    expect(warnings).toHaveLength(1);
  });
});

describe('requests', () => {
  it('are answered by the shipped handlers', async () => {
    await answers(ask('urn:xmpp:ping'));
    expect(canonical(sent[0]!)).toBe(`<iq type='result' id='q1' to='bob@example.org/phone'/>`);
    await answers(ask('jabber:iq:version'), ask('http://jabber.org/protocol/disco#info'));
    expect(sent.slice(1).map(gist).sort()).toEqual(['http://jabber.org/protocol/disco#info', 'jabber:iq:version']);
  });

  it('reach a handler whole, in its input, arguments and environment', async () => {
    script(
      join(ext, 'urn:x'),
      `printf '<x xmlns="urn:x">%s|%s|%s|%s|%s|%s|%s|%s|' "$1" "$2" "$IQ_TYPE" "$IQ_NS" "$IQ_FROM" "$SJ_DIR" "$SJ_EXT" "$PWD"
      sed 's/&/\\&amp;/g; s/</\\&lt;/g'; echo '</x>'`,
    );
    const stanza = ask('urn:x', {}, 'set');
    const [told] = await answers(stanza);
    const expected = [
      '-d',
      dir,
      'set',
      'urn:x',
      'bob@example.org/phone',
      dir,
      resolve('ext'),
      process.cwd(),
      `${canonical(stanza)}\n`,
    ];
    expect(told!.getChildText('x', 'urn:x')).toBe(expected.join('|'));
  });

  it('have no effect on any shell', async () => {
    script(
      join(ext, SHELL.replaceAll('/', '%2F')),
      `printf '<x xmlns="urn:x">'; printf '%s\\n' "$IQ_FROM$IQ_ID$IQ_NS" | sed 's/&/\\&amp;/g; s/</\\&lt;/g'; echo '</x>'`,
    );
    const [told] = await answers(ask(SHELL, { from: `${SHELL}\n`, id: `\n'${SHELL}` }));
    expect(told!.getChildText('x', 'urn:x')).toBe(`${SHELL}\n\n'${SHELL}${SHELL}\n`);
    expect({ ...told!.attrs }).toEqual({ type: 'result', to: `${SHELL}\n`, id: `\n'${SHELL}` });
    expect(fs.existsSync('pwned') || fs.existsSync(join(dir, 'pwned'))).toBe(false);
  });

  it('without `from` are told so', async () => {
    script(join(ext, 'urn:x'), `echo "<x xmlns='urn:x'>$IQ_FROM</x>"`);
    const [told] = await answers(`<iq type='get' id='1'><x xmlns='urn:x'/></iq>`);
    expect(canonical(told!)).toBe(`<iq type='result' id='1'><x xmlns='urn:x'/></iq>`);
  });

  it.each(['urn:none', '../../x', 'a/b', '%2F', 'x'.repeat(300), '..', '.', '/', 'in', SHELL, 'jabber:client'])(
    'for %j are answered by nobody',
    async (ns) => {
      script(join(dir, 'x'), 'touch pwned; echo');
      fs.mkdirSync(join(ext, 'a'));
      script(join(ext, 'a', 'b'), 'touch pwned; echo');
      const before = fs.readdirSync(dir, { recursive: true });
      expect((await answers(ask(ns))).map(gist)).toEqual(['cancel service-unavailable']);
      expect({ ...sent[0]!.attrs }).toEqual({ type: 'error', id: 'q1', to: 'bob@example.org/phone' });
      expect(fs.readdirSync(dir, { recursive: true })).toEqual(before);
    },
  );

  it('touch nothing outside, whatever their namespace', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .array(fc.constantFrom('..', '/', '.', '%', '2F', '~', 'in', '\n', ' ', '-', 'ä', '\\'))
          .map((parts) => parts.join('')),
        async (ns) => {
          const before = fs.readdirSync(join(dir, '..'), { recursive: true });
          sent = [];
          await answers(ask(ns));
          expect(sent.map(gist)).toEqual([ns === '' ? 'modify bad-request' : 'cancel service-unavailable']);
          expect(fs.readdirSync(join(dir, '..'), { recursive: true })).toEqual(before);
        },
      ),
    );
  });

  it.each(['', `<a xmlns='urn:a'/><b xmlns='urn:b'/>`, 'text'])('with the payload %j are bad', async (payload) => {
    expect((await answers(`<iq type='get' id='1'>${payload}</iq>`)).map(gist)).toEqual(['modify bad-request']);
  });

  it.each([
    `<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>`,
    `<iq id='1' type='x'><ping xmlns='urn:xmpp:ping'/></iq>`,
    `<iq xmlns='urn:blub' id='1' type='get'><ping xmlns='urn:xmpp:ping'/></iq>`,
    `<message id='1' type='get'><ping xmlns='urn:xmpp:ping'/></message>`,
  ])('are not what this is: %s', async (stanza) => {
    expect(await answers(stanza)).toEqual([]);
  });
});

describe('handlers', () => {
  it.each([
    ['that prints garbage', 'echo garbage', 'cancel internal-server-error'],
    ['that prints two elements', `echo "<a xmlns='urn:a'/><b xmlns='urn:b'/>"`, 'cancel internal-server-error'],
    ['that breaks out', `echo "</iq><message to='x'/><iq>"`, 'cancel internal-server-error'],
    ['that exits 3', 'exit 3', 'cancel internal-server-error'],
    ['that is killed', 'kill -9 $$', 'cancel internal-server-error'],
    ['that sleeps', 'exec sleep 1000', 'cancel internal-server-error'],
    ['that floods', 'exec yes', 'cancel internal-server-error'],
    [
      'that refuses',
      `echo "<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"; exit 1`,
      'auth forbidden',
    ],
    ['that prints a newline', 'echo', 'result'],
    ['that does not read', `exec <&-; echo "<x xmlns='urn:y'/>"`, 'urn:y'],
  ])('%s', async (_, text, expected) => {
    script(join(ext, 'urn:x'), text);
    const iqd = make({ run: { time: text.includes('sleep') ? 100 : 60_000, output: 100_000 } });
    feed(iqd, ask('urn:x'));
    await iqd.drain(60_000);
    expect(sent.map(gist)).toEqual([expected]);
    expect(warnings).toHaveLength(expected.includes('internal') ? 1 : 0);
  });

  it('that prints nothing has answered', async () => {
    script(join(ext, 'urn:x'), 'cat >>"$2/in"');
    expect(await answers(ask('urn:x'))).toEqual([]);
    expect(fs.readFileSync(join(dir, 'in'), 'utf8')).toBe(`${canonical(ask('urn:x'))}\n`);
  });

  it('are started in measure, and everybody gets an answer', async () => {
    script(join(ext, 'urn:x'), 'echo');
    await answers(
      ...Array.from({ length: 100 }, (_, i) => ask('urn:x', { id: `${i}`, from: `bob@example.org/${i}` })),
      ask('urn:x', { from: 'eve@example.org' }),
    );
    const results = sent.filter(({ attrs }) => attrs.type === 'result');
    expect(results).toHaveLength(4 + 16 + 1);
    expect(results.map(({ attrs }) => attrs.to)).toContain('eve@example.org');
    expect(sent).toHaveLength(101);
    expect(new Set(sent.filter(({ attrs }) => attrs.type === 'error').map(gist))).toEqual(
      new Set(['wait resource-constraint']),
    );
  });

  it('that take too long when iqd ends are ended', async () => {
    script(join(ext, 'urn:x'), 'exec sleep 1000');
    const iqd = make();
    feed(iqd, ...Array.from({ length: 6 }, (_, i) => ask('urn:x', { id: `${i}` })));
    await iqd.drain(10);
    expect(sent.map(gist).sort()).toEqual([
      ...Array(4).fill('cancel internal-server-error'),
      ...Array(2).fill('wait resource-constraint'),
    ]);
  });
});

describe('files and FIFOs in ext', () => {
  it('take the stanza as it came', async () => {
    fs.writeFileSync(join(ext, 'urn:x'), 'before\n');
    const text = `<iq  type="get" id='1'>\n  <x xmlns='urn:x'/></iq>`;
    expect(await answers(text, text)).toEqual([]);
    expect(fs.readFileSync(join(ext, 'urn:x'), 'utf8')).toBe(`before\n${text}\n${text}\n`);
  });

  it('need a reader', async () => {
    execFileSync('mkfifo', [join(ext, 'urn:x')]);
    expect((await answers(ask('urn:x'))).map(gist)).toEqual(['cancel service-unavailable']);
    sent = [];
    const fd = fs.openSync(join(ext, 'urn:x'), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    expect(await answers(ask('urn:x', { id: 'a' }), ask('urn:x', { id: 'b' }))).toEqual([]);
    expect(fs.readFileSync(fd, 'utf8')).toBe(
      `${canonical(ask('urn:x', { id: 'a' }))}\n${canonical(ask('urn:x', { id: 'b' }))}\n`,
    );
    fs.closeSync(fd);
  });

  it('do not wait for a reader who has stopped', async () => {
    execFileSync('mkfifo', [join(ext, 'urn:x')]);
    const fd = fs.openSync(join(ext, 'urn:x'), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const iqd = make();
    const large = ask('urn:x');
    large.getChildElements()[0]!.t('x'.repeat(200_000));
    feed(iqd, ...Array(20).fill(large));
    expect(sent.map(gist)).toEqual(Array(3).fill('wait resource-constraint'));
    await iqd.drain(10);
    expect(sent.filter((stanza) => stanza.attrs.type === 'error')).toHaveLength(20);
    fs.closeSync(fd);
  });

  it('turn a shipped handler off', async () => {
    fs.symlinkSync('/dev/null', join(ext, 'urn:xmpp:ping'));
    expect((await answers(ask('urn:xmpp:ping'))).map(gist)).toEqual(['cancel service-unavailable']);
    expect(warnings).toEqual([]);
  });

  it('get nothing added to a script', async () => {
    fs.writeFileSync(join(ext, 'urn:x'), '#!/bin/sh\necho\n', { mode: 0o644 });
    expect((await answers(ask('urn:x'))).map(gist)).toEqual(['cancel service-unavailable']);
    expect(fs.readFileSync(join(ext, 'urn:x'), 'utf8')).toBe('#!/bin/sh\necho\n');
    expect(warnings).toHaveLength(1);
  });
});

describe('roster pushes', () => {
  const push = (from?: string) =>
    `<iq type='set' id='p1'${from === undefined ? '' : ` from='${from}'`}><query xmlns='jabber:iq:roster'><item jid='x@y'/></query></iq>`;

  it.each(['mallory@example.org', 'alice@example.org/other', 'example.org', 'alice@example.org.evil.org'])(
    'from %s are refused',
    async (from) => {
      fs.writeFileSync(join(ext, 'jabber:iq:roster'), '');
      expect((await answers(push(from))).map(gist)).toEqual(['cancel service-unavailable']);
      expect(fs.readFileSync(join(ext, 'jabber:iq:roster'), 'utf8')).toBe('');
    },
  );

  it.each([undefined, 'alice@example.org'])('from %s are taken', async (from) => {
    expect((await answers(push(from))).map(gist)).toEqual(['result']);
  });

  it('are taken for a file that gets them, and for a program that answers', async () => {
    fs.writeFileSync(join(ext, 'jabber:iq:roster'), '');
    expect((await answers(push())).map(gist)).toEqual(['result']);
    expect(fs.readFileSync(join(ext, 'jabber:iq:roster'), 'utf8')).toBe(`${push()}\n`);
    fs.rmSync(join(ext, 'jabber:iq:roster'));
    execFileSync('mkfifo', [join(ext, 'jabber:iq:roster')]);
    sent = [];
    expect((await answers(push())).map(gist)).toEqual(['result']);
    fs.rmSync(join(ext, 'jabber:iq:roster'));
    script(join(ext, 'jabber:iq:roster'), 'exit 0');
    sent = [];
    expect(await answers(push())).toEqual([]);
  });

  it('are not to be asked for', async () => {
    expect((await answers(ask('jabber:iq:roster'))).map(gist)).toEqual(['cancel service-unavailable']);
  });
});

describe('strangers', () => {
  const file = () => join(ext, 'urn:x');
  const lines = () => fs.readFileSync(file(), 'utf8').split('\n').length - 1;

  it('fill no file beyond a measure that all of them share, and contacts go on', async () => {
    fs.writeFileSync(file(), '');
    let now = 0;
    const iqd = make({ now: () => now });
    const filler = 'x'.repeat(10_000);
    const flood = (from: string) => feed(iqd, ask('urn:x', { from, id: filler }));
    for (let i = 0; i < 200; i++) flood(`eve${i}@x.example/r`);
    const most = Math.ceil(STRANGERS.burst / filler.length);
    expect(lines()).toBeLessThanOrEqual(most);
    expect(lines()).toBeGreaterThan(most - 5);
    expect(gist(sent.at(-1)!)).toBe('cancel service-unavailable');
    const full = lines();
    for (let i = 0; i < 20; i++) flood('bob@example.org/phone');
    expect(lines()).toBe(full + 20);
    // As time goes by there is room again.
    now += 1000;
    flood('eve@x.example/r');
    flood('eve@x.example/r');
    expect(lines()).toBe(full + 21);
    await iqd.drain(60_000);
  });
});
