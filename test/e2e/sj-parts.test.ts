// Parts of the suite by themselves, and others in their place.
import fs from 'node:fs';
import type net from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  ALICE,
  BIN,
  BOB,
  contents,
  newAccount,
  type Suite,
  scratch,
  sh,
  start,
  startBed,
  startSuite,
  until,
  untimed,
} from './bed/suite.ts';

/** Runs the suite with shell scripts in the place of some of its programs. */
function withParts(server: Parameters<typeof startSuite>[0], parts: Record<string, string>): Suite {
  const dir = scratch();
  for (const name in parts) fs.writeFileSync(path.join(dir, name), `#!/bin/sh\n${parts[name]}\n`, { mode: 0o755 });
  return startSuite(server, { env: { PATH: `${dir}:${BIN}:${process.env.PATH}` } });
}

const PRETTY = `<message from='${BOB}/r' to='${ALICE}' type='chat'>
  <body>two
lines &amp; <![CDATA[<more>]]></body>
</message>`;

describe('in the place of a daemon', () => {
  it('a shell script reads a stanza a line, and answers on descriptor 3, by its name and through `in`', async () => {
    const server = await startBed();
    const alice = await withParts(server, {
      messaged: `
        echo "$@" > "$SJ_DIR/arguments"
        for out; do :; done
        while IFS= read -r stanza; do
          printf '%s\\n' "$stanza" >> "$SJ_DIR/stanzas"
          case $stanza in *'<body>'*) ;; *) continue ;; esac
          body=\${stanza#*<body>}
          body=\${body%%</body>*}
          printf "<message to='${BOB}' id='by3'><body>%s</body></message>\\n" "$body" >&3
          printf "<message to='${BOB}' id='byname'><body>%s</body></message>\\n" "$body" > "$out"
          printf "<message to='${BOB}' id='byin'><body>%s</body></message>\\n" "$body" > "$SJ_DIR/in"
        done
        echo over > "$SJ_DIR/over"`,
    }).online();
    await server.online(ALICE);
    await server.inject(ALICE, PRETTY + `<presence from='${BOB}/r'/><message from='x@y.example'><no/></message>`);
    const answers = await Promise.all(
      ['by3', 'byname', 'byin'].map((id) => server.waitFor(({ stanza }) => stanza.attrs.id === id)),
    );
    for (const { xml } of answers) expect(xml).toContain('<body>two\nlines &amp; &lt;more&gt;</body>');
    await alice.see('stanzas', '<no/>');
    const lines = alice.read('stanzas').split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(
      /^<message from='bob@example.org\/r' [^\n]*<body>two&#10;lines &amp; &lt;more&gt;<\/body>/,
    );
    expect(alice.read('arguments')).toBe(`-d ${alice.dir} -j ${ALICE} -o /dev/fd/3\n`);
    // The others work as ever.
    await alice.see(`${BOB}/presence`, 'online');
    alice.child.kill('SIGTERM');
    expect([await alice.ended, alice.err()]).toEqual([0, '']);
    expect(alice.read('over')).toBe('over\n');
  });

  it('cat', async () => {
    const server = await startBed();
    const cat = (name: string) => `exec cat > "$SJ_DIR/${name}"`;
    const alice = await withParts(server, { messaged: cat('m'), presenced: cat('p'), iqd: cat('i') }).online();
    await server.online(ALICE, { available: false });
    await server.inject(
      ALICE,
      `${PRETTY}<presence from='${BOB}/r'/><iq type='get' id='1' from='${BOB}/r'><q xmlns='x'/></iq>`,
    );
    await alice.see('i', /\n$/);
    await alice.see('m', /\n$/);
    expect(await alice.see('p', /\n$/)).toMatch(/^<presence from='bob@example.org\/r'[^\n]*\/>\n$/);
    expect(alice.read('i')).toMatch(/^<iq type='get' id='1' [^\n]*\n$/);
    alice.child.kill('SIGTERM');
    expect([await alice.ended, alice.err()]).toEqual([0, '']);
  });

  it.each([
    ['exit 0', 'ended'],
    ['exit 3', 'ended with exit code 3'],
    ['kill -TERM $$', 'was killed by SIGTERM'],
  ])('one that does not stay: %s', async (script, how) => {
    const server = await startBed();
    const alice = withParts(server, { iqd: script });
    expect([await alice.ended, alice.err()]).toEqual([111, `sj: fatal: iqd ${how}\n`]);
    expect(alice.read('state')).toBe(`failed iqd ${how}\n`);
  });

  it('one that closes its input and lives on ends the session, and is killed', async () => {
    const server = await startBed();
    const alice = await withParts(server, {
      presenced: 'echo $$ > "$SJ_DIR/pid"; exec 0<&-; echo > "$SJ_DIR/closed"; exec sleep 1000',
    }).online();
    await alice.see('closed', '\n');
    const pid = Number(alice.read('pid'));
    await server.online(ALICE, { available: false });
    await server.inject(ALICE, `<presence from='${BOB}/r'/>`);
    const how = 'presenced reads its input no more';
    expect([await alice.ended, alice.err()]).toEqual([111, `sj: fatal: ${how}\n`]);
    expect(alice.read('state')).toBe(`failed ${how}\n`);
    await until(() => !fs.existsSync(`/proc/${pid}`));
  });

  it('one that sends garbage: it is told on stderr, and the next stanza goes out', async () => {
    const server = await startBed();
    const alice = await withParts(server, {
      iqd: `echo garbage >&3; echo "<message to='${BOB}' id='fine'/>" >&3; exec cat`,
    }).online();
    await server.waitFor(({ stanza }) => stanza.attrs.id === 'fine');
    expect(alice.err()).toMatch(/^sj: warning: iqd: dropped a stanza: [^\n]+\n$/);
  });
});

