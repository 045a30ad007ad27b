/**
 * What sj and the server have told each other, read from what `sj -D` prints: which of our messages the server has
 * acknowledged, which of its messages we have (XEP-0198), and in how many sessions a message was sent. Pure.
 */

export type Trace = {
  line(text: string): void;
  /** Ids of messages of ours that the server has acknowledged. */
  readonly taken: ReadonlySet<string>;
  /** Ids of messages from the server that we have acknowledged. */
  readonly done: ReadonlySet<string>;
  /** Whether one message went, or came, for the first time before another did. */
  before(a: string, b: string): boolean;
  /** Ids of messages of ours that were sent. */
  readonly sent: Iterable<string>;
  /** In how many sessions a message was sent, and how often. */
  sessions(id: string): number;
  times(id: string): number;
  /** How often a session has begun, and how often one was resumed. */
  readonly begun: number;
  readonly resumed: number;
};

type Side = { stanzas: (string | null)[]; confirmed: number; readonly ids: Set<string> };

export function createTrace(): Trace {
  const ours: Side = { stanzas: [], confirmed: 0, ids: new Set() };
  const theirs: Side = { stanzas: [], confirmed: 0, ids: new Set() };
  /** When a message went or came first, as the number of the line. */
  const first = new Map<string, number>();
  const sentIn = new Map<string, Set<number>>();
  const times = new Map<string, number>();
  let begun = 0;
  let resumed = 0;
  /** What we said when we asked to resume. */
  let claimed = 0;

  function confirm(side: Side, h: number): void {
    for (; side.confirmed < h && side.confirmed < side.stanzas.length; side.confirmed++) {
      const id = side.stanzas[side.confirmed];
      if (id != null) side.ids.add(id);
    }
  }

  /** What follows the `h` stanzas is going to be sent again. */
  function back(side: Side, h: number): void {
    confirm(side, h);
    side.stanzas.length = Math.min(side.stanzas.length, h);
  }

  function afresh(side: Side): void {
    side.stanzas = [];
    side.confirmed = 0;
  }

  return {
    line(text) {
      const [, direction, what = ''] = /^sj: (sent|recv): (.*)$/s.exec(text) ?? [];
      if (direction === undefined) return;
      const side = direction === 'sent' ? ours : theirs;
      const [, name = ''] = /^<(\w+)/.exec(what) ?? [];
      if (/^(message|presence|iq)$/.test(name)) {
        const id = name === 'message' ? (/^[^>]*? id=(['"])(.*?)\1/.exec(what)?.[2] ?? null) : null;
        side.stanzas.push(id);
        if (id === null) return;
        if (!first.has(id)) first.set(id, first.size);
        if (side === ours) {
          sentIn.set(id, (sentIn.get(id) ?? new Set()).add(begun));
          times.set(id, (times.get(id) ?? 0) + 1);
        }
        return;
      }
      const h = Number(/ h=(['"])(\d+)\1/.exec(what)?.[2] ?? Number.NaN);
      if (name === 'a' && !Number.isNaN(h)) confirm(side === ours ? theirs : ours, h);
      else if (name === 'resume') claimed = h;
      else if (name === 'resumed') {
        resumed++;
        back(ours, h);
        back(theirs, claimed);
      } else if (name === 'failed' && !Number.isNaN(h)) confirm(ours, h);
      else if (name === 'enabled') {
        begun++;
        afresh(ours);
        afresh(theirs);
      }
    },
    taken: ours.ids,
    done: theirs.ids,
    before: (a, b) => (first.get(a) ?? Number.POSITIVE_INFINITY) < (first.get(b) ?? Number.POSITIVE_INFINITY),
    get sent() {
      return sentIn.keys();
    },
    sessions: (id) => sentIn.get(id)?.size ?? 0,
    times: (id) => times.get(id) ?? 0,
    get begun() {
      return begun;
    },
    get resumed() {
      return resumed;
    },
  };
}
