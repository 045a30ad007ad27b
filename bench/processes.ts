/** What processes cost, as /proc tells it. */
import fs from 'node:fs';
import path from 'node:path';

/** After the command's name, which may hold anything: state, parent, and so on; see proc(5). */
function stat(pid: number): string[] {
  const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** A process and all that have come of it. */
export function family(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const parent = Number(stat(Number(entry))[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // It has ended meanwhile.
    }
  }
  const all = [root];
  for (const pid of all) all.push(...(children.get(pid) ?? []));
  return all;
}

/** Whether a process runs a program of this name. */
export const runs = (pid: number, program: string): boolean =>
  fs
    .readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    .split('\0')
    .slice(0, 2)
    .some((word) => path.basename(word) === program);

/** The time that processors have spent on them and their threads, in milliseconds. */
export const cpu = (pids: readonly number[]): number =>
  sum(pids, (pid) => {
    const threads = fs.readdirSync(`/proc/${pid}/task`);
    return sum(threads.map(Number), (id) => Number(schedstat(pid, id).split(' ')[0]) / 1e6);
  });

const schedstat = (pid: number, thread: number) => fs.readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1');

/** Their memory in MiB, what they share counted once (PSS); or only what comes from no file, which is theirs alone. */
export const memory = (pids: readonly number[], what: 'Pss' | 'Pss_Anon' = 'Pss'): number =>
  sum(pids, (pid) => {
    const rollup = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    return Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(rollup)![1]) / 1024;
  });

function sum(pids: readonly number[], of: (pid: number) => number): number {
  let all = 0;
  for (const pid of pids) {
    try {
      all += of(pid);
    } catch {
      // It has ended meanwhile.
    }
  }
  return all;
}
