/** What a suite costs that has little to do: its start, its memory, the time that a single message takes. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Measure, quantile, SETTLED, TEXT, withSuite } from './measure.ts';
import { cpu, memory } from './processes.ts';
import { deliver, environment, message, sizeOf, until } from './suite.ts';

/** How long `node -e 0` takes here and now, in milliseconds. */
async function bareStart(): Promise<number> {
  const from = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore', env: environment() }), 'exit');
  return performance.now() - from;
}

export const startup: Measure = async (bin) => {
  const bare = (await bareStart()) + (await bareStart());
  return withSuite(bin, async (suite) => {
    await deliver(suite, 0, 'hello');
    const first = performance.now() - suite.started;
    return {
      'node -e 0, ms': bare / 2,
      'session ready, ms': suite.ready,
      'session ready, of node -e 0': (2 * suite.ready) / bare,
      'first message in out, ms': first,
      'first message in out, of node -e 0': (2 * first) / bare,
    };
  });
};

/** The memory of four processes that do nothing, in MiB. */
async function bareMemory(): Promise<number> {
  const idle = () =>
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)'], { stdio: 'ignore', env: environment() });
  const children = [idle(), idle(), idle(), idle()];
  await wait(1500);
  const size = memory(children.map(({ pid }) => pid!));
  for (const child of children) child.kill('SIGKILL');
  return size;
}

const IDLE = 5000;

export const idle: Measure = async (bin) => {
  const bare = await bareMemory();
  return withSuite(bin, async (suite) => {
    await deliver(suite, 0, 'hello');
    await wait(SETTLED);
    const pids = suite.pids();
    const size = memory(pids);
    const before = cpu(pids);
    await wait(IDLE);
    return {
      'idle: memory, MiB': size,
      'idle: memory, of four node': size / bare,
      'idle: CPU, ms a minute': ((cpu(pids) - before) * 60_000) / IDLE,
    };
  });
};

const PINGS = 300;

export const latency: Measure = (bin) =>
  withSuite(bin, async (suite) => {
    await deliver(suite, 0, 'hello');
    const inbound: number[] = [];
    const outbound: number[] = [];
    for (let i = 0; i < PINGS; i++) {
      const before = sizeOf(suite.file(0, 'out'));
      const from = performance.now();
      void suite.server.send(message(0, `ping ${i}`));
      await until(() => sizeOf(suite.file(0, 'out')) > before, 0);
      inbound.push(performance.now() - from);
      await wait(2);
    }
    for (let i = 0; i < PINGS; i++) {
      const before = suite.server.messages;
      const from = performance.now();
      fs.writeFileSync(suite.file(0, 'in'), `pong ${i}\n`);
      await until(() => suite.server.messages > before, 0);
      outbound.push(performance.now() - from);
      await wait(2);
    }
    return {
      'latency to out: p50, ms': quantile(inbound, 0.5),
      'latency to out: p99, ms': quantile(inbound, 0.99),
      'latency from in: p50, ms': quantile(outbound, 0.5),
      'latency from in: p99, ms': quantile(outbound, 0.99),
    };
  });

/** The same bytes through a pipe into a file and nothing else: how fast this machine is here and now. */
export const floor: Measure = async (_, n) => {
  const dir = fs.mkdtempSync(path.join(process.env.TMPDIR ?? '/tmp', 'sj-bench-'));
  try {
    fs.writeFileSync(path.join(dir, 'from'), message(0, `0 ${TEXT}`).repeat(n));
    const from = performance.now();
    execFileSync('sh', ['-c', 'cat from | cat > to'], { cwd: dir });
    return { 'cat | cat: messages/s': (n * 1000) / (performance.now() - from) };
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
};
