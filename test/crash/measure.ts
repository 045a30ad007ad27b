/** What programs and the directory take, and whether it grows. */
import fs from 'node:fs';
import path from 'node:path';

export type Usage = {
  /** Resident memory, in KiB. */
  rss: number;
  /** Open descriptors. */
  fds: number;
};

/** Null if it has ended. */
export function usageOf(pid: number): Usage | null {
  try {
    const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
    const rss = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN);
    return Number.isNaN(rss) ? null : { rss, fds: fs.readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return null;
  }
}

/** The private files of an account directory: how many there are in all of it, and the bytes of those at its top. */
export function dotFiles(dir: string): { count: number; bytes: Map<string, number> } {
  const bytes = new Map<string, number>();
  let count = 0;
  for (const entry of fs.readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.name.startsWith('.')) continue;
    count++;
    const file = path.join(entry.parentPath, entry.name);
    if (entry.parentPath !== dir) continue;
    const name = entry.name.startsWith('.tmp-') ? '.tmp' : entry.name;
    bytes.set(name, (bytes.get(name) ?? 0) + (fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0));
  }
  return { count, bytes };
}

/** Growth for each step, by least squares. */
export function slope(values: readonly number[]): number {
  const n = values.length;
  if (n < 2) return 0;
  const middle = (n - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  let [up, down] = [0, 0];
  values.forEach((value, i) => {
    up += (i - middle) * (value - mean);
    down += (i - middle) ** 2;
  });
  return up / down;
}
