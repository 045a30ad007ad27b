import { expect, it } from 'vitest';
import { createInlet, takeAck } from '../../../lib/session/inlet.ts';
import { parseElement } from '../../../lib/xml/tree.ts';
import { CONTROL as CODEC, unreadable } from '../../../lib/xmpp/codec/control.ts';

const CONTROL = `xmlns='urn:x-sj:session'`;

function listening() {
  const sent: string[] = [];
  const heard: string[] = [];
  const inlet = createInlet({ send: (line) => sent.push(line) > 0 }, CODEC, {
    session: ({ id, resumed }) => heard.push(`session ${id} ${resumed}`),
    stanza: (element, n) => heard.push(`${element.name} ${n}`),
    sent: (n) => heard.push(`sent ${n}`),
    refused: (n, reason) => heard.push(`refused ${n} ${reason}`),
    shown: (to, on) => heard.push(`shown ${to} ${on}`),
  });
  return { inlet, sent, heard, hear: (text: string) => inlet.take(parseElement(text)) };
}

it('numbers what comes, backwards what came before the session was known', () => {
  const { inlet, sent, heard, hear } = listening();
  inlet.hello();
  hear('<message/>');
  hear('<presence/>');
  expect(heard).toEqual([]);
  hear(`<session ${CONTROL} id='P' n='41' resumed='true'/>`);
  hear('<iq/>');
  expect(heard).toEqual(['session P true', 'message 40', 'presence 41', 'iq 42']);
  inlet.end();
  expect(heard).toHaveLength(4);
  expect(sent).toEqual([`<hello ${CONTROL}/>`]);
});

it('gives no number where there was no session', () => {
  const { inlet, heard, hear } = listening();
  hear('<message/>');
  inlet.end();
  expect(heard).toEqual(['message null']);
});

it('hears what became of what was sent, and that the session is over', () => {
  const { inlet, heard, hear } = listening();
  hear(`<session ${CONTROL} id='P' n='0'/>`);
  hear(`<sent ${CONTROL} n='2'/>`);
  hear(`<refused ${CONTROL} n='3' reason='too big'/>`);
  hear(`<shown ${CONTROL} to='a@x' on='true'/>`);
  hear(`<shown ${CONTROL}/>`);
  for (const odd of [`<sent ${CONTROL} n='x'/>`, `<other ${CONTROL}/>`]) hear(odd);
  expect(heard).toEqual(['session P false', 'sent 2', 'refused 3 too big', 'shown a@x true', 'shown  false']);
  expect(inlet.bye).toBe(false);
  hear(`<bye ${CONTROL}/>`);
  expect(inlet.bye).toBe(true);
});

it('counts what could not be read', () => {
  const { inlet, heard, hear } = listening();
  inlet.take(unreadable());
  hear('<message/>');
  hear(`<session ${CONTROL} id='P' n='7'/>`);
  inlet.take(unreadable());
  hear('<iq/>');
  expect(heard).toEqual(['session P false', 'unreadable 6', 'message 7', 'unreadable 8', 'iq 9']);
});

it('tells what is done once, and never less than before', () => {
  const { inlet, sent } = listening();
  for (const n of [0, 3, 3, 2, 5]) inlet.done(n);
  expect(sent).toEqual([`<done ${CONTROL} n='3'/>`, `<done ${CONTROL} n='5'/>`]);
});

it('knows from the environment, which nobody else has to see', () => {
  const env = { SJ_ACK: '1', OTHER: 'x' };
  expect([takeAck(env), takeAck(env), env]).toEqual([true, false, { OTHER: 'x' }]);
});

it('is of one session', () => {
  const { inlet, heard, hear } = listening();
  hear(`<session ${CONTROL} id='P' n='1'/>`);
  hear(`<session ${CONTROL} id='Q' n='4294967295' resumed='true'/>`);
  hear('<message/>');
  inlet.end();
  expect(heard).toEqual(['session P false', 'message 2']);
});
