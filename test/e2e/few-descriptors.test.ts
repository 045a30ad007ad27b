// Too few descriptors to work with (ulimit -n): one line that says so, exit code 111, and a state that is true.
import { expect, it } from 'vitest';
import { ALICE, BIN, contents, scratch, start, startBed } from './bed/suite.ts';

async function run(before: string) {
  const server = await startBed();
  const dir = scratch();
  // What the runner of the tests has left open is not meant.
  const close = `for fd in $(ls /proc/self/fd); do [ "$fd" -le 2 ] || eval "exec $fd<&-"; done`;
  const xmppc = `xmppc -p 3 -H 127.0.0.1:${server.port} -c ${server.caFile} -d ${dir}/xmpp ${ALICE}`;
  const job = start(['bash', '-c', `${close}; ${before}; exec timeout 5 ${BIN}/${xmppc} 3< <(echo secret-alice)`], {});
  const code = await job.ended;
  return { code, err: job.err(), state: contents(dir, 'xmpp', 'state') };
}

it.each([20, 22, 23, 24, 26, 28, 30])('ulimit -n %i is told in one line, with exit code 111', async (n) => {
  const { code, err, state } = await run(`ulimit -n ${n}`);
  expect(err).toMatch(/^(xmppc|sj): fatal: [^\n]+: too many open files \(see ulimit -n\)\n$/);
  expect(code).toBe(111);
  // Empty: there was no session yet.
  if (state !== '') expect(state).toBe(err.replace(/^sj: fatal:/, 'failed'));
});

it('an inherited descriptor above the limit is told in one line, with exit code 111', async () => {
  const { code, err, state } = await run('exec 200</dev/null; ulimit -n 100');
  expect({ code, err, state }).toEqual({
    code: 111,
    err: 'sj: fatal: cannot start messaged: descriptors are open above the limit (see ulimit -n)\n',
    state: 'failed cannot start messaged: descriptors are open above the limit (see ulimit -n)\n',
  });
});
