/** prosody 0.12. It listens where `clear` would be too, but has hosts for that, not a port. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HOSTS, type Host, passwordOf, USERS, withheld } from './hosts.ts';
import type { Kind, Place } from './server.ts';

const MODULES = ['disco', 'roster', 'saslauth', 'tls', 'ping', 'version', 'time', 'offline', 'smacks', 'carbons'];

export const prosody: Kind = {
  name: 'prosody',
  log: 'log/prosody.log',
  ready: /Activated service 'c2s_direct_tls' on \[127/,
  attempt: /RECV: <auth [^>]*mechanism='([^']*)'/g,
  prepare(place) {
    writeFileSync(join(place.dir, 'prosody.cfg.lua'), configuration(place));
    mkdirSync(join(place.dir, 'nocerts'));
    for (const { name } of HOSTS) {
      // What prosodyctl register would write; it takes a second for each account.
      const accounts = join(place.dir, 'data', escaped(name), 'accounts');
      mkdirSync(accounts, { recursive: true });
      for (const user of USERS) {
        writeFileSync(join(accounts, `${user}.dat`), `return { ["password"] = ${lua(passwordOf(user))} };\n`);
      }
    }
  },
  command: ({ dir }) => ({
    argv: ['prosody', '--config', join(dir, 'prosody.cfg.lua'), '-F'],
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  }),
  async kick({ dir }, jid) {
    const argv = ['--config', join(dir, 'prosody.cfg.lua'), 'shell', `c2s:close(${lua(jid)})`];
    await promisify(execFile)('prosodyctl', process.getuid?.() === 0 ? ['--root', ...argv] : argv);
  },
};

function configuration({ dir, port }: Place): string {
  return `
run_as_root = true
daemonize = false
pidfile = ${lua(join(dir, 'prosody.pid'))}
data_path = ${lua(join(dir, 'data'))}
admin_socket = ${lua(join(dir, 'prosody.sock'))}
certificates = ${lua(join(dir, 'nocerts'))}
log = { { levels = { min = "debug" }, to = "file", filename = ${lua(join(dir, prosody.log))} } }
interfaces = { "127.0.0.1" }
c2s_ports = { ${port.starttls}, ${port.clear} }
c2s_direct_tls_ports = { ${port.direct} }
s2s_ports = {}
modules_disabled = { "s2s" }
modules_enabled = { ${[...MODULES, 'admin_shell', 'stanza_debug'].map(lua).join(', ')} }
c2s_require_encryption = true
limits = {}
smacks_hibernation_time = 30
ssl = ${tls(HOSTS[0]!, dir)}
${HOSTS.map((host) => virtualHost(host, dir)).join('')}`;
}

function virtualHost(host: Host, dir: string): string {
  return `
VirtualHost ${lua(host.name)}
authentication = ${lua(host.hashed ? 'internal_hashed' : 'internal_plain')}
disable_sasl_mechanisms = { ${withheld(host).map(lua).join(', ')} }
ssl = ${tls(host, dir)}
c2s_direct_tls_ssl = ${tls(host, dir)}
${host.clear ? 'modules_disabled = { "s2s", "tls" }; c2s_require_encryption = false; allow_unencrypted_plain_auth = true' : ''}
`;
}

function tls({ name, tls12 = false }: Host, dir: string): string {
  const certificate = join(dir, 'certs', name);
  const files = `key = ${lua(`${certificate}.key`)}, certificate = ${lua(`${certificate}.crt`)}`;
  return `{ ${files}, protocol = ${lua(tls12 ? 'tlsv1_2' : 'tlsv1_2+')}, verify = "none" }`;
}

const lua = (text: string) => JSON.stringify(text);

/** As prosody names the folder of a host. */
const escaped = (host: string) => host.replace(/[^A-Za-z0-9]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
