/**
 * Counts what was said and what has arrived, and judges what is missing, doubled or out of order. Pure: it is fed with
 * lines and stanzas, and with what is known of who is to blame.
 */

/** What is known of those who could have lost something. */
export type Witness = {
  /** The server has acknowledged a message of ours. */
  taken(id: string): boolean;
  /** We have acknowledged a try of a contact's number to the server. */
  done(contact: string, n: number): boolean;
  /** The server has acknowledged a try of a contact's number to the contact. */
  accepted(contact: string, n: number): boolean;
  /** In how many sessions a message of ours was sent. */
  sessions(id: string): number;
  /** How often it was sent. */
  times(id: string): number;
  /** Whether one message went, or came, before another did, by their ids. */
  before(a: string, b: string): boolean;
  /** Whether the server was hit, and whether messaged was killed, after that time. */
  serverHit(since: number): boolean;
  messagedKilled(since: number): boolean;
};

/** Out: from us to the contact. */
type Out = { at: number; out: number; log: number; ids: string[]; peer: string[] };
/** In: a number may have been said more than once, each time marked as another try. */
type In = { at: number; out: Map<number, number>; log: Map<number, number>; events: number };

/** At the contact; in `out`, what was sent and what came. */
type Place = 'peer' | 'sent' | 'came';

type Contact = {
  outgoing: Map<number, Out>;
  incoming: Map<number, In>;
  /** The highest number that has arrived, in each place. */
  highest: Record<Place, number>;
};

export type Figures = {
  out: number;
  in: number;
  /** Lost by the server after it had acknowledged them. */
  serverLostOut: number;
  serverLostIn: number;
  /** Sent again under the same id in a new session. */
  again: number;
  /** Sent once, and given to the contact more than once: a server that ends stores what the contact has already. */
  doubled: number;
  /** Put out of order by the server. */
  reordered: number;
  /** Written into `in` and lost with messaged before it had written them down. */
  swallowed: number;
  /** Numbers that contacts have said more than once. */
  retried: number;
};

export type Tally = {
  /** A line of ours was written into `in`. */
  wrote(contact: string, n: number, at: number): void;
  /** Something with this body and id has arrived at the contact. */
  arrived(contact: string, body: string, id: string): void;
  /** A contact has said a number for the first time. */
  said(contact: string, n: number, at: number): void;
  /** A line of `out`, of `log`, of `events`. */
  out(contact: string, line: string): void;
  log(contact: string, line: string): void;
  event(line: string): void;
  /** What is wrong and will stay so. */
  readonly wrong: readonly string[];
  /** What has not arrived of everything until now, up to these numbers; empty: all is well. */
  missing(marks: Marks): string[];
  /** The last numbers said by both sides, or so many after them. */
  marks(ahead?: number): Marks;
  figures(): Figures;
};

export type Marks = ReadonlyMap<string, { readonly out: number; readonly in: number }>;

export const line = (contact: string, n: number): string => `us-${contact}:${n}`;
const OURS = /^us-(\w+):(\d+)$/;
const THEIRS = /^(\w+):(\d+):(\d+)$/;

const bump = <K>(map: Map<K, number>, key: K): number => {
  const count = (map.get(key) ?? 0) + 1;
  map.set(key, count);
  return count;
};

