import fs from 'node:fs';

/** What is at a path, or where a link leads to if it is to be followed; undefined if nothing is, or nobody may look. */
export function look(path: string, follow = false): fs.Stats | undefined {
  try {
    return (follow ? fs.statSync : fs.lstatSync)(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
