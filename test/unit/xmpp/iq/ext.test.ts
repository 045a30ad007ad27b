import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonical } from '../../../../lib/xml/write.ts';
import { runProgram } from '../../../../lib/xmpp/iq/program.ts';
import { judge, type Verdict } from '../../../../lib/xmpp/iq/verdict.ts';
import { STANZA_ERROR_NS } from '../../../../lib/xmpp/ns.ts';
import { request, SHELL, scratch, script } from './stanzas.ts';

const SHIPPED = resolve('ext');
const DISCO = 'http://jabber.org/protocol/disco#info';
const FILES: Record<string, string> = {
  'urn:xmpp:ping': 'urn:xmpp:ping',
  'jabber:iq:version': 'jabber:iq:version',
  'urn:xmpp:time': 'urn:xmpp:time',
  'jabber:iq:last': 'jabber:iq:last',
  [DISCO]: 'http:%2F%2Fjabber.org%2Fprotocol%2Fdisco#info',
};

type Setting = { dir?: string; type?: string; payload?: string; env?: NodeJS.ProcessEnv; shipped?: string };

async function ask(
  ns: string,
  { dir = scratch(), type = 'get', payload = `<query xmlns='${ns}'/>`, env = {}, shipped = SHIPPED }: Setting = {},
) {
  const all = {
    PATH: process.env.PATH,
    IQ_TYPE: type,
    IQ_ID: SHELL,
    IQ_FROM: SHELL,
    IQ_NS: ns,
    SJ_EXT: shipped,
    SJ_DIR: dir,
    ...env,
  };
  const stanza = canonical(request(payload, `type='${type}' id='&apos;&gt;' from='a@b/&lt;x node=&apos;n&apos;&gt;'`));
  return judge(await runProgram(join(shipped, FILES[ns]!), ['-d', dir], all, `${stanza}\n`).done);
}

function payload(verdict: Verdict) {
  if (verdict.kind !== 'result') throw new Error(JSON.stringify(verdict));
  return verdict.payload;
}

