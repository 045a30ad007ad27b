/**
 * The import graph of `lib` and `bin`: `npm run graph` prints which folder imports which, and from how many files each of
 * the three ways through the code is made. The rules are held by `test/unit/imports.test.ts`.
 */
import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** From below to above: a folder imports only what stands before it. Folders of one rank do not import each other. */
export const RANKS: readonly (readonly string[])[] = [
  ['lib/sys', 'lib/xml'],
  ['lib/store'],
  ['lib/cli'],
  ['lib/tree'],
  ['lib/chat', 'lib/presence'],
  ['lib/session'],
  ['lib/xmpp'],
  ['bin'],
];

/** Folders within `lib/xmpp`, in the same order. */
export const XMPP_RANKS: readonly (readonly string[])[] = [
  ['lib/xmpp/jid', 'lib/xmpp/sasl'],
  ['lib/xmpp/codec'],
  ['lib/xmpp/iq', 'lib/xmpp/stream'],
  ['lib/xmpp/connect'],
];

const ROOT = path.resolve(import.meta.dirname, '..');

function sources(folder: string): string[] {
  return fs
    .readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => path.join(folder, file))
    .sort();
}

/** Each source file of the programs, and the source files that it imports. */
export function importGraph(): Map<string, readonly string[]> {
  const graph = new Map<string, readonly string[]>();
  for (const file of [...sources('lib'), ...sources('bin')]) {
    const { importedFiles } = ts.preProcessFile(fs.readFileSync(path.join(ROOT, file), 'utf8'), true, true);
    const own = importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith('.'));
    graph.set(
      file,
      own.map((name) => path.normalize(path.join(path.dirname(file), name))),
    );
  }
  return graph;
}

/** The folder of a list that a file is in. */
export const folderOf = (file: string, ranks: readonly (readonly string[])[]): string | undefined =>
  ranks.flat().find((folder) => file.startsWith(`${folder}/`));

/** A ring of files, each of which imports the next; null if there is none. */
export function ring(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (file: string): string[] | null => {
    if (done.has(file)) return null;
    const at = way.indexOf(file);
    if (at >= 0) return way.slice(at);
    way.push(file);
    for (const next of graph.get(file) ?? []) {
      const found = visit(next);
      if (found !== null) return found;
    }
    way.pop();
    done.add(file);
    return null;
  };
  for (const file of graph.keys()) {
    const found = visit(file);
    if (found !== null) return found;
  }
  return null;
}

function print(): void {
  const graph = importGraph();
  const folders = RANKS.flat();
  for (const from of folders) {
    const files = [...graph.keys()].filter((file) => file.startsWith(`${from}/`));
    const lines = files.reduce((sum, f) => sum + fs.readFileSync(path.join(ROOT, f), 'utf8').split('\n').length - 1, 0);
    const to = new Set(files.flatMap((file) => graph.get(file) ?? []).map((file) => folderOf(file, RANKS)));
    const below = folders.filter((folder) => folder !== from && to.has(folder));
    console.log(`${from}: ${files.length} files, ${lines} lines; imports ${below.join(' ') || 'nothing'}`);
  }
}

if (process.argv[1] === import.meta.filename) print();
