import { expect, it } from 'vitest';
import { createRepeats } from '../../../lib/cli/repeats.ts';

it('the same kind of warning is said once an hour, whatever it names; others are said', () => {
  let now = 0;
  const said: string[] = [];
  const warn = createRepeats(
    (message) => said.push(message),
    () => now,
  );
  for (let i = 0; i < 1000; i++) warn(`a push of ${i}`, 'push');
  warn('something else');
  warn('something else');
  now = 3_600_000;
  warn('a push, later', 'push');
  expect(said).toEqual(['a push of 0', 'something else', 'a push, later']);
});
