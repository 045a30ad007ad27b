/** Why a system call failed: its code, and what strerror says. */

/** Why a system call failed, as strerror says it where we know it: `no such file or directory`. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isQuota(error)) return 'disk quota exceeded';
  if (errno(error) === 'EMFILE') return 'too many open files (see ulimit -n)';
  // dup(2) has no room for a descriptor of the child at or above the limit.
  if (errno(error) === 'EINVAL' && 'syscall' in error && `${error.syscall}`.startsWith('spawn'))
    return 'descriptors are open above the limit (see ulimit -n)';
  // Node writes `ENOENT: no such file or directory, open 'x'`; the path is already in our own sentence.
  return /^E[A-Z0-9]+: (.*?)(, \w+( '.*)?)?$/s.exec(error.message)?.[1] ?? error.message;
}

/** libuv has no name for EDQUOT, only the system's number. */
const isQuota = (error: unknown): boolean =>
  error instanceof Error && 'errno' in error && error.errno === (process.platform === 'linux' ? -122 : -69);

/** The code of a failed system call (`ENOENT`), or the empty string. */
export function errno(error: unknown): string {
  if (isQuota(error)) return 'EDQUOT';
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