describe('the shipped handlers', () => {
  it('are all there is, and executable', () => {
    expect(fs.readdirSync(SHIPPED).sort()).toEqual(Object.values(FILES).sort());
    for (const name of fs.readdirSync(SHIPPED)) fs.accessSync(join(SHIPPED, name), fs.constants.X_OK);
  });

  it.each(Object.keys(FILES))('%s refuses to be set', async (ns) => {
    const verdict = await ask(ns, { type: 'set' });
    if (verdict.kind !== 'error') throw new Error(JSON.stringify(verdict));
    expect(verdict.error.getChild('feature-not-implemented', STANZA_ERROR_NS)).toBeDefined();
  });

  it('ping answers with nothing', async () => {
    expect(payload(await ask('urn:xmpp:ping', { payload: `<ping xmlns='urn:xmpp:ping'/>` }))).toBeNull();
  });

  it('version tells name, version and system', async () => {
    const { version } = JSON.parse(fs.readFileSync('package.json', 'utf8')) as { version: string };
    const told = payload(await ask('jabber:iq:version'))!;
    expect(['name', 'version', 'os'].map((name) => told.getChildText(name))).toEqual([
      'sj',
      version,
      execFileSync('uname', ['-s']).toString().trim(),
    ]);
  });

  it('version takes any text for a version', async () => {
    for (const [given, told] of [
      ['1.2~rc1', '1.2~rc1'],
      [SHELL, SHELL],
      [`</version><x>\u0007&amp;\nü\u202e`, '</version><x>&amp;'],
      ['%s%n\\n', '%s%n\\n'],
    ]) {
      expect(payload(await ask('jabber:iq:version', { env: { SJ_VERSION: given } }))!.getChildText('version')).toBe(
        told,
      );
    }
  });

  it('version works without a package.json', async () => {
    const shipped = join(scratch(), 'ext');
    fs.cpSync(SHIPPED, shipped, { recursive: true });
    expect(payload(await ask('jabber:iq:version', { shipped }))!.getChildText('version')).toBe('unknown');
  });

  it.each([
    ['UTC', '+00:00'],
    ['XST-5:45', '+05:45'],
    ['XST3:30', '-03:30'],
  ])('time tells the zone of TZ=%s', async (zone, tzo) => {
    const told = payload(await ask('urn:xmpp:time', { payload: `<time xmlns='urn:xmpp:time'/>`, env: { TZ: zone } }))!;
    expect(told.getChildText('tzo')).toBe(tzo);
    const utc = told.getChildText('utc')!;
    expect(utc).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Math.abs(Date.parse(utc) - Date.now())).toBeLessThan(60_000);
  });

  it('last tells the age of the youngest thing that the user wrote', async () => {
    const dir = join(scratch(), `a b'$(x)`);
    const old = (name: string, seconds: number) =>
      fs.utimesSync(join(dir, name), new Date(), new Date(Date.now() - seconds * 1000));
    for (const contact of ['bob@example.org', "it's@example.org"])
      fs.mkdirSync(join(dir, contact), { recursive: true });
    const seconds = async () => Number(payload(await ask('jabber:iq:last', { dir }))!.attrs.seconds);
    old('', 300_000);
    const since = await seconds();
    expect([since >= 300_000, since < 300_100]).toEqual([true, true]);
    const files = ['bob@example.org/in', "it's@example.org/in", 'mypresence'];
    execFileSync(
      'mkfifo',
      files.map((name) => join(dir, name)),
    );
    for (const youngest of files) {
      for (const name of files) old(name, name === youngest ? 1000 : 9000);
      const found = await seconds();
      expect([found >= 1000, found < 1100], youngest).toEqual([true, true]);
    }
    old('mypresence', -9000);
    expect(await seconds()).toBe(0);
  });

  it('disco tells what there is, and only that', async () => {
    const dir = scratch();
    fs.mkdirSync(join(dir, 'ext', 'urn:dir'), { recursive: true });
    script(join(dir, 'ext', 'urn:xmpp:ping'), 'echo');
    script(join(dir, 'ext', `http:%2F%2Fa%2Fb%252F&<'"%25`), 'echo');
    fs.writeFileSync(join(dir, 'ext', 'urn:file'), '');
    execFileSync('mkfifo', [join(dir, 'ext', 'urn:fifo')]);
    fs.symlinkSync('/dev/null', join(dir, 'ext', 'jabber:iq:last'));
    fs.symlinkSync('nowhere', join(dir, 'ext', 'urn:dangling'));
    for (const name of ['new\nline', '\u0007', 'ü', '.hidden']) fs.writeFileSync(join(dir, 'ext', name), '');
    const told = payload(await ask(DISCO, { dir }))!;
    expect({ ...told.getChild('identity')!.attrs }).toEqual({ category: 'client', type: 'console', name: 'sj' });
    expect(told.getChildren('feature').map((feature) => feature.attrs.var)).toEqual(
      [
        DISCO,
        `http://a/b%2F&<'"%`,
        'jabber:iq:version',
        'urn:fifo',
        'urn:file',
        'urn:xmpp:ping',
        'urn:xmpp:time',
      ].sort(),
    );
    expect(told.children).toHaveLength(8);
  });

  it('disco knows no nodes', async () => {
    for (const node of ['x', '', `http://jabber.org/protocol/commands`, `&apos;&gt;`]) {
      const verdict = await ask(DISCO, { payload: ` <p:query xmlns:p='${DISCO}' a='&gt;' node='${node}'/>` });
      if (verdict.kind !== 'error') throw new Error(JSON.stringify(verdict));
      expect(verdict.error.getChild('item-not-found', STANZA_ERROR_NS)).toBeDefined();
    }
    for (const other of [`nodes='x'`, `a=' node=&apos;'`, `xml:node='x'`]) {
      expect((await ask(DISCO, { payload: `\n<query xmlns='${DISCO}' ${other}/>` })).kind, other).toBe('result');
    }
  });

  it('are not moved by a hostile environment', async () => {
    const dir = scratch();
    const env = {
      IQ_ID: SHELL,
      IQ_FROM: `\n${SHELL}`,
      IQ_NS: '-rf /',
      SJ_VERSION: SHELL,
      SJ_DIR: SHELL,
      SJ_JID: SHELL,
    };
    for (const ns of Object.keys(FILES)) expect((await ask(ns, { dir, env })).kind, ns).toBe('result');
    expect(fs.existsSync('pwned')).toBe(false);
    expect(fs.readdirSync(dir)).toEqual([]);
  });
});
