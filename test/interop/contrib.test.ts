/** The services of contrib/, under the supervisors that they are for, against the loopback server. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFailed, onTestFinished } from 'vitest';
import {
  ALICE,
  type Bed,
  contents,
  events,
  newAccount,
  PASSWORDS,
  scratch,
  sh,
  start,
  startBed,
  until,
} from '../e2e/bed/suite.ts';

const CONTRIB = path.join(import.meta.dirname, '..', '..', 'contrib');

type Service = {
  /** The account directory. */
  dir: string;
  /** The service directory. */
  service: string;
  server: Bed;
  state(): string;
  onlines(): number;
  /** Runs a shell script in the service directory. */
  sh(script: string): Promise<string>;
};

/** A copy of a service for alice, with or without -k. */
async function install(kind: 'runit' | 's6', keep: boolean, password: string): Promise<Service> {
  const server = await startBed();
  const dir = newAccount();
  fs.writeFileSync(path.join(dir, 'password'), `${password}\n`, { mode: 0o600 });
  const service = path.join(scratch(), 'xmppc');
  fs.cpSync(path.join(CONTRIB, kind, 'xmppc'), service, { recursive: true });
  const conf = {
    ACCOUNT: ALICE,
    DIR: dir,
    RUNAS: '',
    OPTIONS: `-H 127.0.0.1:${server.port} -c ${server.caFile} ${keep ? '-w 0.1:0.5' : ''}`,
  };
  const settings = (text: string) =>
    text.replace(/^(\w+)=.*$/gm, (line, name: string) => {
      if (!Object.hasOwn(conf, name)) throw new Error(`${line} is not known here`);
      return `${name}='${conf[name as keyof typeof conf]}'`;
    });
  edit(path.join(service, 'conf'), settings);
  if (!keep) edit(path.join(service, 'run'), (text) => text.replace('xmppc -k ', 'xmppc '));
  onTestFailed(() => console.error(contents(service, 'log', 'main', 'current')));
  return {
    dir,
    service,
    server,
    state: () => contents(dir, 'state'),
    onlines: () => events(dir).filter(([type]) => type === 'online').length,
    sh: (script) => sh(service, script),
  };
}

function edit(file: string, change: (text: string) => string): void {
  fs.writeFileSync(file, change(fs.readFileSync(file, 'utf8')));
}

const online = ({ state }: Service) => state() === `online ${ALICE}/${state().split('/')[1]}`;
const again = (service: Service, times: number) =>
  until(() => service.onlines() === times && online(service), service.state);

/** Supervises a service and its log; all is gone after the test. */
function supervise(kind: 'runit' | 's6', service: string): void {
  const job = kind === 'runit' ? start(['runsv', service], {}) : start(['s6-svscan', path.dirname(service)], {});
  onTestFinished(async () => {
    await sh(service, `${kind === 'runit' ? 'sv -w 20 force-shutdown .' : 's6-svscanctl -t ..'} || :`);
    await job.ended;
  });
}

describe.each([true, false])('runit, with -k: %s', (keep) => {
  it('keeps the account online, and ends in order', async () => {
    const it = await install('runit', keep, PASSWORDS.alice);
    supervise('runit', it.service);
    await again(it, 1);
    await it.sh('sv -w 20 check .');
    it.server.kill(ALICE, { reset: true });
    await again(it, 2);
    await it.sh('sv -w 20 down .');
    expect([await it.sh('sv status .'), it.state()]).toEqual([expect.stringMatching(/^down: /), 'offline\n']);
    await it.sh('sv up .');
    await again(it, 3);
  });

  it('leaves it alone when it was refused', async () => {
    const it = await install('runit', keep, 'wrong');
    supervise('runit', it.service);
    await until(() => it.state().startsWith('failed '));
    await until(() => contents(it.service, 'supervise', 'stat') === 'down\n');
    const log = () => contents(it.service, 'log', 'main', 'current');
    await until(() => log().includes('fatal'));
    expect(log().match(/sj: fatal: /g)).toHaveLength(1);
  });
});

describe.each([true, false])('s6, with -k: %s', (keep) => {
  it('keeps the account online, knows when it is, and ends in order', async () => {
    const it = await install('s6', keep, PASSWORDS.alice);
    it.server.faults = { silentFrom: 'bind' };
    supervise('s6', it.service);
    await until(() => it.server.silent() === 1);
    expect(await it.sh('s6-svstat -o up,ready .')).toBe('true false\n');
    it.server.faults = {};
    it.server.kill('*');
    await it.sh('s6-svwait -U -t 20000 .');
    await again(it, 1);
    it.server.kill(ALICE, { reset: true });
    await again(it, 2);
    await it.sh('s6-svwait -U -t 20000 .');
    await it.sh('s6-svc -wD -T 20000 -d .');
    expect([await it.sh('s6-svstat -o up,exitcode .'), it.state()]).toEqual(['false 0\n', 'offline\n']);
    await it.sh('s6-svc -u .');
    await again(it, 3);
  });

  it('leaves it alone when it was refused', async () => {
    const it = await install('s6', keep, 'wrong');
    supervise('s6', it.service);
    await until(() => it.state().startsWith('failed '));
    // It waits for ./finish, whose 125 says what is to be wanted.
    await it.sh('s6-svwait -D -t 20000 .');
    expect(await it.sh('s6-svstat -o up,wantedup,exitcode .')).toBe('false false 77\n');
    const log = () => contents(it.service, 'log', 'main', 'current');
    await until(() => log().includes('fatal'));
    expect(log().match(/sj: fatal: /g)).toHaveLength(1);
  });
});

/** Prints the datagrams that come. What comes along with them, as for systemd, is closed by that. */
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True: print(s.recv(4096).decode())
`;

describe('systemd', () => {
  it('understands the unit', async () => {
    const dir = scratch();
    fs.copyFileSync(path.join(CONTRIB, 'systemd', 'xmppc@.service'), path.join(dir, 'xmppc@.service'));
    // It says what is wrong and ends with 0 all the same.
    const script = 'XDG_RUNTIME_DIR=$PWD systemd-analyze --user verify --man=no "$PWD/xmppc@$1.service" 2>&1';
    expect(await sh(dir, script, ALICE)).toBe('');
  });

  it('hears that the account is online, and why it is not any more', async () => {
    const server = await startBed();
    const dir = newAccount();
    fs.writeFileSync(path.join(dir, 'password'), `${PASSWORDS.alice}\n`, { mode: 0o600 });
    const socket = path.join(scratch(), 'notify');
    const listener = start(['python3', '-u', '-c', LISTENER, socket], {});
    await until(() => fs.existsSync(socket));
    const argv = ['xmppc', '-k', '-w', '3600', '-d', dir, '-r', 'desk', '-H', `127.0.0.1:${server.port}`];
    const job = start([...argv, '-c', server.caFile, ALICE], { env: { NOTIFY_SOCKET: socket } });
    await until(() => listener.out().includes(`READY=1\nSTATUS=online ${ALICE}/desk\n`));
    server.kill(ALICE);
    await until(() => listener.out().includes('STATUS=offline: the server closed the connection'));
    job.child.kill('SIGHUP');
    await until(() => listener.out().split(`STATUS=online ${ALICE}/desk`).length === 3);
    expect(listener.out().split('READY=1')).toHaveLength(2);
    job.child.kill('SIGTERM');
    expect(await job.ended).toBe(0);
  });
});
