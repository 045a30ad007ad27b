// Secrets: in nobody's arguments or environment, in no file but their own, in no trace; and what others' programs inherit.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Faults } from '../../loopback/faults.ts';
import {
  ALICE,
  type Bed,
  BOB,
  contents,
  DOMAIN,
  group,
  newAccount,
  scratch,
  sh,
  startBed,
  startSuite,
  until,
} from './bed/suite.ts';

const MARKED = 'Geheim-7f3a91c2e8';
const PROGRAMS = ['xmppc', 'sj', 'messaged', 'presenced', 'iqd'];

/** A server that notes down everything of each login that must stay between it and sj. */
async function startNoting(mechanism: string, faults: Faults = {}): Promise<Bed & { secrets(): string[] }> {
  let all = '';
  const server = await startBed({
    accounts: { alice: MARKED, bob: 'secret-bob' },
    mechanisms: [mechanism],
    faults,
    onRaw: (_, data) => {
      all += data.toString();
    },
  });
  const secrets = () => {
    const said = [...all.matchAll(/<(?:auth|challenge|response|success)[^>]*>([^<]{8,})/g)].map(([, data]) => data!);
    const proofs = said.flatMap((data) =>
      [...atob(data).matchAll(/(?:^|,)[pvrs]=([^,]{8,})/g)].map(([, text]) => text!),
    );
    return [MARKED, btoa(MARKED), encodeURIComponent(MARKED), ...said, ...proofs];
  };
  return Object.assign(server, { secrets });
}

/** What the kernel tells of the processes of a group. */
const told = (id: number) =>
  group(id).map(({ pid, name }) => ({ name, text: contents(`/proc/${pid}/cmdline`) + procText(pid, 'environ') }));

