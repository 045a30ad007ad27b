/** Connections that break at a given place: the fault `cut`. */
import type { Cut } from './faults.ts';
import type { Hub } from './hub.ts';
import type { Link } from './link.ts';

export type Cuts = {
  /** It has happened, and nothing that comes is taken any more. */
  readonly deaf: boolean;
  /** A stanza has come. @returns false: it was cut, so it has not */
  received(): boolean;
  /** Writes a stanza, as much of it as it may. */
  sent(xml: string, write: (data: string | Uint8Array) => Promise<void>): void;
  /** Takes bytes, as many as it may. */
  bytesReceived(bytes: Uint8Array, take: (bytes: Uint8Array) => void): void;
  /** Writes bytes, as many as it may. */
  bytesSent(data: string | Uint8Array): Promise<void>;
};

/** @param whose the bare JID of the client, the empty string as long as nobody has logged in */
export function createCuts(hub: Hub, link: Link, whose: () => string): Cuts {
  let current: Cut | undefined;
  let count = 0;
  let deaf = false;

  /** Counts `more`. @returns the fault, if it is time, and how much is beyond it */
  const due = (at: Cut['at'], more: number): { cut: Cut; beyond: number } | undefined => {
    const { cut } = hub.faults;
    if (cut !== current) {
      current = cut;
      count = 0;
    }
    if (cut?.at !== at || link.silent) return undefined;
    count += more;
    const others = cut.of !== undefined && whose() !== '' && cut.of !== whose();
    if (count < cut.count || others) return undefined;
    return { cut, beyond: Math.min(count - cut.count, more) };
  };

  /** Cuts once what was written so far is with the kernel. */
  const happen = (cut: Cut) => {
    cut.times = (cut.times ?? 1) - 1;
    if (cut.times <= 0) delete hub.faults.cut;
    const { how = 'reset' } = cut;
    const written = link.written();
    const breaks = how === 'reset' || how === 'close';
    deaf = how !== 'mute';
    link.silence(breaks ? 'deaf' : how);
    if (breaks) void written.then(() => link.destroy(how === 'reset'));
    hub.journal.changed();
  };

  return {
    get deaf() {
      return deaf;
    },
    received() {
      const now = due('received', 1);
      if (now === undefined) return true;
      happen(now.cut);
      return now.cut.half !== true;
    },
    sent(xml, write) {
      const now = due('sent', 1);
      const bytes = Buffer.from(xml);
      void write(now?.cut.half === true ? bytes.subarray(0, bytes.length / 2) : bytes);
      if (now !== undefined) happen(now.cut);
    },
    bytesReceived(bytes, take) {
      const now = due('bytes received', bytes.length);
      take(now === undefined ? bytes : bytes.subarray(0, bytes.length - now.beyond));
      if (now !== undefined) happen(now.cut);
    },
    bytesSent(data) {
      if (hub.faults.cut?.at !== 'bytes sent') return link.write(data);
      const bytes = Buffer.from(data);
      const now = due('bytes sent', bytes.length);
      const written = link.write(now === undefined ? bytes : bytes.subarray(0, bytes.length - now.beyond));
      if (now !== undefined) happen(now.cut);
      return written;
    },
  };
}
