import { expect, it } from 'vitest';
import { UNDER_SJ } from '../../../../lib/xmpp/iq/daemon.ts';
import { END } from '../../../../lib/xmpp/stream/shutdown.ts';

it('iqd ends its handlers and itself before sj kills it', () => {
  // What is left is for the scheduler: both count from the end of the input.
  expect(UNDER_SJ.work + UNDER_SJ.sending).toBeLessThanOrEqual(END.daemons - 200);
});
