/** What iqd does with each stanza: answers go to their files, requests to their handlers. */
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import type { Element } from 'ltx';
import { reason } from '../cli/die.ts';
import { appendRecord } from '../files/append.ts';
import { canonical } from '../xml/write.ts';
import { errorFor, errorWith, type Fault, result } from './answer.ts';
import type { Delivery } from './deliver.ts';
import { findHandler, type Handler } from './handler.ts';
import { writeFifo } from './pipe.ts';
import { RUN_LIMITS, type Run, type RunLimits, runProgram } from './program.ts';
import { createQueue, QUEUE_LIMITS, type QueueLimits } from './queue.ts';
import { fromOwnAccount, type Request, ROSTER_NS, sortIq } from './request.ts';
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
  /** The bare JID in normal form, or null for what is no JID. */
  readonly bareOf: (jid: string) => string | null;
  /** Sends a stanza, as one line without its end. */
  readonly send: (line: string) => void;
  readonly warn: (message: string) => void;
  readonly run?: RunLimits;
  readonly queue?: QueueLimits;
};

export type Iqd = {
  /** Takes a stanza; `raw` is its text as it came, of which nothing is kept. */
  stanza(element: Element, raw: Uint8Array): void;
  /** No more stanzas come: gives handlers so many milliseconds to finish, then ends them. */
  drain(grace: number): Promise<void>;
};

/** How long the reader of a handler's FIFO may take for what the pipe can't hold, in milliseconds. */
const FIFO_PATIENCE = { reader: 0, reading: 10_000 };

export function createIqd(options: IqdOptions): Iqd {
  const { dir, shipped, own, delivery, bareOf, send, warn } = options;
  const limits = options.queue ?? QUEUE_LIMITS;
  const programs = createQueue(limits);
  /** One stanza at a time for each FIFO. */
  const pipes = createQueue({ ...limits, running: limits.waiting, each: { ...limits.each, running: 1 } });
  const runs = new Set<Run>();
  const hurry = new AbortController();
  setMaxListeners(0, hurry.signal);

  const reply = (stanza: Element) => send(canonical(stanza));
  const fail = (request: Request, fault: Fault) => reply(errorFor(request, fault));

  const runHandler = async (path: string, request: Request) => {
    if (hurry.signal.aborted) return fail(request, 'resource-constraint');
    const env = { ...options.env, SJ_DIR: dir, SJ_EXT: shipped, ...environment(request) };
    const run = runProgram(path, ['-d', dir], env, `${canonical(request.stanza)}\n`, options.run ?? RUN_LIMITS);
    runs.add(run);
    const verdict = judge(await run.done);
    runs.delete(run);
    switch (verdict.kind) {
      case 'result':
        return reply(result(request, verdict.payload));
      case 'error':
        return reply(errorWith(request, verdict.error));
      case 'fault':
        warn(`${path} ${verdict.why}`);
        return fail(request, 'internal-server-error');
      case 'done':
        return undefined;
    }
  };

  /** A push is told to have arrived even where nobody but a file took it: the server asks for no more. */
  const taken = (request: Request, push: boolean) => {
    if (push) reply(result(request));
  };

  const intoFifo = async (path: string, line: Uint8Array, request: Request, push: boolean) => {
    try {
      const fate = await writeFifo(path, line, { ...FIFO_PATIENCE, signal: hurry.signal }, true);
      if (fate === 'written' || push) return taken(request, push);
      if (fate === 'cut') warn(`${path}: its reader took only a part`);
      fail(request, fate === 'cut' ? 'internal-server-error' : 'service-unavailable');
    } catch (error) {
      warn(`cannot write ${path}: ${reason(error)}`);
      fail(request, 'internal-server-error');
    }
  };

  const intoFile = (path: string, line: Uint8Array, request: Request, push: boolean) => {
    try {
      appendRecord(path, line);
      taken(request, push);
    } catch (error) {
      warn(`cannot write ${path}: ${reason(error)}`);
      fail(request, 'internal-server-error');
    }
  };

  const handOver = (handler: Handler, request: Request, raw: Uint8Array, push: boolean) => {
    const { kind, path } = handler;
    if (kind === 'file') return intoFile(path, lineOf(raw), request, push);
    let accepted: boolean;
    if (kind === 'fifo') {
      const line = lineOf(raw);
      accepted = pipes.add(path, () => intoFifo(path, line, request, push));
    } else {
      const sender = bareOf(request.from ?? '') ?? request.from ?? '';
      accepted = programs.add(sender, () => runHandler(path, request));
    }
    if (!accepted) fail(request, 'resource-constraint');
  };

  const answer = (request: Request, raw: Uint8Array) => {
    if (request.ns === '') return fail(request, 'bad-request');
    const push = request.ns === ROSTER_NS && request.type === 'set';
    if (push && !fromOwnAccount(request.from, own, bareOf)) {
      warn(`a roster push that is not from the own account: ${request.from?.slice(0, 80)}`);
      return fail(request, 'service-unavailable');
    }
    const handler = findHandler(join(dir, 'ext'), shipped, request.ns);
    if (handler !== null && handler.kind !== 'unfit') return handOver(handler, request, raw, push);
    if (handler !== null && handler.why !== '') warn(`${handler.path}: ${handler.why}`);
    return push ? reply(result(request)) : fail(request, 'service-unavailable');
  };

  return {
    stanza(element, raw) {
      const iq = sortIq(element);
      if (iq.kind === 'answer') delivery.deliver(iq.id, `${canonical(element)}\n`);
      else if (iq.kind === 'request') answer(iq.request, raw);
      else if (iq.kind === 'bad') warn(`skipped ${iq.why}`);
    },
    async drain(grace) {
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
const environment = ({ id, from, type, ns }: Request) => ({ IQ_ID: id, IQ_FROM: from ?? '', IQ_TYPE: type, IQ_NS: ns });

/** A copy of a stanza as it came, with the end of the line. */
const lineOf = (raw: Uint8Array): Buffer => Buffer.concat([raw, Buffer.from('\n')]);
