/** Which files a program and its children have changed, as strace(1) tells. */
import fs from 'node:fs';
import path from 'node:path';
import { read } from './job.ts';
import type { Complaint } from './oracle.ts';
import type { Place } from './place.ts';

const file = ({ report }: Place) => path.join(report, 'trace');

/** The command that a program is to be run through; it stays the one whose pid is known. */
export const TRACED = (place: Place): string[] => [
  'strace',
  '-D',
  '-f',
  '-qq',
  '-s',
  '4096',
  '-e',
  'trace=%file',
  '-e',
  'signal=none',
  '-o',
  file(place),
];

const CHANGES =
  /^(unlink|rename|mkdir|rmdir|link|symlink|mknod|chmod|fchmodat|chown|lchown|truncate|utime|setxattr|creat)/;

/** What anybody may write to. */
const HARMLESS = /^\/(dev\/(null|tty|fd|pts|full|zero)|proc\/)/;

/** Everything that was changed lies within the account directory, links resolved. */
export function judgeTrace(place: Place): Complaint[] {
  const found = new Set<string>();
  const inside = [place.dir, place.report].map(real);
  /** Where each process is; a child begins where its parent was, which is the root of all. */
  const cwds = new Map<string, string>();
  for (const line of read(file(place)).split('\n')) {
    const [, pid = '', call = '', args = '', result = ''] = /^(\d+) +(\w+)\((.*)\) += +(-?\d+)/.exec(line) ?? [];
    if (call === '' || result.startsWith('-')) continue;
    const cwd = cwds.get(pid) ?? place.root;
    if (call === 'chdir') cwds.set(pid, path.resolve(cwd, unquoted(/"((?:[^"\\]|\\.)*)"/.exec(args)?.[1] ?? '')));
    if (!(CHANGES.test(call) || (call.startsWith('open') && /O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)/.test(args)))) continue;
    for (const [, quoted = ''] of args.matchAll(/"((?:[^"\\]|\\.)*)"/g)) {
      const place_ = path.resolve(cwd, unquoted(quoted));
      const where = path.join(real(path.dirname(place_)), path.basename(place_));
      if (!HARMLESS.test(where) && !inside.some((dir) => where === dir || where.startsWith(`${dir}/`)))
        found.add(`${call}: ${where}`);
    }
  }
  return [...found].map((detail) => ({ what: 'outside', detail }));
}

/** A string as strace writes it. */
const unquoted = (text: string): string =>
  text.replace(/\\(\d{1,3}|.)/g, (_, c: string) => (/\d/.test(c) ? String.fromCharCode(Number.parseInt(c, 8)) : c));

function real(place: string): string {
  try {
    return fs.realpathSync(place);
  } catch {
    return place;
  }
}
