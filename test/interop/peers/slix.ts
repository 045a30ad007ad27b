/** A slixmpp client as the other side of a conversation (slix.py). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { passwordOf } from '../bed/hosts.ts';
import type { Server } from '../bed/server.ts';
import { until } from '../bed/until.ts';

type From = { readonly from: string };
export type SlixEvent =
  | { readonly event: 'online'; readonly jid: string }
  | { readonly event: 'failed'; readonly why: string }
  | (From & { readonly event: 'message'; readonly type: string; readonly body: string; readonly xml: string })
  | (From & { readonly event: 'presence'; readonly type: string; readonly show: string; readonly status: string })
  | (From & { readonly event: 'version'; readonly name: string; readonly version: string })
  | (From & { readonly event: 'iq-error'; readonly condition: string });
type Named<E> = Extract<SlixEvent, { event: E }>;

export type SlixCommand =
  | { do: 'message'; to: string; body: string }
  | { do: 'raw'; xml: string }
  | { do: 'version'; to: string }
  | { do: 'presence'; to?: string; type?: string; show?: string; status?: string };

export type Slix = {
  /** The full JID that the server gave it. */
  readonly jid: string;
  tell(command: SlixCommand): void;
  /** All events of a kind so far. */
  all<E extends SlixEvent['event']>(event: E): Named<E>[];
  /** Waits for the first event of that kind that fits, from now on or long ago. */
  see<E extends SlixEvent['event']>(event: E, fits: (e: Named<E>) => boolean): Promise<Named<E>>;
  /** Logs out. */
  stop(): Promise<void>;
};

const PROGRAM = join(import.meta.dirname, 'slix.py');

/** Logs in, and stays until the test is over. Which port: `direct` TLS or STARTTLS. */
export async function startSlix(server: Server, jid: string, tls: 'direct' | 'starttls' = 'starttls'): Promise<Slix> {
  const user = jid.slice(0, jid.indexOf('@'));
  // It ends by itself when its stdin does, so it needs no leash.
  const child = spawn(PROGRAM, [jid, '127.0.0.1', String(server.port[tls]), server.ca, tls], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit');
  const events: SlixEvent[] = [];
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  createInterface(child.stdout).on('line', (line) => events.push(JSON.parse(line) as SlixEvent));
  const stop = async () => {
    child.stdin.end();
    await exit;
  };
  onTestFinished(stop);
  const all = <E extends SlixEvent['event']>(event: E) => events.filter((e): e is Named<E> => e.event === event);
  const see = <E extends SlixEvent['event']>(event: E, fits: (e: Named<E>) => boolean) =>
    until(
      `${jid} to see ${event}`,
      () => {
        if (child.exitCode !== null) throw new Error(`slix ended\n${stderr}`);
        return all(event).find(fits);
      },
      () => events.map((e) => `${JSON.stringify(e).slice(0, 300)}\n`).join('') + stderr,
    );
  child.stdin.write(`${passwordOf(user)}\n`);
  const online = await see('online', () => true);
  return { jid: online.jid, all, see, stop, tell: (command) => void child.stdin.write(`${JSON.stringify(command)}\n`) };
}
