/** How long, in milliseconds, a warning is not said again. */
const REST = 3_600_000;
/** So many kinds of warnings are remembered. */
const KINDS = 256;

/**
 * Says the same only once an hour, however often others cause it.
 * @param now a monotonic clock in milliseconds
 * @returns says a message unless one of the same kind was said; without a kind, the message itself is the kind
 */
export function createRepeats(
  warn: (message: string) => void,
  now: () => number = () => performance.now(),
): (message: string, kind?: string) => void {
  const said = new Map<string, number>();
  return (message, kind = message) => {
    const last = said.get(kind);
    if (last !== undefined && now() - last < REST) return;
    said.delete(kind);
    said.set(kind, now());
    if (said.size > KINDS) said.delete(said.keys().next().value!);
    warn(message);
  };
}
