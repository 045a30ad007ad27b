// What a daemon can't read counts like what it can: else sj and it would not mean the same stanza by a number.
import { expect, it } from 'vitest';
import { startPartner } from './bed/partner.ts';
import { newAccount, until } from './bed/suite.ts';

/** More than the daemons take. */
const DEPTH = `${'<a>'.repeat(70)}${'</a>'.repeat(70)}`;

it.each([
  ['messaged', { SJ_LIMITS: 'stanza=10000' }, 'message'],
  ['presenced', { SJ_LIMITS: 'stanza=10000' }, 'presence'],
  ['iqd', { SJ_LIMITS: 'iq=10000 stanza=10000' }, 'iq'],
])('%s counts a stanza that it skips, and says so', async (name, env, root) => {
  const daemon = startPartner(name, newAccount(), env, name === 'messaged' ? ['-j', 'me@server.org'] : []);
  await until(() => daemon.heard.includes('hello'));
  daemon.session('S', 4);
  const stanza = (content: string) => `<${root} id='x' from='bob@example.org/r' type='error'>${content}</${root}>`;
  daemon.give(stanza(''), stanza(DEPTH), stanza('x'.repeat(100_000)), stanza("<a b='1' b='2'/>"), stanza('<b/>'));
  await until(() => daemon.done === 9, daemon.err);
  expect(daemon.err().match(/skipped/g)).toHaveLength(3);
  expect(await daemon.end(true)).toBe(0);
});
