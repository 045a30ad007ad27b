import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/**
 * So many files are synced one by one here, and so many by a program, because each of them takes turns of an event loop
 * that is busy when there is much to sync; where there are more, the whole file system is.
 */
const FEW = { here: 4, elsewhere: 64 };

/** Calls when the files are on the disk, and that they are there; one that has gone has nothing to be kept. */
export function syncAll(dir: string, files: ReadonlySet<string>, done: () => void): void {
  const places = new Set<string>([dir]);
  for (const file of files) {
    places.add(path.join(dir, file));
    places.add(path.dirname(path.join(dir, file)));
  }
  if (files.size <= FEW.here) return oneByOne();
  const all = files.size > FEW.elsewhere;
  const args = all ? ['-f', dir] : ['--', ...[...places].filter((place) => fs.existsSync(place))];
  execFile('sync', args, (error) => (error === null ? done() : oneByOne()));

  function oneByOne(): void {
    const queue = [...places];
    const next = () => {
      const place = queue.pop();
      if (place === undefined) return done();
      fs.open(place, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK, (failed, fd) => {
        if (failed) return next();
        fs.fsync(fd, () => fs.close(fd, next));
      });
    };
    next();
  }
}
