/** How far, in milliseconds, the two clocks may part before we think that the machine slept. */
const SLEPT = 5000;

/**
 * Notices that the machine was suspended: the monotonic clock stands still then, and the one on the wall does not. Also
 * true when somebody has set the clock forward, which does no harm. Pure; both clocks in milliseconds.
 * @returns to be asked now and then whether it has slept since the last time
 */
export function createSleepWatch(mono: number, wall: number): (mono: number, wall: number) => boolean {
  let drift = wall - mono;
  return (at, time) => {
    const slept = time - at - drift > SLEPT;
    drift = time - at;
    return slept;
  };
}
