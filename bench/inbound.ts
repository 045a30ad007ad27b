/** What comes from the server. */
import { counted, flood, type Measure, withSuite } from './measure.ts';
import { memory } from './processes.ts';
import { until } from './suite.ts';

type Load = { readonly contacts: number; readonly managed?: boolean; readonly n?: number };

const inbound =
  (name: string, { contacts, managed = false, n: fixed }: Load): Measure =>
  (bin, given) =>
    withSuite(
      bin,
      async (suite) => {
        const n = fixed ?? given;
        // Contacts that are new cost what their files cost: a row of its own.
        const met = performance.now();
        await flood(suite, contacts, contacts);
        const meeting = performance.now() - met;
        const { time, spent } = await counted(suite, n, contacts);
        if (managed) await until(() => suite.server.acknowledged >= contacts + n + 2);
        return {
          [`${name}: messages/s`]: (n * 1000) / time,
          [`${name}: CPU of a message, us`]: (spent * 1000) / n,
          [`${name}: memory after, MiB`]: memory(suite.pids()),
          ...(contacts > 100 && { [`${name}: new contacts/s`]: (contacts * 1000) / meeting }),
        };
      },
      { managed },
    );

export const inbound20 = inbound('in, 20 contacts', { contacts: 20 });
export const inbound900 = inbound('in, 900 contacts', { contacts: 900 });
export const managed20 = inbound('in, 20 contacts, acknowledged', { contacts: 20, managed: true });
export const long20 = inbound('in, 20 contacts, 200,000 messages', { contacts: 20, n: 200_000 });
