import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { EXIT, Fatal } from './exit.ts';

/**
 * The path of another program of the suite: on PATH first, so that a user can put a part of their own in its place,
 * else beside the file that is running, so that the suite works from wherever it was unpacked.
 * @param path the search path, as in the environment; an empty part of it is the working directory
 * @param self the running program; links to it are followed
 * @throws Fatal 100 if it is in neither place
 */
export function findProgram(name: string, path = process.env.PATH ?? '', self = process.argv[1] ?? ''): string {
  const home = dirname(real(self));
  for (const dir of [...(path === '' ? [] : path.split(':')), home]) {
    const file = resolve(join(dir, name));
    if (runs(file)) return file;
  }
  throw new Fatal(EXIT.usage, `cannot find ${name}: neither on PATH nor in ${home}`);
}

function runs(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function real(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return resolve(file);
  }
}
