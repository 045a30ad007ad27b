/** What users write. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { flood, type Measure, TEXT, withSuite } from './measure.ts';
import { cpu } from './processes.ts';
import { lines, until } from './suite.ts';

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