it('presenced has nothing to say when who started it has gone', async () => {
  const presenced = start(['presenced', '-d', newAccount(), '-o', '/dev/fd/3'], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  (presenced.child.stdio[3] as net.Socket).destroy();
  presenced.child.stdin!.end(PRETTY);
  expect([await presenced.ended, presenced.err()]).toEqual([0, '']);
});

describe.each(['a plain file', 'a FIFO with a reader'])('alone, with %s for `in`,', (kind) => {
  const FEED = `${PRETTY}

<presence
    from='${BOB}/r'
    to='${ALICE}'>
  <show>away</show>
  <status>for
    lunch</status>
</presence>
<presence from='eve@x.example' type='subscribe'/><iq from="${BOB}/r" id="v1" type="get">
  <query xmlns="jabber:iq:version"/>
</iq>
<iq type='result' id='a1'>
  <query xmlns='x'>
    <item/>
  </query>
</iq>`;

  async function account() {
    const dir = newAccount();
    fs.writeFileSync(path.join(dir, '..', 'feed'), FEED);
    if (kind === 'a plain file') {
      fs.writeFileSync(path.join(dir, 'in'), '');
      return { dir, sent: () => contents(dir, 'in') };
    }
    await sh(dir, 'mkfifo in');
    const reader = start(['sh', '-c', 'exec cat <> in'], { cwd: dir });
    return { dir, sent: reader.out };
  }

  it('messaged reads a file of stanzas', async () => {
    const { dir, sent } = await account();
    fs.mkdirSync(path.join(dir, BOB));
    await sh(dir, `mkfifo ${BOB}/in; echo hi > ${BOB}/in & messaged -d . -j ${ALICE} < ../feed; wait`);
    await until(() => sent().endsWith('\n'));
    expect(sent()).toMatch(/^<message [^\n]*<body>hi<\/body>[^\n]*<\/message>\n$/);
    expect(
      untimed(contents(dir, BOB, 'out'))
        .split('\n')
        .sort(),
    ).toEqual(['', `<${ALICE}> hi`, `<${BOB}/r> lines & <more>`, `<${BOB}/r> two`]);
  });

  it('presenced does', async () => {
    const { dir, sent } = await account();
    fs.writeFileSync(path.join(dir, 'mypresence'), 'dnd busy\n');
    // Until the end of its input `presence` shows what was said; so that comes only when it has been seen.
    const running = start(['presenced', '-d', '.'], { cwd: dir });
    running.child.stdin!.write(FEED);
    await until(
      () => /^away for +lunch\n$/.test(contents(dir, BOB, 'presence')),
      () => contents(dir, BOB, 'presence'),
    );
    running.child.stdin!.end();
    expect([await running.ended, running.err()]).toEqual([0, '']);
    await until(() => sent().includes('\n'));
    expect(sent().split('\n')[0]).toMatch(/^<presence><show>dnd<\/show><status>busy<\/status>/);
    expect(contents(dir, BOB, 'presence')).toBe('');
    expect(contents(dir, 'events')).toMatch(/\tsubscribe\teve@x\.example\t/);
  });

  it('iqd does', async () => {
    const { dir, sent } = await account();
    await sh(dir, `mkdir ${BOB}; echo online > ${BOB}/mypresence; iqd -d . < ../feed`);
    await until(() => sent().endsWith('\n'));
    expect(sent()).toMatch(
      /^<iq type='result' id='v1' to='bob@example.org\/r'><query xmlns='jabber:iq:version'><name>sj</,
    );
    expect(contents(dir, 'a1')).toMatch(/^<iq type='result' id='a1'>[^\n]*<item\/>[^\n]*<\/iq>\n$/);
    expect(fs.readdirSync(dir).sort()).toEqual(['a1', BOB, 'in']);
  });
});
