/** What real servers have said, see `record.ts`. */
import fs from 'node:fs';
import path from 'node:path';

/** One recorded connection: who said which element, as bytes in a text. */
export type Session = { name: string; turns: { from: 'client' | 'server'; text: string }[] };

/** The accounts of the corpus and those of the fuzz. */
const local = (text: string) => text.replaceAll(/\bclear(plain)?\.localhost\b/g, 'example.org');

export function readCorpus(): Session[] {
  const dir = path.join(import.meta.dirname, 'corpus');
  return fs
    .readdirSync(dir)
    .filter((name) => name.endsWith('.txt'))
    .sort()
    .map((name) => ({
      name: name.replace(/\.txt$/, ''),
      turns: fs
        .readFileSync(path.join(dir, name), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => ({
          from: line.startsWith('S') ? ('server' as const) : ('client' as const),
          text: local(JSON.parse(line.slice(2)) as string),
        })),
    }));
}

/** An account directory: the content of each file, as bytes in a text; null for a directory. */
export const readAccount = (): Record<string, string | null> =>
  JSON.parse(fs.readFileSync(path.join(import.meta.dirname, 'corpus', 'account.json'), 'utf8'));

/** All different stanzas of one side. */
export const stanzasOf = (sessions: readonly Session[], from: 'client' | 'server'): string[] => [
  ...new Set(
    sessions.flatMap(({ turns }) =>
      turns.filter((turn) => turn.from === from && /^<(message|presence|iq)\b/.test(turn.text)).map(({ text }) => text),
    ),
  ),
];

/** What servers say seldom. */
export const RARE = [
  "<message from='bob@example.org/desk' to='alice@example.org' type='error' id='m1'><body>Hello Bob</body><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no</text></error></message>",
  "<message from='alice@example.org' to='alice@example.org/desk' type='chat'><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' to='bob@example.org/x' from='alice@example.org/other' type='chat'><body>carbon</body></message></forwarded></sent></message>",
  "<message from='bob@example.org' type='chat'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' to='alice@example.org/x' from='eve@example.org/other' type='chat'><body>forged</body></message></forwarded></received></message>",
  "<message from='room@muc.example.org/nick' to='alice@example.org/desk' type='groupchat' id='g1'><body>in the room</body><stanza-id xmlns='urn:xmpp:sid:0' id='s1' by='room@muc.example.org'/><delay xmlns='urn:xmpp:delay' stamp='2026-11-21T07:28:55Z'/></message>",
  "<message from='room@muc.example.org' to='alice@example.org/desk' type='groupchat'><subject>topic</subject></message>",
  "<presence from='room@muc.example.org/alice' to='alice@example.org/desk'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner' role='moderator' jid='alice@example.org/desk'/><status code='110'/></x></presence>",
  "<presence from='nobody@example.org' to='alice@example.org/desk' type='error'><error type='cancel'><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
  "<iq type='get' id='v1' from='bob@example.org/desk' to='alice@example.org/desk'><query xmlns='jabber:iq:version'/></iq>",
  "<iq type='get' id='f1' from='bob@example.org/desk' to='alice@example.org/desk'><query xmlns='x:fifo'/></iq>",
  "<iq type='set' id='f2' from='bob@example.org/desk' to='alice@example.org/desk'><query xmlns='x:file'>data</query></iq>",
  "<iq type='get' id='f3' from='bob@example.org/desk' to='alice@example.org/desk'><query xmlns='x:program'/></iq>",
  "<iq type='set' id='p1' from='alice@example.org'><query xmlns='jabber:iq:roster'><item jid='bob@example.org' subscription='remove'/></query></iq>",
  "<iq type='set' id='p2' from='eve@example.org/x'><query xmlns='jabber:iq:roster'><item jid='eve@example.org' subscription='both'/></query></iq>",
  "<iq type='result' id='q1' from='alice@example.org'><query xmlns='jabber:iq:roster'/></iq>",
  "<iq type='error' id='q6' from='nobody.invalid'><error type='cancel'><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
  "<a xmlns='urn:xmpp:sm:3' h='3'/>",
  "<r xmlns='urn:xmpp:sm:3'/>",
  "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
  "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>other.example:9999</see-other-host></stream:error>",
];
