/** Spoils what programs keep of themselves: at the level of bytes, of lines, of values, and of checksums that are right. */
import zlib from 'node:zlib';
import { spoil } from './mutate.ts';
import type { Random } from './random.ts';
import { ALL, JIDS, NUMBERS } from './words.ts';

const VALUE = /"(?:[^"\\]|\\.)*"|-?\d+|true|false|null|[[\]{},:]/g;

/** Another value, or another structure, in the place of one. */
function spoilValues(r: Random, text: string): string {
  const found = [...text.matchAll(VALUE)];
  if (found.length === 0) return text;
  const match = r.pick(found);
  const by = r.pick([
    () => r.pick(NUMBERS),
    () => JSON.stringify(r.pick(ALL)),
    () => JSON.stringify(r.pick(JIDS)),
    () =>
      JSON.stringify(
        r.pick(['../canary', '../../canary', '/etc/passwd', '../beside/out', 'ext', '.lock', 'events', '\0', '']),
      ),
    () => r.pick(['null', '[]', '{}', '""', 'true', '{"__proto__":{}}', '[[[[]]]]', '[null]', ',', ':']),
    () => r.pick(found)[0],
  ])();
  return text.slice(0, match.index) + by + text.slice(match.index + match[0].length);
}

function spoilLines(r: Random, text: string): string {
  const lines = text.split('\n');
  const [i, j] = [r.int(lines.length), r.int(lines.length)];
  switch (r.int(5)) {
    case 0:
      lines.splice(i, 1);
      break;
    case 1:
      lines.splice(j, 0, lines[i]!);
      break;
    case 2:
      [lines[i], lines[j]] = [lines[j]!, lines[i]!];
      break;
    case 3:
      lines[i] = r.pick(ALL).slice(0, 5000);
      break;
    default:
      lines[i] = spoilValues(r, lines[i]!);
  }
  return lines.join('\n');
}

type Entry = { head: string; body: string };

/** The records of a journal, see lib/store/records.ts. */
export function entriesOf(text: string): Entry[] {
  const bytes = Buffer.from(text, 'latin1');
  const found: Entry[] = [];
  for (let at = 0; at + 12 <= bytes.length; ) {
    const middle = at + 12 + bytes.readUInt32LE(at + 4);
    const end = middle + bytes.readUInt32LE(at + 8);
    if (end > bytes.length) break;
    found.push({ head: bytes.toString('latin1', at + 12, middle), body: bytes.toString('latin1', middle, end) });
    at = end;
  }
  return found;
}

function frame({ head, body }: Entry): string {
  const bytes = Buffer.concat([Buffer.alloc(12), Buffer.from(head + body, 'latin1')]);
  bytes.writeUInt32LE(head.length, 4);
  bytes.writeUInt32LE(body.length, 8);
  bytes.writeUInt32LE(zlib.crc32(bytes.subarray(4)), 0);
  return bytes.toString('latin1');
}

/** Its checksums are right; what it says is not. */
function spoilRecords(r: Random, text: string): string {
  const records = entriesOf(text);
  if (records.length === 0) return text;
  for (let i = r.few(4); i >= 0; i--) {
    const at = r.int(records.length);
    const record = records[at]!;
    switch (r.int(6)) {
      case 0:
        records.splice(r.int(records.length), 0, record);
        break;
      case 1:
        if (records.length > 1) records.splice(at, 1);
        break;
      case 2:
        records[at] = { ...record, body: spoil(r, record.body, [text]) };
        break;
      default:
        records[at] = { ...record, head: spoilValues(r, record.head) };
    }
  }
  return records.map(frame).join('');
}

/** @param name of the file, which tells what is in it */
export function spoilState(r: Random, name: string, text: string): string {
  if (r.chance(0.1))
    return r.pick(['', '\n', '\0', '\0'.repeat(4096), 'x'.repeat(70_000), '\xff\xfe', '{}', '[]', 'null\n']);
  if (/\.journal/.test(name)) return r.chance(0.8) ? spoilRecords(r, text) : spoil(r, text, [text]);
  let spoilt = text;
  for (let i = r.few(5); i >= 0; i--)
    spoilt = r.pick([spoilValues, spoilValues, spoilLines, (_: Random, t: string) => spoil(r, t, [text])])(r, spoilt);
  return spoilt;
}
