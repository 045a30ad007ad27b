import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fatal } from '../../../../lib/cli/exit.ts';
import { replaceFile } from '../../../../lib/sys/replace.ts';
import { canonical } from '../../../../lib/xml/write.ts';
import { ask, newId } from '../../../../lib/xmpp/iq/ask.ts';
import { rosterGet } from '../../../../lib/xmpp/iq/roster.ts';
import { scratch } from './stanzas.ts';

let dir: string;
const id = newId('roster');
const STANZAS = `xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'`;
let watcher: fs.FSWatcher | undefined;

beforeEach(() => {
  dir = scratch();
  fs.writeFileSync(join(dir, 'in'), '');
});
afterEach(() => watcher?.close());

/** Is sj and iqd: answers as soon as something is in `in`. */
function answer(text: string): void {
  const file = join(dir, 'in');
  watcher = fs.watch(file, () => {
    if (fs.statSync(file).size > 0) replaceFile(join(dir, id), text);
  });
}

const failure = async (asked: Promise<unknown>) => {
  const error: unknown = await asked.catch((cause: unknown) => cause);
  if (!(error instanceof Fatal)) throw error;
  return [error.code, error.message];
};

describe('ask', () => {
  it('makes ids that nobody can guess and that may be names', () => {
    expect(id).toMatch(/^roster-[0-9a-f]{32}$/);
    expect(newId('roster')).not.toBe(id);
  });

  it('sends the question and returns the answer, of which no file is left', async () => {
    answer(`<iq type='result' id='${id}'><query xmlns='jabber:iq:roster'/></iq>\n`);
    const result = await ask(dir, rosterGet(id));
    expect(result.getChild('query', 'jabber:iq:roster')).toBeDefined();
    expect(fs.readFileSync(join(dir, 'in'), 'utf8')).toBe(`${canonical(rosterGet(id))}\n`);
    expect(fs.existsSync(join(dir, id))).toBe(false);
  });

  it.each([
    ['cancel', 100, `<item-not-found ${STANZAS}/>`, 'item-not-found'],
    [
      'wait',
      111,
      `<resource-constraint ${STANZAS}/><text ${STANZAS}>later\nplease</text>`,
      'resource-constraint: later\ufffdplease',
    ],
    ['cancel', 100, `<x xmlns='urn:x'/>`, 'an error without a condition'],
  ])('fails with an error of the type %s as %i', async (type, code, payload, message) => {
    answer(`<iq type='error' id='${id}'><error type='${type}'>${payload}</error></iq>\n`);
    expect(await failure(ask(dir, rosterGet(id)))).toEqual([code, message]);
  });

  it.each([
    '<iq',
    `<iq type='result' id='other'/>`,
    `<iq type='get' id='${id}'/>`,
    `<message type='result' id='${id}'/>`,
    `<iq xmlns='urn:x' type='result' id='${id}'/>`,
    `<iq xmlns='jabber:server' type='result' id='${id}'><query xmlns='jabber:iq:roster'/></iq>`,
    '',
  ])('fails with the answer %j', async (text) => {
    answer(text);
    expect((await failure(ask(dir, rosterGet(id))))[0]).toBe(76);
  });

  it('tells that sj is not running', async () => {
    const message = `cannot write ${join(dir, 'in')}: sj is not running`;
    fs.rmSync(join(dir, 'in'));
    expect(await failure(ask(dir, rosterGet(id)))).toEqual([111, message]);
    execFileSync('mkfifo', [join(dir, 'in')]);
    expect(await failure(ask(dir, rosterGet(id)))).toEqual([111, message]);
    dir = join(dir, 'none');
    expect((await failure(ask(dir, rosterGet(id))))[0]).toBe(111);
  });

  it('does not wait for ever', async () => {
    expect(await failure(ask(dir, rosterGet(id), 100))).toEqual([111, 'no answer within 0.1 s']);
  });

  it('does not wait for ever for a sj that has stopped', async () => {
    fs.rmSync(join(dir, 'in'));
    execFileSync('mkfifo', [join(dir, 'in')]);
    const fd = fs.openSync(join(dir, 'in'), fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
    for (let n = 1; n > 0; ) {
      try {
        n = fs.writeSync(fd, 'x'.repeat(4096));
      } catch {
        n = 0;
      }
    }
    expect(await failure(ask(dir, rosterGet(id), 100))).toEqual([
      111,
      `cannot write ${join(dir, 'in')}: nobody reads what is sent`,
    ]);
    fs.closeSync(fd);
  });
});
