/** The local time zone: its abbreviations, which Node does not tell, and whether it has become another one. */
import fs from 'node:fs';
import path from 'node:path';

const LOCALTIME = '/etc/localtime';
const ZONES = '/usr/share/zoneinfo';
const LARGEST = 262_144;

type Kind = { readonly offset: number; readonly name: string };
type Zone = { readonly times: readonly number[]; readonly kinds: readonly Kind[]; readonly after: readonly Kind[] };

let known: { file: string; zone: Zone | null } | null = null;

/**
 * The abbreviation of the zone at a time, as strftime(3) has it for `%Z`: `CET`. Where the system does not tell, the
 * offset as newer zones are called by: `+01`.
 */
export function zoneName(date: Date): string {
  const offset = -60 * date.getTimezoneOffset();
  const at = Math.floor(date.getTime() / 1000);
  const zone = load();
  if (zone !== null) {
    let last = zone.times.length - 1;
    while (last >= 0 && zone.times[last]! > at) last--;
    const found = last === zone.times.length - 1 && zone.after.length > 0 ? zone.after : [zone.kinds[last + 1]];
    const kind = found.find((one) => one !== undefined && Math.abs(one.offset - offset) < 60);
    if (kind !== undefined) return kind.name;
  }
  const minutes = Math.abs(offset) / 60;
  const two = (n: number) => String(n).padStart(2, '0');
  if (offset === 0) return 'UTC';
  const rest = minutes % 60;
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${rest === 0 ? '' : two(rest)}`;
}

function load(): Zone | null {
  const name = process.env.TZ?.replace(/^:/, '');
  const file = name === undefined || name === '' ? LOCALTIME : path.resolve(ZONES, name);
  if (known?.file !== file) known = { file, zone: read(file) };
  return known.zone;
}

function read(file: string): Zone | null {
  try {
    if (fs.statSync(file).size > LARGEST) return null;
    return parseZone(fs.readFileSync(file));
  } catch {
    return null;
  }
}

/**
 * Reads a file of tzfile(5) (RFC 8536): the second block, with times of 64 bits, and what holds after the last of them.
 * `kinds` has one more than `times`: first what was before all of them.
 * @throws if it is none
 */
export function parseZone(bytes: Buffer): Zone {
  const counts = (at: number) => {
    if (bytes.toString('latin1', at, at + 4) !== 'TZif') throw new TypeError('not a time zone');
    const [isUt, isStd, leaps, times, types, chars] = [20, 24, 28, 32, 36, 40].map((i) => bytes.readUInt32BE(at + i));
    return { isUt: isUt!, isStd: isStd!, leaps: leaps!, times: times!, types: types!, chars: chars! };
  };
  const first = counts(0);
  const second = 44 + first.times * 5 + first.types * 6 + first.chars + first.leaps * 8 + first.isStd + first.isUt;
  const { isUt, isStd, leaps, times: count, types, chars } = counts(second);
  const timesAt = second + 44;
  const indexAt = timesAt + count * 8;
  const typesAt = indexAt + count;
  const charsAt = typesAt + types * 6;
  const kindOf = (i: number): Kind => {
    const at = typesAt + i * 6;
    const name = charsAt + bytes[at + 5]!;
    return { offset: bytes.readInt32BE(at), name: bytes.toString('latin1', name, bytes.indexOf(0, name)) };
  };
  const indices = Array.from({ length: count }, (_, i) => bytes[indexAt + i]!);
  const footer = bytes.toString('latin1', charsAt + chars + leaps * 12 + isStd + isUt).split('\n')[1] ?? '';
  return {
    times: Array.from({ length: count }, (_, i) => Number(bytes.readBigInt64BE(timesAt + i * 8))),
    kinds: [0, ...indices].map(kindOf),
    after: kindsOf(footer),
  };
}

/** The two halves of a rule such as `CET-1CEST,M3.5.0,M10.5.0/3` or `<-03>3`; east of Greenwich is negative there. */
function kindsOf(rule: string): Kind[] {
  const part = /(<[^>]+>|[A-Za-z]+)([+-]?\d+(?::\d+){0,2})?/y;
  const standard = part.exec(rule);
  if (standard === null) return [];
  const offset = -seconds(standard[2] ?? '0');
  const kinds = [{ offset, name: bare(standard[1]!) }];
  const summer = part.exec(rule);
  if (summer !== null)
    kinds.push({ offset: summer[2] === undefined ? offset + 3600 : -seconds(summer[2]), name: bare(summer[1]!) });
  return kinds;
}

const bare = (name: string) => name.replace(/[<>]/g, '');

function seconds(text: string): number {
  const [hours = 0, minutes = 0, rest = 0] = text.replace(/^[+-]/, '').split(':').map(Number);
  return (text.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60 + rest);
}

let seen = look();

/** Where the system's zone stands: a link to another one, mostly. */
function look(): string {
  try {
    const { ino, mtimeMs } = fs.lstatSync(LOCALTIME);
    return `${ino} ${mtimeMs}`;
  } catch {
    return '';
  }
}

/** Takes the system's time zone anew if it has changed; Node asks for it once. @returns whether it has */
export function refreshZone(): boolean {
  const now = look();
  if (now === seen) return false;
  seen = now;
  known = null;
  const { TZ } = process.env;
  // To set it is the only way to make the engine forget what it knows.
  process.env.TZ = 'UTC';
  if (TZ === undefined) delete process.env.TZ;
  else process.env.TZ = TZ;
  return true;
}
