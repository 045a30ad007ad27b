// Loaded into a program that starts on a copy of a directory as a power failure may have left it: to it, files have the
// inode numbers that they had (SJ_INODES, a JSON object: that of the copy to that of the original), and the machine has
// been started since.
const fs = require('node:fs');

const inodes = JSON.parse(process.env.SJ_INODES);
const original = (stat) => {
  if (stat !== undefined && inodes[stat.ino] !== undefined) stat.ino = inodes[stat.ino];
  return stat;
};
for (const name of ['fstatSync', 'statSync', 'lstatSync']) {
  const real = fs[name];
  fs[name] = (...args) => original(real(...args));
}
const read = fs.readFileSync;
fs.readFileSync = (name, ...rest) => (name === '/proc/sys/kernel/random/boot_id' ? 'another boot\n' : read(name, ...rest));
require('node:module').syncBuiltinESMExports();
