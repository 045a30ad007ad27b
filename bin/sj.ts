import { descriptor } from '../lib/cli/descriptor.ts';
import { EXIT, Fatal } from '../lib/cli/exit.ts';
import { onLeash } from '../lib/cli/leash.ts';
import { options } from '../lib/cli/options.ts';
import { readPassword } from '../lib/cli/password.ts';
import { openDescriptor, tellReady } from '../lib/cli/readiness.ts';
import { run } from '../lib/cli/run.ts';
import { hangupEnds } from '../lib/cli/terminal.ts';
import { openBackChannels } from '../lib/session/back-channels.ts';
import { sweep } from '../lib/sys/replace.ts';
import { accountDir, killedWhile, openAccount } from '../lib/tree/account.ts';
import { limitEvents } from '../lib/tree/events.ts';
import { suiteLimits } from '../lib/xmpp/limits.ts';
import { floorAfter, isMechanism } from '../lib/xmpp/sasl/floor.ts';
import { readFloor, writeFloor } from '../lib/xmpp/sasl/floor-file.ts';
import { accountOf, createResource } from '../lib/xmpp/stream/account.ts';
import { readIdentity } from '../lib/xmpp/stream/identity.ts';
import { tidyAfterKill } from '../lib/xmpp/stream/killed.ts';
import { checkDescriptors } from '../lib/xmpp/stream/link.ts';
import { runSession } from '../lib/xmpp/stream/session.ts';
import { openSessionStore } from '../lib/xmpp/stream/session-store.ts';
import { createTrace } from '../lib/xmpp/stream/trace.ts';

const USAGE =
  'sj [-DIITx] [-c CAFILE] [-d DIR] [-e FD] [-L NAME=VALUE]... [-n FD] [-p FD] [-r RESOURCE] [-t SECONDS] -s SERVER -u USER';

run('sj', async (say) => {
  const { value, list, count, rest } = options(
    process.argv.slice(2),
    {
      D: 'count',
      I: 'count',
      T: 'count',
      x: 'count',
      c: 'value',
      d: 'value',
      L: 'list',
      e: 'value',
      n: 'value',
      p: 'value',
      r: 'value',
      s: 'value',
      t: 'value',
      u: 'value',
    },
    USAGE,
  );
  if (rest.length > 0) throw new Fatal(EXIT.usage, 'too many arguments', USAGE);
  const env = process.env;
  const user = value.u ?? env.SJ_USER;
  const server = value.s ?? env.SJ_SERVER;
  if (!user || !server) throw new Fatal(EXIT.usage, 'who am I? -u USER and -s SERVER are needed', USAGE);
  const who = accountOf(user, server);
  const limits = suiteLimits(list.L, env.SJ_LIMITS, USAGE);
  limitEvents(limits.events);
  const timeout = seconds(value.t ?? '60');
  const outside = count.T > 0 || env.PROTO === 'SSL' || env.PROTO === 'TLS';
  if (outside && count.x > 0)
    throw new Fatal(EXIT.usage, 'TLS outside (-T, PROTO) and TLS by sj (-x) exclude each other', USAGE);
  const fd = value.p === undefined ? undefined : descriptor(value.p, '-p');
  checkDescriptors();
  const ready = openDescriptor(value.n, '-n');
  const leash = openDescriptor(value.e, '-e');

  const hangup = hangupEnds();
  const dir = accountDir(value.d);
  const lock = await openAccount(dir, say.warn);
  try {
    const account = `${who.user}@${who.domain}`;
    // Under xmppc -k, a state of `connecting` is its own.
    if (leash === undefined || killedWhile(dir) === 'online') tidyAfterKill(dir, account, say.warn);
    const channels = openBackChannels(dir, 3);
    const identity = readIdentity(dir);
    const asked = readOnce(() => readPassword({ fd, dir, account }));
    // Asked for before the server's clock runs; a certificate may do without it.
    if (identity === undefined) await asked();
    const floor = readFloor(dir, account);
    let doubt = () => {};
    const doubts = ['SIGALRM', ...(hangup ? [] : (['SIGHUP'] as const))] as const;
    for (const signal of doubts) process.on(signal, () => doubt());
    const store = openSessionStore(dir, account, say.warn);
    const stop = new AbortController();
    const stops = ['SIGINT', 'SIGTERM', ...(hangup ? (['SIGHUP'] as const) : [])] as const;
    for (const signal of stops) process.on(signal, () => stop.abort());
    if (leash !== undefined) onLeash(leash, () => stop.abort(new Fatal(EXIT.temporary, 'who started sj is gone')));
    return await runSession(
      {
        dir,
        account: {
          ...who,
          resource: value.r ?? (env.SJ_RESOURCE || (await createResource(dir))),
          tls: outside ? 'outside' : count.x > 0 ? 'ours' : count.I > 0 ? 'optional' : 'starttls',
          plainInClear: count.I > 1,
          haveCert: identity !== undefined,
          floor,
          resume: store.resume,
          known: floor !== null,
          password: asked,
        },
        tls: outside ? 'never' : count.x > 0 ? 'direct' : 'starttls',
        async secure(link) {
          // Loaded while the server is thinking, if at all.
          const tls = await import('../lib/xmpp/stream/tls.ts');
          const settings = { domain: who.domain, caFile: value.c, identity, direct: count.x > 0 };
          return tls.bindingsOf(await link.secure((raw) => tls.secure(raw, settings)));
        },
        channels: await channels,
        timeout: timeout * 1000,
        limits,
        store,
        onDoubt: (listener) => {
          doubt = listener;
        },
        authenticated: (mechanism) => isMechanism(mechanism) && writeFloor(dir, account, floorAfter(mechanism, floor)),
        ours: () => lock.confirm(),
        ready() {
          if (ready !== undefined) tellReady(ready);
        },
        trace: createTrace(count.D > 0, say.info),
        say,
      },
      stop.signal,
    );
  } finally {
    // Of a daemon that was killed.
    sweep(dir);
    lock.release();
  }
});

function seconds(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Fatal(EXIT.usage, `option -t: not a number of seconds: ${text}`, USAGE);
  return Number(text);
}

function readOnce(read: () => Promise<string>): () => Promise<string> {
  let answer: Promise<string> | undefined;
  return () => (answer ??= read());
}
