/** Stanzas as a server would send them, whoever they say they are from. */
import type { Client } from '../../../loopback/client.ts';
import { ALICE, type Bed, type Suite } from './suite.ts';

/** Who marks the end of what was sent. Its directory is nobody else's. */
export const END = 'end@x.example';

/** Sends stanzas to alice, and waits until each daemon has dealt with them. `bob` is there to be answered. */
export async function deliver(server: Bed, alice: Suite, bob: Client, ...stanzas: string[]): Promise<void> {
  const end = `end-${Math.random()}`;
  await server.inject(
    ALICE,
    `${stanzas.join('')}<message from='${END}/r' type='chat'><body>${end}</body></message>` +
      `<presence from='${END}/r'><status>${end}</status></presence>` +
      `<iq type='get' from='${bob.jid}' id='${end}'><query xmlns='jabber:iq:version'/></iq>`,
  );
  await alice.see(`${END}/out`, end);
  await alice.see(`${END}/presence`, end);
  await bob.waitFor(({ stanza }) => stanza.attrs.id === end);
}
