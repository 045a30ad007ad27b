import { errno, reason } from '../sys/errno.ts';
import { EXIT, Fatal } from './exit.ts';

/**
 * Writes data to stdout. A reader that has gone (`roster | head -1`) has what it wanted, so that is no failure.
 * @throws Fatal 111 if it cannot be written for any other reason
 */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error | null) => {
      if (!error || errno(error) === 'EPIPE') resolve();
      else reject(new Fatal(EXIT.temporary, `cannot write standard output: ${reason(error)}`));
    };
    process.stdout.on('error', end);
    process.stdout.write(text, end);
  });
}
