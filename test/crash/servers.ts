/** The servers of the interop tests, set up so that what they have acknowledged is lost as seldom as they can. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ejabberd } from '../interop/bed/ejabberd.ts';
import { passwordOf } from '../interop/bed/hosts.ts';
import { prosody } from '../interop/bed/prosody.ts';
import type { Kind, Place, ServerName } from '../interop/bed/server.ts';

export const DOMAIN = 'localhost';

/** Servers that have accounts for these users, too. */
export function kinds(users: readonly string[]): Record<ServerName, Kind> {
  return {
    prosody: {
      ...prosody,
      prepare(place) {
        prosody.prepare(place);
        edit(join(place.dir, 'prosody.cfg.lua'), (text) =>
          text
            .replace('min = "debug"', 'min = "info"')
            .replace(', "stanza_debug"', '')
            .replace('smacks_hibernation_time = 30', 'smacks_hibernation_time = 300'),
        );
        const accounts = join(place.dir, 'data', DOMAIN, 'accounts');
        mkdirSync(accounts, { recursive: true });
        for (const user of users)
          writeFileSync(join(accounts, `${user}.dat`), `return { ["password"] = "${passwordOf(user)}" };\n`);
      },
    },
    ejabberd: {
      ...ejabberd,
      prepare(place) {
        ejabberd.prepare(place);
        edit(join(place.dir, 'ejabberd.yml'), (text) => {
          const settings = JSON.parse(text);
          settings.loglevel = 'info';
          // Else it sends what was not acknowledged back as an error when it gives a session up.
          settings.modules.mod_stream_mgmt = { resend_on_timeout: 'if_offline', resume_timeout: '5 minutes' };
          return JSON.stringify(settings, null, 1);
        });
      },
      async started(place) {
        await register(place, users);
      },
    },
  };
}

function edit(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

/** All at once: it is done after each start. An account that is there already is no error. */
async function register({ port }: Place, users: readonly string[]): Promise<void> {
  const one = async (user: string) => {
    const answer = await fetch(`http://127.0.0.1:${port.control}/api/register`, {
      method: 'POST',
      body: JSON.stringify({ user, host: DOMAIN, password: passwordOf(user) }),
    });
    if (!answer.ok && answer.status !== 409) throw new Error(`ejabberd: register: ${await answer.text()}`);
  };
  for (let i = 0; i < users.length; i += 20) await Promise.all(users.slice(i, i + 20).map(one));
}
