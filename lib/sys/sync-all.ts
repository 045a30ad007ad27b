import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** So many files are synced one by one; where there are more, the whole file system is, by a program. */
const FEW = 64;

/**
 * Calls when the files are on the disk, and that they are there; one that has gone has nothing to be kept.
 * @param go asked before each file whether to go on; else it is over
 */
export function syncAll(dir: string, files: ReadonlySet<string>, done: () => void, go = () => true): void {
  const places = new Set<string>([dir]);
  for (const file of files) {
    places.add(path.join(dir, file));
    places.add(path.dirname(path.join(dir, file)));
  }
  if (files.size <= FEW) return oneByOne();
  // Every user of the machine can read its arguments: they name nothing.
  execFile('sync', ['-f', '.'], { cwd: dir }, (error) => (error === null ? done() : oneByOne()));

  function oneByOne(): void {
    const queue = [...places];
    const next = () => {
      const place = queue.pop();
      if (place === undefined) return done();
      fs.open(place, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK, (failed, fd) => {
        if (failed) return next();
        if (!go()) return fs.close(fd, done);
        fs.fsync(fd, () => fs.close(fd, next));
      });
    };
    next();
  }
}
