import { expect, it } from 'vitest';
import { createComplaints } from '../../../lib/sys/complaints.ts';

it('complains of the same trouble once, of another one again, and anew after it was well', () => {
  const said: string[] = [];
  const complaints = createComplaints((message) => said.push(message));
  complaints.report('a/in', 'write', new Error('full'));
  complaints.report('a/in', 'write', new Error('full'));
  complaints.report('b/in', 'write', new Error('full'));
  complaints.report('a/in', 'write', new Error('gone'));
  complaints.well('a/in');
  complaints.well('a/in');
  complaints.report('a/in', 'write', new Error('gone'));
  expect(said).toEqual([
    'cannot write a/in: full',
    'cannot write b/in: full',
    'cannot write a/in: gone',
    'cannot write a/in: gone',
  ]);
});
