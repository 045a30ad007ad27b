/** Where the demo plays: a directory that is gone afterwards, a shell in it, and programs that run until they are stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

/** How long one command may take, or what it shall show may keep us waiting, in milliseconds. */
const PATIENCE = 30_000;
/** How often to look again, and how long a program may take to end when it is told to, in milliseconds. */
const LOOK = 50;
const ENDING = 5_000;

export type Stage = {
  readonly dir: string;
  /** Of everything that runs here; may be added to. */
  readonly env: NodeJS.ProcessEnv;
  /** Prints a remark. */
  say(text: string): void;
  /**
   * Prints a command of the shell, runs it, and prints what it prints.
   * @throws if it fails, does not end, or prints anything but what is expected
   */
  run(command: string, expected?: RegExp): Promise<void>;
  /**
   * Prints a command that only looks, and runs it again and again until it prints what is expected; then prints that.
   * @throws if it never does
   */
  look(command: string, expected: RegExp): Promise<void>;
  /** Prints a command, and runs it in the background. Its process is `$NAME` for later commands. */
  start(name: string, command: string): void;
  /** The exit code, or the signal, of what was started; waits for its end. */
  ended(name: string): Promise<number | string>;
  /** Stops everything and removes the directory. */
  clear(): Promise<void>;
};

/** @param bin where the programs are */
export function createStage(bin: string): Stage {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), 'sj-demo-'));
  const env = cleanEnvironment(bin);
  const jobs = new Map<string, Promise<number | string>>();
  const running = new Map<ChildProcess, Promise<number | string>>();
  let cleared = false;
  const leash = spawn('sh', [join(import.meta.dirname, 'leash.sh'), dir], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  leash.stdin.on('error', () => {});
  const unleashed = new Promise((resolve) => leash.on('exit', resolve).on('error', resolve));
  const tellLeash = () => leash.stdin.write(`${[...running.keys()].map(({ pid }) => pid).join(' ')}\n`);

  const print = (text: string) => void process.stdout.write(text);

  /** Runs a command in a process group of its own, so that all of it can be stopped. */
  function shell(command: string, output: 'pipe' | 'inherit') {
    if (cleared) throw new Error('the demo is over');
    const child = spawn('sh', ['-c', command], { cwd: dir, env, stdio: ['ignore', output, output], detached: true });
    const end = over(child);
    running.set(child, end);
    tellLeash();
    void end.then(() => {
      running.delete(child);
      tellLeash();
    });
    return { child, end };
  }

  async function attempt(command: string, patience: number): Promise<{ output: string; end: number | string }> {
    const { child, end } = shell(`{ ${command}\n} 2>&1`, 'pipe');
    const timer = setTimeout(() => kill(child), patience);
    const [output, code] = await Promise.all([text(child.stdout!), end]);
    clearTimeout(timer);
    return { output, end: code };
  }

  return {
    dir,
    env,
    say: (remark) => print(`\n# ${remark}\n`),
    async run(command, expected = /^/) {
      print(`$ ${command}\n`);
      const { output, end } = await attempt(command, PATIENCE);
      print(output);
      if (end !== 0) throw new Error(`this command ended with ${end}: ${command}`);
      if (!expected.test(output)) throw new Error(`this command did not print ${expected}: ${command}`);
    },
    async look(command, expected) {
      print(`$ ${command}\n`);
      const limit = performance.now() + PATIENCE;
      for (;;) {
        const { output } = await attempt(command, Math.max(1000, limit - performance.now()));
        const seen = expected.test(output);
        const late = performance.now() > limit;
        if (seen || late) print(output);
        if (seen) return;
        if (late) throw new Error(`waited in vain for this command to print ${expected}: ${command}`);
        await pause(LOOK);
      }
    },
    start(name, command) {
      print(`$ ${command} & ${name}=$!\n`);
      const { child, end } = shell(`exec ${command}`, 'inherit');
      jobs.set(name, end);
      env[name] = String(child.pid);
    },
    ended: (name) => Promise.race([jobs.get(name)!, pause(ENDING, 'no end', { ref: false })]),
    async clear() {
      cleared = true;
      const all = Promise.all(running.values());
      for (const child of running.keys()) child.kill('SIGTERM');
      await Promise.race([all, pause(ENDING, undefined, { ref: false })]);
      for (const child of running.keys()) kill(child);
      await all;
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
      leash.stdin.end();
      await unleashed;
    },
  };
}

/** The programs first on PATH, and nothing that would make them behave in another way than on a fresh account. */
function cleanEnvironment(bin: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` };
  for (const name of Object.keys(env))
    if (/^(SJ_.*|PROTO|ENV|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS)$/.test(name)) delete env[name];
  return env;
}

/** Resolves, when the process has ended, to its exit code or signal, or why it could not be started. */
function over(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(code ?? signal ?? 'nothing'));
  });
}

/** Kills the group of a process. */
function kill({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It was quicker.
  }
}
