import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type RunLimits, runProgram } from '../../../../lib/xmpp/iq/program.ts';
import { SHELL, scratch, script } from './stanzas.ts';

const run = (
  text: string,
  { input = '', args = [] as string[], env = {}, limits = undefined as RunLimits | undefined } = {},
) => runProgram(script(join(scratch(), 'handler'), text), args, { PATH: process.env.PATH, ...env }, input, limits);

describe('runProgram', () => {
  it('hands over arguments, environment and input as they are', async () => {
    const outcome = await run(`printf '%s|%s|%s|' "$#" "$2" "$IQ_FROM"; cat`, {
      args: ['-d', SHELL],
      env: { IQ_FROM: SHELL },
      input: `<iq/>\n`,
    }).done;
    expect(outcome).toEqual({ code: 0, signal: null, output: Buffer.from(`2|${SHELL}|${SHELL}|<iq/>\n`) });
  });

  it('tells how it ended', async () => {
    expect(await run('echo no; exit 3').done).toMatchObject({ code: 3, output: Buffer.from('no\n') });
    expect(await run('kill -TERM $$').done).toMatchObject({ code: null, signal: 'SIGTERM' });
  });

  it('does not mind a program that reads nothing', async () => {
    expect(await run('exec <&-; echo x', { input: 'x'.repeat(1_000_000) }).done).toMatchObject({
      code: 0,
      output: Buffer.from('x\n'),
    });
  });

  it('ends one that takes too long, with its children', async () => {
    const outcome = await run('sleep 1000 & sleep 1000; echo x', { limits: { time: 100, output: 100 } }).done;
    expect(outcome).toMatchObject({ signal: 'SIGKILL', failure: 'took more than 0.1 s' });
  });

  it('ends one that prints without end', async () => {
    const outcome = await run('exec yes', { limits: { time: 60_000, output: 65_536 } }).done;
    expect(outcome).toMatchObject({ signal: 'SIGKILL', failure: 'printed more than 65536 bytes' });
    expect(outcome.output.length).toBeLessThanOrEqual(65_536);
  });

  it('does not wait for what a program left behind', async () => {
    const outcome = await run('sleep 1000 2>&1 & echo $!').done;
    expect(outcome.code).toBe(0);
    process.kill(Number(outcome.output.toString()), 'SIGKILL'); // It lives.
  });

  it('can be told to end it', async () => {
    const slow = run('sleep 1000');
    slow.kill('had to go');
    slow.kill('twice');
    expect(await slow.done).toMatchObject({ signal: 'SIGKILL', failure: 'had to go' });
  });

  it('tells what cannot be started', async () => {
    const dir = scratch();
    expect((await runProgram(join(dir, 'none'), [], {}, '').done).failure).toMatch(/^cannot be started/);
    expect((await run('echo', { env: { IQ_ID: 'x'.repeat(200_000) } }).done).failure).toMatch(/^cannot be started/);
  });
});