export function createTally(contacts: readonly string[], domain: string, witness: Witness): Tally {
  const wrong: string[] = [];
  const figures = { serverLostOut: new Set<string>(), serverLostIn: new Set<string>(), swallowed: new Set<string>() };
  let again = 0;
  let doubled = 0;
  let reordered = 0;
  const all = new Map<string, Contact>(
    contacts.map((name) => [
      name,
      { outgoing: new Map(), incoming: new Map(), highest: { peer: 0, sent: 0, came: 0 } },
    ]),
  );
  const of = (contact: string): Contact => all.get(contact)!;

  function outgoing(contact: string, body: string): Out | null {
    const [, name, n] = OURS.exec(body) ?? [];
    if (name === undefined) return null;
    if (name !== contact) wrong.push(`${contact}: has what was meant for another: ${body}`);
    const found = of(contact).outgoing.get(Number(n));
    if (found === undefined) wrong.push(`${contact}: has what was never written: ${body}`);
    return found ?? null;
  }

  function incoming(contact: string, body: string): { entry: In; n: number; attempt: number } | null {
    const [, name, n, attempt] = THEIRS.exec(body) ?? [];
    if (name === undefined) return null;
    if (name !== contact) wrong.push(`${contact}: has what another has said: ${body}`);
    const entry = of(contact).incoming.get(Number(n));
    if (entry === undefined) wrong.push(`${contact}: has what was never said: ${body}`);
    return entry === undefined ? null : { entry, n: Number(n), attempt: Number(attempt) };
  }

  /** A number has arrived for the first time. */
  function ordered(contact: string, where: Place, n: number): void {
    const { highest, outgoing } = of(contact);
    const last = highest[where];
    highest[where] = Math.max(last, n);
    if (n > last) return;
    const id = (number: number) =>
      where === 'came'
        ? `${contact}:${number}:0`
        : (outgoing.get(number)?.peer[0] ?? outgoing.get(number)?.ids[0] ?? '');
    // Between us and the contact only the server could have changed it.
    if (where !== 'sent' && witness.before(where === 'peer' ? id(n) : id(last), where === 'peer' ? id(last) : id(n)))
      reordered++;
    else wrong.push(`${contact}: ${n} after ${last} (${where})`);
  }

  function sentTwice(contact: string, n: number, { peer }: Out): void {
    const id = peer.at(-1)!;
    if (peer[0] !== id) wrong.push(`${contact}: number ${n} arrived with two ids, ${peer[0]} and ${id}`);
    else if (witness.times(id) < peer.length) doubled++;
    else if (witness.sessions(id) < peer.length) wrong.push(`${contact}: number ${n} arrived twice in one session`);
    else again++;
  }

  function checkOut(contact: string, n: number, entry: Out): boolean {
    const name = `${contact} ${n}`;
    figures.swallowed.delete(name);
    figures.serverLostOut.delete(name);
    if (entry.peer.length > 0) return entry.out === 1 && entry.log === 1;
    if (of(contact).highest.peer < n) return false;
    // Later ones have arrived, so this one does not any more.
    if (entry.out > 0) {
      const excused = witness.serverHit(entry.at) && entry.ids.every(witness.taken);
      if (excused) figures.serverLostOut.add(name);
      return excused && entry.log === 1;
    }
    const excused = witness.messagedKilled(entry.at);
    if (excused) figures.swallowed.add(name);
    return excused;
  }

  function checkIn(contact: string, n: number, entry: In): boolean {
    const name = `${contact} ${n}`;
    figures.serverLostIn.delete(name);
    if (entry.out.size > 0) {
      for (const [attempt, count] of entry.out) if (entry.log.get(attempt) !== count) return false;
      return entry.events >= entry.out.size;
    }
    if (of(contact).highest.came < n || !witness.accepted(contact, n)) return false;
    const excused = witness.serverHit(entry.at) && !witness.done(contact, n);
    if (excused) figures.serverLostIn.add(name);
    return excused;
  }

  return {
    wrote(contact, n, at) {
      of(contact).outgoing.set(n, { at, out: 0, log: 0, ids: [], peer: [] });
    },
    said(contact, n, at) {
      of(contact).incoming.set(n, { at, out: new Map(), log: new Map(), events: 0 });
    },
    arrived(contact, body, id) {
      const entry = outgoing(contact, body);
      if (entry === null) return void wrong.push(`${contact}: got ${body}`);
      const n = Number(OURS.exec(body)![2]);
      entry.peer.push(id);
      if (entry.peer.length > 1) sentTwice(contact, n, entry);
      else ordered(contact, 'peer', n);
    },
    out(contact, text) {
      const [, who, body = ''] = /^\d{4}-\d\d-\d\d \d\d:\d\d <(\S+)> (.*)$/.exec(text) ?? [];
      const ours = who !== undefined && outgoing(contact, body);
      if (ours) {
        if (++ours.out > 1) wrong.push(`${contact}/out: twice: ${text}`);
        return ordered(contact, 'sent', Number(OURS.exec(body)![2]));
      }
      const theirs = who === undefined ? null : incoming(contact, body);
      if (theirs === null || !who!.startsWith(`${contact}@${domain}`)) {
        if (!ours) wrong.push(`${contact}/out: ${text}`);
        return;
      }
      const { entry, n, attempt } = theirs;
      if (bump(entry.out, attempt) > 1) wrong.push(`${contact}/out: twice: ${text}`);
      if (attempt === 0) ordered(contact, 'came', n);
    },
    log(contact, text) {
      const { dir, id = '', body = '' } = JSON.parse(text);
      if (dir === 'out') {
        const entry = outgoing(contact, body);
        if (entry === null) return;
        entry.ids.push(id);
        if (++entry.log > 1) wrong.push(`${contact}/log: twice: ${text}`);
      } else if (dir === 'in') {
        const found = incoming(contact, body);
        if (found !== null && bump(found.entry.log, found.attempt) > 1) wrong.push(`${contact}/log: twice: ${text}`);
      } else wrong.push(`${contact}/log: ${text}`);
    },
    event(text) {
      const fields = text.split('\t');
      const [time = '', type = '', jid = '', detail = ''] = fields;
      if (fields.length !== 4 || !/^\d+\.\d{3}$/.test(time)) wrong.push(`events: ${text}`);
      if (type === 'error') wrong.push(`events: ${text}`);
      if (type !== 'message') return;
      const found = incoming(jid.split('@')[0]!, detail);
      if (found !== null && ++found.entry.events > (found.entry.out.size || 1) + 1)
        wrong.push(`events: twice: ${text}`);
    },
    wrong,
    missing(marks) {
      const found: string[] = [];
      for (const [contact, { out, in: inward }] of marks) {
        if (of(contact).outgoing.size < out) found.push(`nothing new to ${contact}`);
        if (of(contact).incoming.size < inward) found.push(`nothing new from ${contact}`);
        for (const [n, entry] of of(contact).outgoing)
          if (n <= out && !checkOut(contact, n, entry)) found.push(`to ${contact} ${n} ${JSON.stringify(entry)}`);
        for (const [n, entry] of of(contact).incoming) {
          if (n > inward || checkIn(contact, n, entry)) continue;
          found.push(
            `from ${contact} ${n} out ${[...entry.out.values()]} log ${[...entry.log.values()]} events ${entry.events}`,
          );
        }
      }
      return found;
    },
    marks: (ahead = 0) =>
      new Map(
        [...all].map(([contact, { outgoing, incoming }]) => [
          contact,
          { out: outgoing.size + ahead, in: incoming.size + ahead },
        ]),
      ),
    figures() {
      let [out, inward, retried] = [0, 0, 0];
      for (const { outgoing, incoming } of all.values()) {
        out += outgoing.size;
        inward += incoming.size;
        for (const { out: tries } of incoming.values()) if (tries.size > 1) retried++;
      }
      return {
        out,
        in: inward,
        serverLostOut: figures.serverLostOut.size,
        serverLostIn: figures.serverLostIn.size,
        swallowed: figures.swallowed.size,
        again,
        doubled,
        reordered,
        retried,
      };
    },
  };
}
