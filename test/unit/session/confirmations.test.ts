import { expect, it } from 'vitest';
import { createConfirmations } from '../../../lib/session/confirmations.ts';

it('tells each stanza its fate once', () => {
  const confirmations = createConfirmations();
  const fates: string[] = [];
  const post = (name: string) => confirmations.post((refusal) => fates.push(`${name} ${refusal}`));
  for (const name of ['a', 'b', 'c']) post(name);
  confirmations.sent(0);
  confirmations.refused(2, 'too big');
  confirmations.refused(9, 'unknown');
  expect(fates).toEqual(['b too big']);
  confirmations.sent(3);
  confirmations.sent(3);
  post('d');
  confirmations.sent(9);
  expect(fates).toEqual(['b too big', 'a null', 'c null', 'd null']);
});
