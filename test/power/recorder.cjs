// Loaded into the programs under test (NODE_OPTIONS=--require): writes down, in one file for all of them, what they do to
// the account directory SJ_RECORD_DIR, in the order in which it happens. What may reach the disk is written down before
// it is done, and that a sync is over after it is: so no cause ever stands behind its effect.
const fs = require('node:fs');
const path = require('node:path');

const { SJ_RECORD: file, SJ_RECORD_DIR: dir } = process.env;
const real = { ...fs };
const log = real.openSync(file, 'a');
const me = `${process.pid}.${process.hrtime.bigint()}`;
/** By descriptor: the handle. */
const handles = new Map();
let serial = 0;

const note = (record) => void real.writeSync(log, `${JSON.stringify(record)}\n`);
/** A directory that is held open is named by its descriptor. */
const named = (name) =>
  String(name).replace(/^\/proc\/self\/fd\/\d+(?=\/)/, (held) => {
    try {
      return real.readlinkSync(held);
    } catch {
      return held;
    }
  });
const below = (name) => {
  const relative = path.relative(dir, path.resolve(named(name)));
  return relative.startsWith('..') ? null : relative;
};
const bytesOf = (data, encoding) => (typeof data === 'string' ? Buffer.from(data, encoding) : Buffer.from(data));
const isThere = (name) => real.lstatSync(name, { throwIfNoEntry: false }) !== undefined;

function opened(fd, name, created, truncated) {
  handles.delete(fd);
  const where = below(name);
  const stat = real.fstatSync(fd);
  if (where === null || !(stat.isFile() || stat.isDirectory())) return;
  const handle = `${me}.${serial++}`;
  handles.set(fd, handle);
  note({ op: 'open', handle, path: where, ino: stat.ino, dir: stat.isDirectory(), created, truncated });
}

const { O_CREAT, O_TRUNC } = fs.constants;
const bits = (flags) => (typeof flags === 'number' ? flags : { r: 0, a: O_CREAT, w: O_CREAT | O_TRUNC, wx: O_CREAT }[flags]);
fs.openSync = (name, flags = 'r', mode) => {
  const create = (bits(flags) & O_CREAT) !== 0 && !isThere(name);
  const fd = real.openSync(name, flags, mode);
  opened(fd, name, create, (bits(flags) & O_TRUNC) !== 0);
  return fd;
};
fs.open = (name, flags, call) =>
  real.open(name, flags, (error, fd) => {
    if (!error) opened(fd, name, false, false);
    call(error, fd);
  });
const write = (fd, bytes) => {
  const handle = handles.get(fd);
  if (handle !== undefined) note({ op: 'write', handle, data: bytes.toString('base64') });
};
fs.writeSync = (fd, data, ...rest) => {
  const [offset = 0, length] = rest;
  if (handles.has(fd)) write(fd, typeof data === 'string' ? bytesOf(data) : bytesOf(data).subarray(offset, length && offset + length));
  return real.writeSync(fd, data, ...rest);
};
fs.writevSync = (fd, parts, ...rest) => {
  if (handles.has(fd)) write(fd, Buffer.concat(parts.map((part) => bytesOf(part))));
  return real.writevSync(fd, parts, ...rest);
};
fs.ftruncateSync = (fd, length = 0) => {
  const handle = handles.get(fd);
  if (handle !== undefined) note({ op: 'truncate', handle, length });
  return real.ftruncateSync(fd, length);
};
fs.writeFileSync = (name, data, options) => {
  if (typeof name === 'number' || below(name) === null) return real.writeFileSync(name, data, options);
  const fd = fs.openSync(name, options?.flag ?? 'w', options?.mode);
  try {
    fs.writeSync(fd, bytesOf(data));
  } finally {
    fs.closeSync(fd);
  }
};
fs.appendFileSync = (name, data) => fs.writeFileSync(name, data, { flag: 'a' });
fs.closeSync = (fd) => {
  handles.delete(fd);
  real.closeSync(fd);
};
fs.close = (fd, call) => {
  handles.delete(fd);
  real.close(fd, call);
};

for (const name of ['fsync', 'fdatasync']) {
  fs[name] = (fd, call) => {
    const handle = handles.get(fd);
    const sync = `${me}.s${serial++}`;
    if (handle !== undefined) note({ op: 'sync', handle, sync });
    real[name](fd, (error) => {
      if (handle !== undefined && !error) note({ op: 'synced', sync });
      call(error);
    });
  };
  fs[`${name}Sync`] = (fd) => {
    const handle = handles.get(fd);
    const sync = `${me}.s${serial++}`;
    if (handle !== undefined) note({ op: 'sync', handle, sync });
    real[`${name}Sync`](fd);
    if (handle !== undefined) note({ op: 'synced', sync });
  };
}

for (const [name, op] of [['renameSync', 'rename'], ['linkSync', 'link']]) {
  fs[name] = (from, to) => {
    if (below(to) !== null && isThere(from) && (op === 'rename' || !isThere(to))) note({ op, from: below(from), to: below(to) });
    return real[name](from, to);
  };
}
for (const name of ['unlinkSync', 'rmSync']) {
  fs[name] = (where, ...rest) => {
    if (below(where) !== null && isThere(where)) note({ op: 'unlink', path: below(where) });
    return real[name](where, ...rest);
  };
}
fs.mkdirSync = (where, options) => {
  if (below(where) !== null && !isThere(where)) note({ op: 'mkdir', path: below(where) });
  return real.mkdirSync(where, options);
};

// What is said on stderr stands in the same order: among it what sj tells the server.
const say = process.stderr.write.bind(process.stderr);
process.stderr.write = (text, ...rest) => {
  note({ op: 'say', text: String(text) });
  return say(text, ...rest);
};
// And what the server is told, before TLS hides it.
if (/\/sj$/.test(process.argv[1])) {
  const { TLSSocket } = require('node:tls');
  const send = TLSSocket.prototype.write;
  TLSSocket.prototype.write = function (data, ...rest) {
    note({ op: 'told', text: data.toString() });
    return send.call(this, data, ...rest);
  };
}
require('node:module').syncBuiltinESMExports();
