/**
 * What happens again and again is told once at its beginning, and counted from then on: a flood of mistakes must not
 * become a flood of reports. Pure; whoever holds it has the clock and the timer.
 */

/** In milliseconds: a burst is over when it has been quiet for so long; one that goes on is told of so often. */
const QUIET = 5000;
const EVERY = 60_000;

/** So many bursts are kept apart. */
const MOST = 64;

export type Summary = {
  readonly key: string;
  /** How often it has happened since it was told last, and within how many milliseconds. */
  readonly count: number;
  readonly time: number;
};

export type Bursts = {
  /**
   * Something has happened.
   * @param key what it was; `family` is what it counts as where there are too many different ones
   * @param now a monotonic clock in milliseconds
   * @returns whether to tell of it now: it is the first of its burst
   */
  add(key: string, family: string, now: number): boolean;
  /** What is to be told now. @param over nothing more will happen: everything is told */
  due(now: number, over?: boolean): Summary[];
  /** When to ask what is due, on the same clock; null as long as nothing happens. */
  readonly next: number | null;
};

type Burst = { count: number; told: number; last: number };

export function createBursts(most = MOST): Bursts {
  const bursts = new Map<string, Burst>();

  /** When it has to be looked at: it may be over then, or to be told of. */
  const when = ({ count, told, last }: Burst) =>
    Math.min(last + QUIET, count > 0 ? told + EVERY : Number.POSITIVE_INFINITY);

  return {
    add(key, family, now) {
      const as = bursts.has(key) || bursts.size < most ? key : family;
      const burst = bursts.get(as);
      if (burst === undefined) {
        bursts.set(as, { count: 0, told: now, last: now });
        return true;
      }
      burst.count++;
      burst.last = now;
      return false;
    },
    due(now, over = false) {
      const summaries: Summary[] = [];
      for (const [key, burst] of bursts) {
        if (!over && when(burst) > now) continue;
        const { count, told, last } = burst;
        if (count > 0) summaries.push({ key, count, time: last - told });
        if (over || last + QUIET <= now) bursts.delete(key);
        else bursts.set(key, { count: 0, told: now, last });
      }
      return summaries;
    },
    get next() {
      let next: number | null = null;
      for (const burst of bursts.values()) next = Math.min(next ?? Number.POSITIVE_INFINITY, when(burst));
      return next;
    },
  };
}

export type Reports = {
  /**
   * Tells what has happened, or counts it.
   * @param family see `Bursts`
   * @param id whose it is: what happens to others is counted apart
   * @param example what is told only of the first
   */
  add(what: string, family: string, id?: string, example?: string): void;
  /** Tells what has been counted, and stops. */
  close(): void;
};

/**
 * Bursts with a clock.
 * @param tell told of the first of a burst, and how often it has happened since: `WHAT: EXAMPLE`, and later
 * `WHAT (and 17 times more in 5 s)`; and whose it is
 */
export function createReports(tell: (text: string, id: string) => void): Reports {
  const bursts = createBursts();
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  function later(): void {
    if (closed || timer !== null || bursts.next === null) return;
    timer = setTimeout(look, Math.max(0, bursts.next - performance.now()) + 1);
    timer.unref();
  }

  function look(): void {
    timer = null;
    sum(false);
    later();
  }

  function sum(over: boolean): void {
    for (const { key, count, time } of bursts.due(performance.now(), over)) {
      const [id = '', what] = key.split('\n');
      tell(`${what} (and ${count} times more in ${Math.ceil(time / 1000)} s)`, id);
    }
  }

  return {
    add(what, family, id = '', example = '') {
      if (!bursts.add(`${id}\n${what}`, `\n${family}`, performance.now())) return;
      tell(example === '' ? what : `${what}: ${example}`, id);
      later();
    },
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      sum(true);
    },
  };
}
