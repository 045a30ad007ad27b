/** What is measured: each of these runs a suite of its own and tells numbers by the name of their row. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { cpu, memory } from './processes.ts';
import {
  contact,
  deliver,
  environment,
  lines,
  message,
  type Setting,
  type Suite,
  sizeOf,
  start,
  until,
} from './suite.ts';

export type Numbers = Record<string, number>;

/** `n`: about how many messages. */
export type Measure = (bin: string, n: number) => Promise<Numbers>;

const TEXT = 'Lorem ipsum dolor sit amet, consectetur adipiscing elit &amp; sed do eiusmod tempor.';

/** Messages that are sent with one write. */
const BLOCK = 200;

async function withSuite<T>(bin: string, work: (suite: Suite) => Promise<T>, setting: Setting = {}): Promise<T> {
  const suite = await start(bin, setting);
  try {
    return await work(suite);
  } finally {
    await suite.stop();
  }
}

function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

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

/** Some 8 s after the last work the engine collects garbage once more, 20 ms for each process: that is not idling. */
const SETTLED = 12_000;
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

/** Sends n messages of so many contacts; the last one is of a contact that comes last in whatever is written. */
async function flood(suite: Suite, n: number, contacts: number): Promise<void> {
  const last = suite.file(contacts, 'out');
  const before = sizeOf(last);
  for (let i = 0; i < n; ) {
    let block = '';
    for (let j = 0; j < BLOCK && i < n; j++, i++) block += message(i % contacts, `${i} ${TEXT}`);
    await suite.server.send(block);
  }
  await suite.server.send(message(contacts, 'last'));
  await until(() => sizeOf(last) > before, 2);
}

const inbound =
  (name: string, contacts: number, managed = false): Measure =>
  (bin, n) =>
    withSuite(
      bin,
      async (suite) => {
        // Contacts that are new cost what their files cost: a row of its own.
        const met = performance.now();
        await flood(suite, contacts, contacts);
        const meeting = performance.now() - met;
        const pids = suite.pids();
        const before = cpu(pids);
        const from = performance.now();
        await flood(suite, n, contacts);
        const time = performance.now() - from;
        const spent = cpu(pids) - before;
        for (let i = 0; i < contacts; i++) {
          const expected = 1 + Math.ceil((n - i) / contacts);
          for (const file of ['out', 'log']) {
            const found = lines(suite.file(i, file));
            if (found !== expected) throw new Error(`${contact(i)}/${file} has ${found} lines instead of ${expected}`);
          }
        }
        if (managed) await until(() => suite.server.acknowledged >= contacts + n + 2);
        return {
          [`${name}: messages/s`]: (n * 1000) / time,
          [`${name}: CPU of a message, us`]: (spent * 1000) / n,
          [`${name}: memory after, MiB`]: memory(pids),
          ...(contacts > 100 && { [`${name}: new contacts/s`]: (contacts * 1000) / meeting }),
        };
      },
      { managed },
    );

export const inbound20 = inbound('in, 20 contacts', 20);
export const inbound900 = inbound('in, 900 contacts', 900);
export const managed20 = inbound('in, 20 contacts, acknowledged', 20, true);
export const long20: Measure = (bin, n) => inbound('in, 20 contacts, four times as many', 20)(bin, 4 * n);

const CROWD = 10_000;
const FEW = 20;

/** Many contacts, of whom few write. */
export const crowd: Measure = (bin, n) =>
  withSuite(
    bin,
    async (suite) => {
      await deliver(suite, 0, 'hello');
      const first = performance.now() - suite.started;
      await flood(suite, FEW, FEW);
      const pids = suite.pids();
      let before = cpu(pids);
      await flood(suite, n, FEW);
      const spent = cpu(pids) - before;
      const size = memory(pids);
      await wait(SETTLED);
      before = cpu(pids);
      await wait(IDLE);
      return {
        '10,000 contacts: first message, ms': first,
        '10,000 contacts: CPU of a message, us': (spent * 1000) / n,
        '10,000 contacts: memory after, MiB': size,
        '10,000 contacts: CPU idle, ms a minute': ((cpu(pids) - before) * 60_000) / IDLE,
      };
    },
    { contacts: CROWD },
  );

const WRITERS = 20;

export const outbound: Measure = (bin, n) =>
  withSuite(bin, async (suite) => {
    const each = Math.ceil(n / WRITERS);
    const text = path.join(suite.dir, '.text');
    fs.writeFileSync(text, `${TEXT.replace('&amp;', '&')}\n`.repeat(each));
    await flood(suite, WRITERS, WRITERS);
    const pids = suite.pids();
    const before = cpu(pids);
    let last = 0;
    suite.server.onMessages(() => {
      last = performance.now();
    });
    const from = performance.now();
    for (let i = 0; i < WRITERS; i++) {
      const to = fs.openSync(suite.file(i, 'in'), 'w');
      spawn('cat', [text], { stdio: ['ignore', to, 'ignore'] });
      fs.closeSync(to);
    }
    await until(() => suite.server.messages >= each * WRITERS, 5);
    const time = last - from;
    const shown = () => lines(suite.file(WRITERS - 1, 'out')) === each + 1;
    await until(shown, 20);
    return {
      'out, 20 writers: messages/s': (each * WRITERS * 1000) / time,
      'out, 20 writers: CPU of a message, us': ((cpu(pids) - before) * 1000) / (each * WRITERS),
    };
  });

const LARGE = 250_000;

export const large: Measure = (bin) =>
  withSuite(bin, async (suite) => {
    await deliver(suite, 0, 'hello');
    const count = 40;
    const stanza = message(0, 'All work and no play makes Jack a dull boy. '.repeat(LARGE / 44));
    const before = sizeOf(suite.file(0, 'out'));
    const from = performance.now();
    for (let i = 0; i < count; i++) await suite.server.send(stanza);
    await until(() => sizeOf(suite.file(0, 'out')) >= before + count * (LARGE - 44));
    return { 'in, stanzas of 250 kB: MB/s': (count * stanza.length) / 1000 / (performance.now() - from) };
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
