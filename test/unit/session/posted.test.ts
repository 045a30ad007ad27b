import { expect, it } from 'vitest';
import { createPosted } from '../../../lib/session/posted.ts';

it('tells each stanza its fate once', () => {
  const posted = createPosted();
  const fates: string[] = [];
  const post = (name: string) => posted.post((refusal) => fates.push(`${name} ${refusal}`));
  for (const name of ['a', 'b', 'c']) post(name);
  posted.sent(0);
  posted.refused(2, 'too big');
  posted.refused(9, 'unknown');
  expect(fates).toEqual(['b too big']);
  posted.sent(3);
  posted.sent(3);
  post('d');
  posted.sent(9);
  expect(fates).toEqual(['b too big', 'a null', 'c null', 'd null']);
});
