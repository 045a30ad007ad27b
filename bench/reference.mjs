/**
 * What the gate compares with: the least that somebody would write who wants messages in files, in one process, with no
 * check, no account and no answer. `reference.mjs DIR`: cuts what it reads at `</message>`, finds the sender and the
 * text by their quotes, and appends two lines, one of them JSON, to DIR/JID/out and DIR/JID/log: with one write for
 * each file and each chunk that was read.
 */
import fs from 'node:fs';
import path from 'node:path';

const dir = process.argv[2];
const files = new Map();
let text = '';

const between = (from, to, start) => {
  const begin = text.indexOf(from, start) + from.length;
  return text.slice(begin, text.indexOf(to, begin));
};

function texts(jid) {
  const known = files.get(jid);
  if (known !== undefined) return known;
  fs.mkdirSync(path.join(dir, jid));
  const open = (name) => fs.openSync(path.join(dir, jid, name), 'a');
  const made = { fds: [open('out'), open('log')], out: '', log: '' };
  files.set(jid, made);
  return made;
}

process.stdin.setEncoding('utf8').on('data', (chunk) => {
  text += chunk;
  let from = 0;
  for (let end = 0; (end = text.indexOf('</message>', from)) >= 0; from = end + 10) {
    const sender = between("from='", "'", from);
    const body = between('<body>', '</body>', from).replaceAll('&amp;', '&');
    const time = new Date();
    const kept = texts(sender.slice(0, sender.indexOf('/')));
    kept.out += `${time.toISOString().slice(0, 16)} <${sender}> ${body}\n`;
    kept.log += `${JSON.stringify({ time, dir: 'in', from: sender, id: between("id='", "'", from), body })}\n`;
  }
  text = text.slice(from);
  for (const kept of files.values()) {
    if (kept.out === '') continue;
    fs.writeSync(kept.fds[0], kept.out);
    fs.writeSync(kept.fds[1], kept.log);
    kept.out = kept.log = '';
  }
});
