import { expect, it } from 'vitest';
import { folderOf, importGraph, RANKS, ring, XMPP_RANKS } from '../imports.ts';

const graph = importGraph();

/** Imports that do not lead downwards. */
function upwards(ranks: readonly (readonly string[])[]): string[] {
  const rank = (folder: string) => ranks.findIndex((folders) => folders.includes(folder));
  const wrong: string[] = [];
  for (const [file, imports] of graph)
    for (const other of imports) {
      const [from, to] = [folderOf(file, ranks), folderOf(other, ranks)];
      if (from === undefined || to === undefined || from === to) continue;
      if (rank(to) >= rank(from)) wrong.push(`${file} imports ${other}`);
    }
  return wrong;
}

it('the graph knows every folder of the sources', () => {
  const unknown = [...graph.keys()].filter((file) => folderOf(file, RANKS) === undefined);
  expect(unknown).toEqual([]);
  for (const folder of RANKS.flat()) expect([...graph.keys()].some((file) => file.startsWith(`${folder}/`))).toBe(true);
});

it('no folder imports one that stands above it', () => {
  expect(upwards(RANKS)).toEqual([]);
});

it('within XMPP no folder imports one that stands above it', () => {
  expect(upwards(XMPP_RANKS)).toEqual([]);
});

it('nothing but programs imports a protocol', () => {
  const wrong = [...graph]
    .filter(([file]) => !file.startsWith('bin/') && !file.startsWith('lib/xmpp/'))
    .filter(([, imports]) => imports.some((other) => other.startsWith('lib/xmpp/')))
    .map(([file]) => file);
  expect(wrong).toEqual([]);
});

it('no file imports itself by way of others', () => {
  expect(ring(graph)).toBeNull();
});

it('a ring of imports is found', () => {
  const files = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['b']],
  ]);
  expect(ring(files)).toEqual(['b', 'c']);
});