/** Files of /proc have no size. */
function procText(pid: number, file: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** All that is written down below a directory, but for the password's own file. */
const written = (dir: string) =>
  (fs.readdirSync(dir, { recursive: true }) as string[])
    .filter((name) => name !== 'password' && fs.lstatSync(path.join(dir, name)).isFile())
    .map((name) => ({ name, text: name + fs.readFileSync(path.join(dir, name), 'latin1') }));

describe.each(['PLAIN', 'SCRAM-SHA-256'])('the password and what is derived from it (%s)', (mechanism) => {
  it.each([
    ['auth', ['xmppc', 'sj'], []],
    ['bind', ['xmppc', 'sj'], []],
    [undefined, PROGRAMS, []],
    [undefined, PROGRAMS, ['-k']],
  ] as const)(
    'are in no arguments, environment, file or trace, and silence from here on changes nothing: %s',
    async (silentFrom, programs, options) => {
      const server = await startNoting(mechanism, silentFrom === undefined ? {} : { silentFrom });
      const alice = startSuite(server, { password: MARKED, options: ['-D', ...options] });
      if (silentFrom === undefined) await alice.online();
      else await until(() => server.silent() > 0);
      // On its way to be a program a process is called by several names.
      let found: ReturnType<typeof told> = [];
      await until(() => {
        found = told(alice.child.pid!);
        return programs.every((program) => found.find(({ name }) => name === program)?.text.includes('HOME='));
      });
      if (silentFrom !== 'auth') expect(server.secrets().length).toBeGreaterThan(3);
      alice.child.kill('SIGTERM');
      await alice.ended;
      const places = [...found, ...written(alice.dir), { name: 'stderr', text: alice.err() }];
      expect(alice.err()).toContain(silentFrom === 'auth' ? 'sent: <starttls' : '<auth');
      for (const secret of server.secrets())
        expect(places.filter(({ text }) => text.includes(secret)).map(({ name }) => name)).toEqual([]);
    },
  );
});

describe('a handler of iqd', () => {
  const PRINT = '#!/bin/sh\n{ env; ls -l /proc/self/fd; } > "$2/printed.new"; mv "$2/printed.new" "$2/printed"\n';

  async function printed(dir: string, server: Bed): Promise<string[]> {
    await server.inject(ALICE, `<iq type='get' from='${BOB}/x' id='h1'><x xmlns='urn:x:print'/></iq>`);
    await until(() => contents(dir, 'printed') !== '');
    return contents(dir, 'printed').split('\n');
  }

  function withHandler(): string {
    const dir = newAccount();
    fs.mkdirSync(path.join(dir, 'ext'), { mode: 0o700 });
    fs.writeFileSync(path.join(dir, 'ext', 'urn:x:print'), PRINT, { mode: 0o700 });
    return dir;
  }

  it('inherits its standard descriptors and nothing else: no connection, no password, no daemon', async () => {
    const server = await startBed();
    const dir = withHandler();
    const secret = path.join(scratch(), 'secret');
    fs.writeFileSync(secret, 'secret-alice\n');
    const fd = fs.openSync(secret, 'r');
    const alice = await startSuite(server, {
      dir,
      options: ['-p', '20'],
      stdio: ['pipe', 'pipe', 'pipe', ...Array<'ignore'>(17).fill('ignore'), fd],
    }).online();
    fs.closeSync(fd);
    const descriptors = (await printed(dir, server)).flatMap(
      (line) => / (\d+) -> (.*)$/.exec(line)?.slice(1, 3).join(' ') ?? [],
    );
    // The last one is that of ls itself.
    const used = descriptors.filter((line) => !line.endsWith(' /dev/null'));
    expect(used.map((line) => line.replace(/\[\d+\]|\d+\/fd/, '')).sort()).toEqual([
      expect.stringMatching(/^0 (pipe|socket):$/),
      expect.stringMatching(/\/printed\.new$/),
      expect.stringMatching(/^2 /),
      '3 /proc/',
    ]);
    await until(() => PROGRAMS.every((name) => group(alice.child.pid!).some((process) => process.name === name)));
    for (const name of ['messaged', 'presenced', 'iqd'] as const) {
      const open = fs.readdirSync(`/proc/${alice.pid(name)}/fd`).map((n) => link(`/proc/${alice.pid(name)}/fd/${n}`));
      expect(open).not.toContain(secret);
    }
  });

  it('inherits no descriptor that a shell has left open, though nobody has read the password on it', async () => {
    const server = await startBed({ mechanisms: ['EXTERNAL'] });
    const dir = withHandler();
    const { key, cert } = server.authority.client(ALICE);
    fs.writeFileSync(path.join(dir, 'cert.pem'), key + cert, { mode: 0o600 });
    const secret = path.join(scratch(), 'secret');
    fs.writeFileSync(secret, 'secret-alice\n');
    // Far from the others, so that nobody meets it by counting up.
    const script = `exec xmppc -H 127.0.0.1:${server.port} -d "$1" -r desk -c "$2" -p 77 ${ALICE} 77< "$3"`;
    const job = sh(dir, `bash -c '${script}' bash "$1" "$2" "$3" || :`, dir, server.caFile, secret);
    await server.online(ALICE);
    const lines = await printed(dir, server);
    expect(lines.filter((line) => line.includes(secret))).toEqual([]);
    server.closeStream(ALICE, 'not-authorized');
    await job;
  });

  it('is told what was asked in its environment, as it is, and finds no secret there', async () => {
    const server = await startBed();
    const dir = withHandler();
    await startSuite(server, { dir }).online();
    const lines = await printed(dir, server);
    expect(lines).toEqual(
      expect.arrayContaining([`IQ_ID=h1`, `IQ_FROM=${BOB}/x`, 'IQ_TYPE=get', 'IQ_NS=urn:x:print', `SJ_DIR=${dir}`]),
    );
    expect(lines.join('\n')).not.toMatch(/secret-alice|SJ_ACK/);
  });

  it('is started without a shell: quotes, blanks, globs and substitutions in what was asked are letters', async () => {
    const server = await startBed();
    const dir = newAccount();
    const evil = `urn:x:$(touch pwned) ;touch pwned;"'\`touch pwned\`*&|>pwned`;
    fs.mkdirSync(path.join(dir, 'ext'), { mode: 0o700 });
    fs.writeFileSync(
      path.join(dir, 'ext', evil),
      `#!/bin/sh\nprintf "<r xmlns='urn:x'><n>%s</n></r>" "$(printf "%s|%s|%s" "$IQ_NS" "$IQ_ID" "$IQ_FROM" | od -An -tx1 | tr -d " \\n")"\n`,
      { mode: 0o700 },
    );
    await startSuite(server, { dir, cwd: dir }).online();
    const id = `$(touch pwned)'";touch pwned`;
    const from = `eve@x.example/$(touch pwned)`;
    const attr = (text: string) => text.replace(/[&<'"]/g, (c) => `&#${c.charCodeAt(0)};`);
    await server.inject(ALICE, `<iq type='get' from='${attr(from)}' id='${attr(id)}'><x xmlns='${attr(evil)}'/></iq>`);
    const { xml } = await server.waitFor(({ stanza }) => stanza.attrs.id === id);
    expect(xml).toContain('<n>');
    expect(Buffer.from(/<n>(.*)<\/n>/.exec(xml)![1]!, 'hex').toString()).toBe(`${evil}|${id}|${from}`);
    expect(fs.existsSync(path.join(dir, 'pwned'))).toBe(false);
    // A line feed is in no name of a handler.
    await server.inject(ALICE, `<iq type='get' from='${DOMAIN}' id='nl'><x xmlns='urn:x:a&#10;b'/></iq>`);
    const answer = await server.waitFor(({ stanza }) => stanza.attrs.id === 'nl');
    expect(answer.stanza.attrs.type).toBe('error');
  });
});

function link(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return '';
  }
}
