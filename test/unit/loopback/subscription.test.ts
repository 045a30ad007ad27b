import { describe, expect, test } from 'vitest';
import {
  type Change,
  inbound,
  outbound,
  type Subscription,
  type SubscriptionType,
} from '../../../loopback/subscription.ts';

// The names of the nine states and the tables as RFC 6121, Appendix A, has them: whether the stanza is routed or
// delivered, and the new state, `-` for none.
const STATES: Record<string, Subscription> = {
  None: { to: false, from: false, out: false, in: false },
  'None + Pending Out': { to: false, from: false, out: true, in: false },
  'None + Pending In': { to: false, from: false, out: false, in: true },
  'None + Pending Out+In': { to: false, from: false, out: true, in: true },
  To: { to: true, from: false, out: false, in: false },
  'To + Pending In': { to: true, from: false, out: false, in: true },
  From: { to: false, from: true, out: false, in: false },
  'From + Pending Out': { to: false, from: true, out: true, in: false },
  Both: { to: true, from: true, out: false, in: false },
};

type Table = [direction: string, type: SubscriptionType, act: typeof outbound, rows: string];

const TABLES: Table[] = [
  [
    'A.2.1 outbound',
    'subscribe',
    outbound,
    `None | yes | None + Pending Out
     None + Pending Out | yes | -
     None + Pending In | yes | None + Pending Out+In
     None + Pending Out+In | yes | -
     To | yes | -
     To + Pending In | yes | -
     From | yes | From + Pending Out
     From + Pending Out | yes | -
     Both | yes | -`,
  ],
  [
    'A.2.2 outbound',
    'unsubscribe',
    outbound,
    `None | yes | -
     None + Pending Out | yes | None
     None + Pending In | yes | -
     None + Pending Out+In | yes | None + Pending In
     To | yes | None
     To + Pending In | yes | None + Pending In
     From | yes | -
     From + Pending Out | yes | From
     Both | yes | From`,
  ],
  [
    'A.2.3 outbound',
    'subscribed',
    outbound,
    `None | no | -
     None + Pending Out | no | -
     None + Pending In | yes | From
     None + Pending Out+In | yes | From + Pending Out
     To | no | -
     To + Pending In | yes | Both
     From | no | -
     From + Pending Out | no | -
     Both | no | -`,
  ],
  [
    'A.2.4 outbound',
    'unsubscribed',
    outbound,
    `None | no | -
     None + Pending Out | no | -
     None + Pending In | yes | None
     None + Pending Out+In | yes | None + Pending Out
     To | no | -
     To + Pending In | yes | To
     From | yes | None
     From + Pending Out | yes | None + Pending Out
     Both | yes | To`,
  ],
  [
    'A.3.1 inbound',
    'subscribe',
    inbound,
    `None | yes | None + Pending In
     None + Pending Out | yes | None + Pending Out+In
     None + Pending In | no | -
     None + Pending Out+In | no | -
     To | yes | To + Pending In
     To + Pending In | no | -
     From | no | -
     From + Pending Out | no | -
     Both | no | -`,
  ],
  [
    'A.3.2 inbound',
    'unsubscribe',
    inbound,
    `None | no | -
     None + Pending Out | no | -
     None + Pending In | yes | None
     None + Pending Out+In | yes | None + Pending Out
     To | no | -
     To + Pending In | yes | To
     From | yes | None
     From + Pending Out | yes | None + Pending Out
     Both | yes | To`,
  ],
  [
    'A.3.3 inbound',
    'subscribed',
    inbound,
    `None | no | -
     None + Pending Out | yes | To
     None + Pending In | no | -
     None + Pending Out+In | yes | To + Pending In
     To | no | -
     To + Pending In | no | -
     From | no | -
     From + Pending Out | yes | Both
     Both | no | -`,
  ],
  [
    'A.3.4 inbound',
    'unsubscribed',
    inbound,
    `None | no | -
     None + Pending Out | yes | None
     None + Pending In | no | -
     None + Pending Out+In | yes | None + Pending In
     To | yes | None
     To + Pending In | yes | None + Pending In
     From | no | -
     From + Pending Out | yes | From
     Both | yes | From`,
  ],
];

describe.each(TABLES)('%s %s', (_, type, act, rows) => {
  test.each(rows.split('\n').map((row) => row.split('|').map((cell) => cell.trim())))('%s', (state, pass, next) => {
    const wanted: Change = { pass: pass === 'yes', next: STATES[next === '-' ? state! : next!]! };
    expect(act(type, STATES[state!]!)).toEqual(wanted);
  });
});
