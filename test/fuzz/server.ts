/** A server that does everything right, on the other end of sj's descriptors 6 and 7, and judges what it is told. */
import type { Duplex } from 'node:stream';
import { createReader } from '../../loopback/reader.ts';
import { child, type Element, text } from '../../loopback/xml.ts';
import type { Complaint } from './oracle.ts';

export type FuzzServer = {
  /** What has come of each message: whom to, its id and its text. */
  readonly messages: { to: string; id: string; body: string }[];
  readonly complaints: Complaint[];
  readonly online: boolean;
  say(text: string): void;
  close(): void;
};

const HEADER =
  "<?xml version='1.0'?><stream:stream from='example.org' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
const SM = "xmlns='urn:xmpp:sm:3'";

/** @param manages whether it offers stream management; @param limit the largest stanza that it takes, in bytes */
export function serve(from: Duplex, to: Duplex, manages: boolean, limit = 262_144): FuzzServer {
  const messages: FuzzServer['messages'] = [];
  const complaints: Complaint[] = [];
  let stage = 0;
  let online = false;
  let handled = 0;
  let over = false;
  const say = (words: string) => {
    if (!over) to.write(words);
  };

  function stanza(element: Element): void {
    const { name, attrs } = element;
    if (name === 'auth') {
      stage = 1;
      say("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
      reader.stop();
    } else if (name === 'enable') {
      online = true;
      say(`<enabled ${SM} id='session' resume='true'/>`);
    } else if (name === 'resume') say(`<failed ${SM} h='0'/>`);
    else if (name === 'r') say(`<a ${SM} h='${handled}'/>`);
    else if (attrs.id === 'sj:bind') {
      say(
        "<iq type='result' id='sj:bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@example.org/desk</jid></bind></iq>",
      );
      online ||= !manages;
    } else if (name === 'message' || name === 'presence' || name === 'iq') {
      handled++;
      if (name === 'message')
        messages.push({ to: attrs.to ?? '', id: attrs.id ?? '', body: text(child(element, 'body')) });
      if (/^sj:/.test(attrs.id ?? '')) say(`<iq type='result' id='${attrs.id}'/>`);
    } else if (name !== 'a') complaints.push({ what: 'no stanza', detail: name });
  }

  const begin = () =>
    createReader(limit, {
      open() {
        const features =
          stage === 0
            ? "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
            : `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>${manages ? `<sm ${SM}/>` : ''}`;
        say(`${HEADER}<stream:features>${features}</stream:features>`);
      },
      stanza,
      close() {
        say('</stream:stream>');
        over = true;
        to.end();
      },
    });
  let reader = begin();

  from.on('data', (chunk: Buffer) => {
    if (over) return;
    try {
      const before = stage;
      const rest = reader.write(chunk);
      if (stage === before) return;
      reader = begin();
      if (rest !== '') reader.write(Buffer.from(rest));
    } catch (error) {
      complaints.push({ what: 'malformed', detail: `${error}: ${chunk.toString('latin1').slice(0, 1000)}` });
      over = true;
    }
  });
  return {
    messages,
    complaints,
    get online() {
      return online;
    },
    say,
    close: () => say('</stream:stream>'),
  };
}
