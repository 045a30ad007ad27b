import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeFifo } from '../../../../lib/xmpp/iq/pipe.ts';
import { scratch } from './stanzas.ts';

const { O_NONBLOCK, O_RDONLY } = fs.constants;
const PATIENT = { reader: 60_000, reading: 60_000 };
const SMALL = Buffer.from('<iq/>\n');
const LARGE = Buffer.alloc(300_000, 'x');

function fifo(): string {
  const path = join(scratch(), 'q1');
  execFileSync('mkfifo', [path]);
  return path;
}

/** Reads a FIFO that is open for reading until its writers have gone. */
async function readAll(fd: number): Promise<string> {
  const chunks: Buffer[] = [];
  const chunk = Buffer.alloc(65_536);
  for (let some = false; ; ) {
    await new Promise((resolve) => setImmediate(resolve));
    try {
      const n = fs.readSync(fd, chunk);
      if (n === 0 && some) break;
      if (n > 0) some = true;
      chunks.push(Buffer.from(chunk.subarray(0, n)));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
  }
  fs.closeSync(fd);
  return Buffer.concat(chunks).toString();
}

describe('writeFifo', () => {
  it('writes to a reader who is there', async () => {
    const path = fifo();
    const fd = fs.openSync(path, O_RDONLY | O_NONBLOCK);
    expect(await writeFifo(path, SMALL, { reader: 0, reading: 0 })).toBe('written');
    expect(await readAll(fd)).toBe('<iq/>\n');
  });

  it('waits for a reader who is late', async () => {
    const path = fifo();
    const fate = writeFifo(path, SMALL, PATIENT);
    const fd = fs.openSync(path, O_RDONLY | O_NONBLOCK);
    expect(await readAll(fd)).toBe('<iq/>\n');
    expect(await fate).toBe('written');
  });

  it('gives up when nobody comes', async () => {
    expect(await writeFifo(fifo(), SMALL, { reader: 60, reading: 0 })).toBe('unread');
    expect(await writeFifo(fifo(), SMALL, { reader: 0, reading: 0 })).toBe('unread');
  });

  it('gives up when told to', async () => {
    const hurry = new AbortController();
    const fate = writeFifo(fifo(), SMALL, { ...PATIENT, signal: hurry.signal });
    hurry.abort();
    expect(await fate).toBe('unread');
  });

  it('writes more than a pipe holds', async () => {
    const path = fifo();
    const fd = fs.openSync(path, O_RDONLY | O_NONBLOCK);
    const fate = writeFifo(path, LARGE, PATIENT);
    expect(await readAll(fd)).toBe(LARGE.toString());
    expect(await fate).toBe('written');
  });

  it('gives up on a reader who stops reading, or leaves, or when told to', async () => {
    const path = fifo();
    const stopped = fs.openSync(path, O_RDONLY | O_NONBLOCK);
    expect(await writeFifo(path, LARGE, { reader: 0, reading: 50 })).toBe('cut');
    const hurry = new AbortController();
    const told = writeFifo(path, LARGE, { ...PATIENT, signal: hurry.signal });
    hurry.abort();
    expect(await told).toBe('cut');
    const left = writeFifo(path, LARGE, PATIENT);
    fs.closeSync(stopped);
    expect(await left).toBe('cut');
  });

  it('tells that the FIFO has gone, or is none', async () => {
    const path = fifo();
    const fate = writeFifo(path, SMALL, PATIENT);
    fs.rmSync(path);
    expect(await fate).toBe('gone');
    fs.writeFileSync(path, 'precious');
    expect(await writeFifo(path, SMALL, PATIENT, true)).toBe('gone');
    expect(fs.readFileSync(path, 'utf8')).toBe('precious');
  });

  it('follows a link only where it may', async () => {
    const path = fifo();
    const link = `${path}-link`;
    fs.symlinkSync(path, link);
    const fd = fs.openSync(path, O_RDONLY | O_NONBLOCK);
    expect(await writeFifo(link, SMALL, PATIENT)).toBe('gone');
    expect(await writeFifo(link, SMALL, PATIENT, true)).toBe('written');
    fs.closeSync(fd);
  });
});
