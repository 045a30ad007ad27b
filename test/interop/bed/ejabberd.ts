/** ejabberd 23.01, without ejabberdctl, epmd and the distribution of Erlang. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOSTS, passwordOf, USERS, withheld } from './hosts.ts';
import type { Kind, Place } from './server.ts';

export const ejabberd: Kind = {
  name: 'ejabberd',
  log: 'log/ejabberd.log',
  // The ports are open before the modules behind them are there.
  ready: /ejabberd \S+ is started in the node/,
  attempt: /Received XML on stream = <<"<auth [^>]*mechanism=\\?["']([^"'\\]*)/g,
  prepare(place) {
    // JSON is YAML.
    writeFileSync(join(place.dir, 'ejabberd.yml'), JSON.stringify(configuration(place), null, 1));
  },
  command: ({ dir }) => ({
    argv: [
      ...['erl', '+K', 'true', '+S', '1:1', '+sbwt', 'none', '-noinput'],
      ...['-mnesia', 'dir', `"${join(dir, 'data')}"`, '-s', 'ejabberd'],
    ],
    env: {
      ...process.env,
      HOME: dir,
      ERL_LIBS: erlangLibraries(),
      // Else Erlang lays a table out for as many descriptors as the machine allows.
      ERL_MAX_PORTS: '4096',
      ERL_CRASH_DUMP: join(dir, 'log', 'erl_crash.dump'),
      EJABBERD_CONFIG_PATH: join(dir, 'ejabberd.yml'),
      EJABBERD_LOG_PATH: join(dir, ejabberd.log),
    },
  }),
  async started({ port }) {
    for (const { name } of HOSTS) {
      for (const user of USERS) {
        await call(port.control, 'register', { user, host: name, password: passwordOf(user) });
      }
    }
  },
  async kick({ port }, jid) {
    const [, user, host, resource] = /^(.*)@(.*?)\/(.*)$/s.exec(jid)!;
    await call(port.control, 'kick_session', { user, host, resource, reason: 'kicked' });
  },
};

/** Calls a command of ejabberdctl over HTTP. That an account is there already is no error. */
async function call(port: number, command: string, args: object): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/${command}`, { method: 'POST', body: JSON.stringify(args) });
  if (!answer.ok && answer.status !== 409) throw new Error(`ejabberd: ${command}: ${await answer.text()}`);
}

/** Where Debian puts them: /usr/lib/TRIPLET. */
function erlangLibraries(): string {
  const found = readdirSync('/usr/lib').filter((name) => {
    try {
      return readdirSync(`/usr/lib/${name}`).some((library) => library.startsWith('ejabberd-'));
    } catch {
      return false;
    }
  });
  return found.map((name) => `/usr/lib/${name}`).join(':');
}

function configuration({ dir, port }: Place) {
  const tls = { protocol_options: ['no_sslv3', 'no_tlsv1', 'no_tlsv1_1', 'no_compression'] };
  const c2s = { ip: '127.0.0.1', module: 'ejabberd_c2s', max_stanza_size: 262_144 };
  return {
    loglevel: 'debug',
    log_rotate_count: 0,
    hosts: HOSTS.map(({ name }) => name),
    certfiles: HOSTS.map(({ name }) => join(dir, 'certs', `${name}.pem`)),
    ca_file: join(dir, 'certs', 'ca.pem'),
    acme: { auto: false },
    listen: [
      { port: port.starttls, ...c2s, ...tls, starttls: true, starttls_required: true },
      { port: port.direct, ...c2s, ...tls, tls: true },
      { port: port.clear, ...c2s },
      { port: port.control, ip: '127.0.0.1', module: 'ejabberd_http', request_handlers: { '/api': 'mod_http_api' } },
    ],
    auth_password_format: 'plain',
    disable_sasl_mechanisms: ['digest-md5', 'x-oauth2'],
    host_config: Object.fromEntries(
      HOSTS.map((host) => [
        host.name,
        {
          ...(host.hashed ? { auth_password_format: 'scram', auth_scram_hash: 'sha512' } : {}),
          disable_sasl_mechanisms: ['digest-md5', 'x-oauth2', ...withheld(host).flatMap((m) => [m, `${m}-PLUS`])],
        },
      ]),
    ),
    acl: { loopback: { ip: ['127.0.0.0/8'] } },
    api_permissions: { test: { from: ['mod_http_api'], who: { acl: 'loopback' }, what: '*' } },
    shaper_rules: { c2s_shaper: 'none' },
    registration_timeout: 'infinity',
    resource_conflict: 'closeold',
    modules: {
      mod_admin_extra: {},
      mod_carboncopy: {},
      mod_disco: {},
      mod_http_api: {},
      mod_last: {},
      mod_offline: {},
      mod_ping: {},
      mod_roster: { versioning: true },
      mod_stream_mgmt: {},
      mod_time: {},
      mod_version: {},
    },
  };
}
