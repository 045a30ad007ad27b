/** Who is served when: so many at once, and nobody can keep the others waiting by asking much. */

export type QueueLimits = {
  readonly running: number;
  readonly waiting: number;
  /** Of these, how many may belong to one sender. */
  readonly each: { readonly running: number; readonly waiting: number };
};

/** So many at once, half of them for one sender; and eight times as many wait, a quarter of them of one sender. */
export function queueLimits(running: number): QueueLimits {
  const waiting = 8 * running;
  return { running, waiting, each: { running: Math.ceil(running / 2), waiting: Math.ceil(waiting / 4) } };
}

export const QUEUE_LIMITS = queueLimits(8);

export type Job = () => Promise<void>;

export type Queue = {
  /** Runs a job as soon as it is its sender's turn. @returns false if too many wait: the job has been refused */
  add(sender: string, job: Job): boolean;
  /** Jobs that run or wait. */
  readonly size: number;
  /** Resolves as soon as nothing runs or waits. */
  idle(): Promise<void>;
};

/** A queue that takes from its senders in turn. Jobs see to their own errors. */
export function createQueue(limits: QueueLimits = QUEUE_LIMITS): Queue {
  /** The senders who wait, the next one first. */
  const waiting = new Map<string, Job[]>();
  const running = new Map<string, number>();
  let waits = 0;
  let runs = 0;
  let idle: (() => void)[] = [];

  const start = (sender: string, job: Job) => {
    runs++;
    running.set(sender, (running.get(sender) ?? 0) + 1);
    job().finally(() => {
      runs--;
      const left = running.get(sender)! - 1;
      if (left > 0) running.set(sender, left);
      else running.delete(sender);
      next();
    });
  };

  const mayRun = (sender: string) => runs < limits.running && (running.get(sender) ?? 0) < limits.each.running;

  const next = () => {
    for (const [sender, jobs] of waiting) {
      if (!mayRun(sender)) continue;
      const job = jobs.shift()!;
      waits--;
      waiting.delete(sender);
      if (jobs.length > 0) waiting.set(sender, jobs); // at the end: the others come first
      start(sender, job);
      break;
    }
    if (runs + waits > 0) return;
    const waiters = idle;
    idle = [];
    for (const resolve of waiters) resolve();
  };

  return {
    add(sender, job) {
      const jobs = waiting.get(sender) ?? [];
      if (jobs.length === 0 && mayRun(sender)) {
        start(sender, job);
        return true;
      }
      if (waits >= limits.waiting || jobs.length >= limits.each.waiting) return false;
      waits++;
      jobs.push(job);
      waiting.set(sender, jobs);
      return true;
    },
    get size() {
      return runs + waits;
    },
    idle: () => new Promise((resolve) => (runs + waits === 0 ? resolve() : idle.push(resolve))),
  };
}
