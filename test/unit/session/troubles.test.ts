import { expect, it } from 'vitest';
import { createTroubles } from '../../../lib/session/troubles.ts';

it('complains of the same trouble once, of another one again, and anew after it was well', () => {
  const said: string[] = [];
  const troubles = createTroubles((message) => said.push(message));
  troubles.report('a/in', 'write', new Error('full'));
  troubles.report('a/in', 'write', new Error('full'));
  troubles.report('b/in', 'write', new Error('full'));
  troubles.report('a/in', 'write', new Error('gone'));
  troubles.well('a/in');
  troubles.well('a/in');
  troubles.report('a/in', 'write', new Error('gone'));
  expect(said).toEqual([
    'cannot write a/in: full',
    'cannot write b/in: full',
    'cannot write a/in: gone',
    'cannot write a/in: gone',
  ]);
});
