import { describe, expect, it } from 'vitest';
import { createRequests } from '../../../../lib/xmpp/stream/requests.ts';

const asks = (from: string) => ({ type: 'subscribe', from });

describe('a request for own presence', () => {
  it('is open until it is answered or taken back', () => {
    const requests = createRequests();
    for (const from of ['bob@example.org', 'Carol@example.org/desk', 'dave@example.org', 'not a jid@@'])
      requests.heard(asks(from));
    expect([...requests.changed()!]).toEqual(['bob@example.org', 'carol@example.org', 'dave@example.org']);
    requests.sent({ type: 'subscribed', to: 'BOB@example.org' });
    requests.sent({ type: 'unsubscribed', to: 'carol@example.org' });
    requests.heard({ type: 'unsubscribe', from: 'dave@example.org' });
    expect([...requests.changed()!]).toEqual([]);
  });

  it('changes nothing when it comes again, nor does any other presence', () => {
    const requests = createRequests(['bob@example.org']);
    requests.heard(asks('bob@example.org'));
    for (const type of [undefined, 'unavailable', 'subscribed', 'error'])
      requests.heard({ type, from: 'bob@example.org' });
    requests.sent({ type: undefined, to: 'bob@example.org' });
    requests.sent({ type: 'subscribe', to: 'bob@example.org' });
    expect(requests.changed()).toBe(null);
  });

  it('is one of so many that strangers cannot fill the memory', () => {
    const requests = createRequests();
    for (let i = 0; i < 5000; i++) requests.heard(asks(`u${i}@example.org`));
    expect(requests.changed()!.size).toBe(1000);
  });
});
