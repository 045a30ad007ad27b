// ^C reaches every process of the group at once: a line that was written just before it is sent and shown all the same.
import { expect, it } from 'vitest';
import { ALICE, BOB, contents, startBed, startSuite } from './bed/suite.ts';

it.each([[[]], [['-k']]])(
  '%j: messaged shows a line that was written just before a signal to all, in this session and with its time',
  async (options) => {
    const server = await startBed();
    let alice = await startSuite(server, { options }).online();
    await alice.chat(BOB);
    const dir = alice.dir;
    for (let i = 0; i < 6; i++) {
      if (i > 0) alice = await startSuite(server, { dir, options }).online();
      // Half of them are read before the signal, the others may be read after it.
      await alice.sh(`echo line ${i} > ${BOB}/in`);
      if (i % 2 === 0) await server.waitFor(({ xml }) => xml.includes(`<body>line ${i}</body>`));
      process.kill(-alice.child.pid!, 'SIGINT');
      await alice.ended;
      const lines = contents(dir, BOB, 'out')
        .split('\n')
        .filter((line) => line.endsWith(`> line ${i}`));
      expect(lines, `line ${i}`).toHaveLength(1);
      expect(lines[0]).toContain(ALICE);
    }
  },
);
