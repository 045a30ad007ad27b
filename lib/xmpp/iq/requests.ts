/** What iqd does with each stanza: answers go to their files, requests to their handlers. */

import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import type { Element } from 'ltx';
import { createRepeats } from '../../cli/repeats.ts';
import type { Fate } from '../../session/confirmations.ts';
import { appendRecord } from '../../sys/append.ts';
import { reason } from '../../sys/errno.ts';
import { createRateLimit } from '../../sys/rate-limit.ts';
import { canonical } from '../../xml/write.ts';
import { fromOwnAccount } from '../jid/own-account.ts';
import { ROSTER_NS } from '../ns.ts';
import { errorFor, errorWith, type Fault, result } from './answer.ts';
import type { Audience, Trust } from './audience.ts';
import type { Delivery } from './deliver.ts';
import { findHandler, type Handler } from './handler.ts';
import { writeFifo } from './pipe.ts';
import { RUN_LIMITS, type Run, type RunLimits, runProgram } from './program.ts';
import { createQueue, QUEUE_LIMITS, type QueueLimits } from './queue.ts';
import { type Request, sortIq } from './request.ts';
import { judge } from './verdict.ts';

export type IqdOptions = {
  /** The account directory, and where the shipped handlers are. */
  readonly dir: string;
  readonly shipped: string;
  /** The own JID, if known. */
  readonly own: string | undefined;
  /** What handlers find in their environment besides what iqd tells them. */
  readonly env: NodeJS.ProcessEnv;
  readonly delivery: Delivery;
  readonly audience: Pick<Audience, 'of'>;
  /** The bare JID in normal form, or null for what is no JID. */
  readonly bareOf: (jid: string) => string | null;
  /** Sends a stanza, as one line without its end. */
  readonly send: (line: string, fate: Fate) => void;
  readonly warn: (message: string) => void;
  readonly run?: RunLimits;
  readonly queue?: QueueLimits;
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number;
};

export type Iqd = {
  /**
   * Takes a stanza; `raw` is its text as it came, of which nothing is kept.
   * @param done called when it is dealt with: it is where it was to go, and its answer, if we owe one, is taken
   */
  stanza(element: Element, raw: Uint8Array, done?: () => void): void;
  /**
   * No more stanzas come: gives handlers so many milliseconds to finish, then ends them.
   * @param again what is not dealt with then comes again, so it gets no answer now
   */
  drain(grace: number, again?: boolean): Promise<void>;
};

/** A request, and what is known of it. */
type Task = {
  readonly request: Request;
  readonly raw: Uint8Array;
  /** It tells of a change of the own roster. */
  readonly push: boolean;
  readonly trust: Trust;
  readonly done: () => void;
};

/**
 * What strangers may put into files and FIFOs in `ext`, all of them together, since addresses cost nothing: bytes a
 * second, and at once.
 */
export const STRANGERS = { rate: 16_384, burst: 1_048_576 };

/** How long the reader of a handler's FIFO may take for what the pipe can't hold, in milliseconds. */
const FIFO_PATIENCE = { reader: 0, reading: 10_000 };

