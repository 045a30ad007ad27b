import { expect, it } from 'vitest';
import { createBatch } from '../../../lib/session/batch.ts';
import { createSplitter } from '../../../lib/xml/split.ts';

it('holds nothing at first, and nothing after it was taken', () => {
  const batch = createBatch();
  expect(batch.take()).toBeNull();
  batch.put('<a/>');
  expect(batch.take()?.toString()).toBe('<a/>\n');
  expect(batch.take()).toBeNull();
});

it('keeps the order of texts and of pieces, each on its line', () => {
  const batch = createBatch();
  const splitter = createSplitter('fragments', {
    stanza: (piece) => batch.put(piece),
    fault: () => expect.unreachable(),
  });
  batch.put('<a>é😀</a>');
  splitter.push(Buffer.from('<message><body>ü</body></message> <iq/>'));
  batch.put('<b/>');
  expect(batch.take()?.toString()).toBe('<a>é😀</a>\n<message><body>ü</body></message>\n<iq/>\n<b/>\n');
});

it('is a copy: what comes into the buffers later does not change it', () => {
  const batch = createBatch();
  const splitter = createSplitter('fragments', {
    stanza: (piece) => batch.put(piece),
    fault: () => expect.unreachable(),
  });
  const chunk = Buffer.from('<presence/>');
  splitter.push(chunk);
  const taken = batch.take();
  chunk.fill(0);
  expect(taken?.toString()).toBe('<presence/>\n');
});
