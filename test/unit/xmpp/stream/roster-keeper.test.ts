import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { createSplitter } from '../../../../lib/xml/split.ts';
import { createRosterKeeper } from '../../../../lib/xmpp/stream/roster-keeper.ts';
import { scratch } from '../../sys/scratch.ts';

const ME = 'me@server.org';

function keeper(dir = scratch()) {
  const warnings: string[] = [];
  const lost: string[] = [];
  const roster = createRosterKeeper(
    dir,
    ME,
    (text) => warnings.push(text),
    (jid) => lost.push(jid),
  );
  const looked: boolean[] = [];
  const splitter = createSplitter('fragments', {
    stanza: (piece) => looked.push(roster.look(piece)),
    fault: (error) => expect.fail(error.message),
  });
  return {
    dir,
    warnings,
    lost,
    looked,
    hear(...iqs: string[]) {
      for (const iq of iqs) splitter.push(Buffer.from(iq));
      roster.write();
    },
    kept: () => fs.readFileSync(path.join(dir, '.roster'), 'utf8').split('\n').slice(0, -1),
  };
}

const query = (...items: string[]) => `<query xmlns='jabber:iq:roster'>${items.join('')}</query>`;
const item = (jid: string, subscription: string) => `<item jid='${jid}' subscription='${subscription}'/>`;
const whole = (...items: string[]) => `<iq type='result' id='sj:roster' to='${ME}/r'>${query(...items)}</iq>`;
const push = (from: string, ...items: string[]) => `<iq type='set' id='p'${from}>${query(...items)}</iq>`;

it('is the answer to our own request, which is for nobody else', () => {
  const k = keeper();
  k.hear(whole(item('Bob@X.example', 'both'), item('eve@x.example', 'odd\tone'), item('no jid@', 'from')));
  expect(k.kept()).toEqual(['bob@x.example\tboth', 'eve@x.example\tnone']);
  k.hear(`<iq type='error' id='sj:roster'><error type='cancel'/></iq>`, `<iq type='result' id='q1'>${query()}</iq>`);
  expect(k.looked).toEqual([true, true, false]);
  expect(k.kept()).toHaveLength(2);
  k.hear(whole());
  expect(k.kept()).toEqual([]);
});

it('changes by pushes from the own account, and from nobody else', () => {
  const k = keeper();
  k.hear(whole(item('bob@x.example', 'to'), item('gone@x.example', 'both')));
  k.hear(push('', item('bob@x.example', 'both')), push(` from='${ME}'`, item('gone@x.example', 'remove')));
  for (const from of ['eve@x.example', `${ME}/other`, 'server.org', `${ME}.evil.example`])
    k.hear(push(` from='${from}'`, item('eve@x.example', 'both')));
  k.hear(`<iq type='set' id='sj:roster' from='eve@x.example'>${query(item('eve@x.example', 'both'))}</iq>`);
  expect(k.kept()).toEqual(['bob@x.example\tboth']);
  expect(k.looked).toEqual([true, false, false, false, false, false, false, false]);
  // Where the session goes on, nobody asks for the whole again.
  const next = keeper(k.dir);
  next.hear(push('', item('ann@x.example', 'from')));
  expect(next.kept()).toEqual(['bob@x.example\tboth', 'ann@x.example\tfrom']);
});

it('says once that it cannot be written', () => {
  const k = keeper();
  fs.mkdirSync(path.join(k.dir, '.roster'));
  k.hear(whole(), whole());
  k.hear(whole());
  expect(k.warnings).toEqual([expect.stringMatching(/^cannot write the roster: /)]);
});

it('a contact whose presence we see no more is told of once', () => {
  const k = keeper();
  const contacts = ['a', 'b', 'c', 'd'].map((name) => `${name}@x.example`);
  k.hear(whole(...contacts.map((jid, i) => item(jid, ['to', 'both', 'from', 'both'][i]!))));
  k.hear(
    push('', item(contacts[0]!, 'none')),
    push('', item(contacts[1]!, 'from')),
    push('', item(contacts[2]!, 'none')),
  );
  k.hear(push('', item(contacts[3]!, 'remove')), push('', item(contacts[3]!, 'remove')));
  k.hear(push(` from='eve@x.example'`, item(contacts[1]!, 'remove')));
  expect(k.lost).toEqual([contacts[0], contacts[1], contacts[3]]);
});