export function createIqd(options: IqdOptions): Iqd {
  const { dir, shipped, own, delivery, bareOf, send } = options;
  const warn = createRepeats(options.warn, options.now);
  const limits = options.queue ?? QUEUE_LIMITS;
  const programs = createQueue(limits);
  /** One stanza at a time for each FIFO. */
  const pipes = createQueue({ ...limits, running: limits.waiting, each: { ...limits.each, running: 1 } });
  const runs = new Set<Run>();
  const { now = () => performance.now() } = options;
  const strangers = createRateLimit(STRANGERS.rate, STRANGERS.burst, now());
  const hurry = new AbortController();
  setMaxListeners(0, hurry.signal);

  /** What is not dealt with at the end comes again. */
  let comesAgain = false;

  const reply = ({ request, done }: Task, stanza: Element) =>
    send(canonical(stanza), (refusal) => {
      if (refusal === null) return done();
      // Too large for the server, most likely. Whoever asked is not left without an answer.
      send(canonical(errorFor(request, 'internal-server-error')), done);
    });
  const fail = (task: Task, fault: Fault) => reply(task, errorFor(task.request, fault));

  const runHandler = async (path: string, input: string | Uint8Array, task: Task) => {
    const { request } = task;
    if (hurry.signal.aborted) return comesAgain ? undefined : fail(task, 'resource-constraint');
    const env = { ...options.env, SJ_DIR: dir, SJ_EXT: shipped, ...environment(task) };
    const run = runProgram(path, ['-d', dir], env, input, options.run ?? RUN_LIMITS);
    runs.add(run);
    const verdict = judge(await run.done);
    runs.delete(run);
    switch (verdict.kind) {
      case 'result':
        return reply(task, result(request, verdict.payload));
      case 'error':
        return reply(task, errorWith(request, verdict.error));
      case 'fault':
        if (hurry.signal.aborted && comesAgain) return undefined;
        warn(`${path} ${verdict.why}`);
        return fail(task, 'internal-server-error');
      case 'done':
        return task.done();
    }
  };

  /** A push is told to have arrived even where nobody but a file took it: the server asks for no more. */
  const taken = (task: Task) => {
    if (task.push) reply(task, result(task.request));
    else task.done();
  };

  const intoFifo = async (path: string, line: Uint8Array, task: Task) => {
    try {
      const fate = await writeFifo(path, line, { ...FIFO_PATIENCE, signal: hurry.signal }, true);
      if (fate === 'written' || task.push) return taken(task);
      if (hurry.signal.aborted && comesAgain) return undefined;
      if (fate === 'cut') warn(`${path}: its reader took only a part`);
      fail(task, fate === 'cut' ? 'internal-server-error' : 'service-unavailable');
    } catch (error) {
      warn(`cannot write ${path}: ${reason(error)}`);
      fail(task, 'internal-server-error');
    }
  };

  const intoFile = (path: string, line: Uint8Array, task: Task) => {
    try {
      appendRecord(path, line);
      taken(task);
    } catch (error) {
      warn(`cannot write ${path}: ${reason(error)}`);
      fail(task, 'internal-server-error');
    }
  };

  const handOver = ({ kind, path }: Handler, task: Task) => {
    const line = lineOf(task.raw);
    // They hear what they would hear if nobody were here.
    if (kind !== 'program' && task.trust === 'stranger' && !strangers.take(line.length, now()))
      return fail(task, 'service-unavailable');
    if (kind === 'file') return intoFile(path, line, task);
    let accepted: boolean;
    if (kind === 'fifo') accepted = pipes.add(path, () => intoFifo(path, line, task));
    else {
      const { from = '', stanza } = task.request;
      const input = textOf(stanza, task.raw);
      accepted = programs.add(bareOf(from) ?? from, () => runHandler(path, input, task));
    }
    if (!accepted) fail(task, 'resource-constraint');
  };

  const answer = (request: Request, raw: Uint8Array, done: () => void) => {
    const push = request.ns === ROSTER_NS && request.type === 'set';
    const trust = options.audience.of(request.from);
    const task = { request, raw, push, trust, done };
    // Any other error would tell a stranger that somebody is here: this one he gets from the server where nobody is.
    if (request.ns === '') return fail(task, trust === 'stranger' ? 'service-unavailable' : 'bad-request');
    if (push && !fromOwnAccount(request.from, own)) {
      warn(`a roster push that is not from the own account: ${request.from?.slice(0, 80)}`, 'push');
      return fail(task, 'service-unavailable');
    }
    const handler = findHandler(join(dir, 'ext'), shipped, request.ns);
    if (handler === null) return push ? taken(task) : fail(task, 'service-unavailable');
    if (handler.kind !== 'unfit') {
      if (trust === 'stranger' && handler.shipped) return fail(task, 'service-unavailable');
      return handOver(handler, task);
    }
    if (handler.why !== '') warn(`${handler.path}: ${handler.why}`);
    return push ? taken(task) : fail(task, 'service-unavailable');
  };

  return {
    stanza(element, raw, done = () => {}) {
      const iq = sortIq(element);
      if (iq.kind === 'request') return answer(iq.request, raw, done);
      if (iq.kind === 'answer') {
        void delivery.deliver(iq.id, textOf(element, raw)).then((dealt) => dealt && done());
        return;
      }
      if (iq.kind === 'bad') warn(`skipped ${iq.why}`);
      done();
    },
    async drain(grace, again = false) {
      comesAgain = again;
      const timer = setTimeout(() => {
        hurry.abort();
        for (const run of runs) run.kill('had to end with iqd');
      }, grace);
      await Promise.all([programs.idle(), pipes.idle()]);
      clearTimeout(timer);
    },
  };
}

/** What a handler is told of the request in its environment; it is data, and handlers quote it. */
const environment = ({ request: { id, from, type, ns }, trust }: Task) => ({
  IQ_ID: id,
  IQ_FROM: from ?? '',
  IQ_TYPE: type,
  IQ_NS: ns,
  IQ_TRUST: trust,
});

/** Of a larger stanza the tree may be no more than its head. */
const LARGE = 65_536;

/** A stanza as one line: its canonical text, or if it is large as it came. */
const textOf = (element: Element, raw: Uint8Array): string | Uint8Array =>
  raw.length > LARGE ? lineOf(raw) : `${canonical(element)}\n`;

/** A copy of a stanza as it came, with the end of the line. */
const lineOf = (raw: Uint8Array): Buffer => Buffer.concat([raw, Buffer.from('\n')]);
