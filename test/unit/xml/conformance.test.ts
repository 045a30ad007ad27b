import { expect, it } from 'vitest';
import { parseElement } from '../../../lib/xml/tree.ts';
import { documents, element } from './documents.ts';
import { judge, type Plain, plain } from './judge.ts';

// No stanza ever stands in a scope without a default namespace, but a document does.
const DOCUMENT = { defaultNs: '', prefixes: new Map<string, string>() };

function ours(bytes: Buffer): Plain | null {
  try {
    return plain(parseElement(bytes, DOCUMENT));
  } catch {
    return null;
  }
}

it('agrees with saxes on every document of the W3C suite that has no DOCTYPE', () => {
  let good = 0;
  for (const { name, bytes } of documents) {
    const text = element(bytes);
    const expected = text.string === null ? null : judge(text.string);
    if (expected !== null) good++;
    expect({ name, tree: ours(text.bytes) }).toEqual({ name, tree: expected });
  }
  expect(documents.length).toBeGreaterThan(150);
  expect(good).toBeGreaterThan(20);
});
