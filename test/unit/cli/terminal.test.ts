// With a terminal of its own, whose session leader is a few lines of Python: Node has no pty.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bundle } from './probe.ts';

/** It says `ready` on descriptor 3 and ends by SIGUSR2; `warn`: it says so much first, `ask`: it asks for a password. */
const probe = bundle(`
  import { writeSync } from 'node:fs';
  import { run } from './lib/cli/run.ts';
  import { readPassword } from './lib/cli/password.ts';
  void run('probe', async (say) => {
    const [what, times] = process.argv.slice(2);
    const told = new Promise((end) => process.on('SIGUSR2', end));
    const alive = setInterval(() => {}, 1000);
    if (what === 'ask') await readPassword({ dir: '/nonexistent' });
    for (let i = 0; what === 'warn' && i < Number(times); i++) say.warn('number ' + i + ' ' + 'x'.repeat(100));
    writeSync(3, 'ready\\n');
    await told;
    clearInterval(alive);
    return 0;
  });
`);
afterAll(() => probe.remove());

/** The child leads a session with a terminal; what it prints into `result` is the test's. */
const LEADER = `
import fcntl, json, os, pty, select, signal, subprocess, sys, termios, threading
node, probe = sys.argv[1:3]
def start(args, group, **more):
    r, w = os.pipe()
    def before():
        if group: os.setpgid(0, 0)
        os.dup2(w, 3)
    p = subprocess.Popen([node, probe, *args], preexec_fn=before, close_fds=False, **more)
    os.close(w)
    return p, os.fdopen(r)
def echo():
    return bool(termios.tcgetattr(0)[3] & termios.ECHO)
def set_echo(on):
    modes = termios.tcgetattr(0)
    modes[3] = modes[3] | termios.ECHO if on else modes[3] & ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, modes)
result_r, result_w = os.pipe()
pid, master = pty.fork()
if pid == 0:
    os.close(result_r)
    signal.alarm(25)
    result = {}
    try:
        exec(sys.argv[3])
    except BaseException as e:
        result['failed'] = repr(e)
    os.write(result_w, json.dumps(result).encode())
    os._exit(0)
os.close(result_w)
shown = b''
def drain():
    global shown
    try:
        while True:
            got = os.read(master, 65536)
            if not got: break
            shown += got
            if b'dropped' in shown: open(sys.argv[4], 'w').close()
    except OSError:
        pass
reader = threading.Thread(target=drain)
reader.start()
result = os.fdopen(result_r).read()
os.waitpid(pid, 0)
reader.join()
print(json.dumps({'result': json.loads(result or '{"failed": "killed"}'), 'shown': shown.decode()}))
`;

function onTerminal(script: string): { result: Record<string, unknown>; shown: string } {
  const { stdout, stderr } = spawnSync(
    'python3',
    ['-c', LEADER, process.execPath, probe.file, script, join(probe.dir, 'dropped')],
    {
      encoding: 'utf8',
    },
  );
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

describe('a terminal', () => {
  it.each([
    ['background', 1],
    ['same group as the program in front', 0],
  ])('keeps the modes that others have set, when a program of the %s ends', (_, group) => {
    const { result } = onTerminal(`
p, ready = start(['wait'], ${group})
ready.readline()
set_echo(False)
p.send_signal(signal.SIGUSR2)
result['code'] = p.wait()
result['echo'] = echo()
set_echo(True)
`);
    expect(result).toEqual({ code: 0, echo: false });
  });

  it('is not read from the background: that is said, with exit code 100', () => {
    const { result, shown } = onTerminal(`
p, ready = start(['ask'], 1)
_, status = os.waitpid(p.pid, os.WUNTRACED)
result['stopped'] = os.WIFSTOPPED(status)
if result['stopped']: p.kill()
else: result['code'] = os.waitstatus_to_exitcode(status)
`);
    expect(result).toEqual({ code: 100, stopped: false });
    expect(shown).toContain('probe: fatal: cannot ask for the password from the background');
  });

  it('stops nobody who has something to say when it is stopped itself, and shows it when it goes on', () => {
    const { result, shown } = onTerminal(`
termios.tcflow(1, termios.TCOOFF)
p, ready = start(['warn', '2000'], 0)
result['went on'] = bool(select.select([ready], [], [], 15)[0])
termios.tcflow(1, termios.TCOON)
ready.readline()
while not os.path.exists(sys.argv[4]): select.select([], [], [], 0.05)
p.send_signal(signal.SIGUSR2)
result['code'] = p.wait()
`);
    expect(result).toEqual({ 'went on': true, code: 0 });
    expect(shown).toContain('number 0 ');
    expect(shown).toMatch(/\(\d+ messages dropped: the terminal was stopped\)/);
  });
});
