/** Info/Query: RFC 6120, 8.2.3, and the little that the server itself answers. */
import { accountOf, addressed, bounce, type Hub, isLocal, type Session } from './hub.ts';
import { parseJid } from './jid.ts';
import { handleRoster } from './roster-iq.ts';
import { type Element, el, elements, NS } from './xml.ts';

/** Takes an iq from a client; its `from` is stamped already. */
export function handleIq(hub: Hub, session: Session, iq: Element) {
  const { type, id, to } = iq.attrs;
  const request = type === 'get' || type === 'set';
  const payload = elements(iq);
  const wrong = id === undefined || (request ? payload.length !== 1 : type !== 'result' && type !== 'error');
  if (wrong) return session.send(bounce(iq, 'bad-request'));
  const jid = parseJid(to ?? session.account.bare);
  const refuse = (condition: string) => {
    if (request) session.send(bounce(iq, condition));
  };
  if (jid === undefined) return refuse('jid-malformed');
  if (!isLocal(hub, jid)) return refuse('remote-server-not-found');
  if (jid.resource !== '' && jid.local !== '') {
    const taker = accountOf(hub, jid.bare)?.sessions.get(jid.resource);
    if (taker === undefined) return refuse('service-unavailable');
    return taker.send(addressed(iq, iq.attrs.from!, jid.full));
  }
  // An answer to the server has its place in the journal and nowhere else.
  if (request) session.send(answer(hub, session, iq, jid.full));
}

/** The server's answer to a get or set for a domain or an account. */
function answer(hub: Hub, session: Session, iq: Element, to: string): Element {
  const payload = elements(iq)[0]!;
  const own = to === session.account.bare;
  const domain = !to.includes('@');
  const result = (...children: Element[]) =>
    el('iq', NS.client, { type: 'result', id: iq.attrs.id, from: iq.attrs.to, to: session.jid.full }, ...children);
  const get = iq.attrs.type === 'get';
  if (payload.ns === NS.roster)
    return own && payload.name === 'query' ? handleRoster(hub, session, iq) : bounce(iq, 'forbidden');
  if (!domain && !own) return bounce(iq, 'service-unavailable');
  if (payload.ns === NS.session && !get) return result();
  if (!get) return bounce(iq, 'service-unavailable');
  if (payload.ns === NS.ping) return result();
  if (payload.ns === NS.discoInfo)
    return payload.attrs.node === undefined ? result(info(domain)) : bounce(iq, 'item-not-found');
  if (payload.ns === NS.discoItems) return result(el('query', NS.discoItems));
  if (payload.ns === NS.version && domain) {
    const software = el(
      'query',
      NS.version,
      {},
      el('name', NS.version, {}, 'loopback'),
      el('version', NS.version, {}, '1'),
    );
    return result(software);
  }
  return bounce(iq, 'service-unavailable');
}

function info(domain: boolean): Element {
  const identity = domain
    ? { category: 'server', type: 'im', name: 'loopback' }
    : { category: 'account', type: 'registered' };
  const features = domain
    ? [NS.discoInfo, NS.discoItems, NS.ping, NS.version, NS.roster, 'msgoffline']
    : [NS.discoInfo];
  return el(
    'query',
    NS.discoInfo,
    {},
    el('identity', NS.discoInfo, identity),
    ...features.map((feature) => el('feature', NS.discoInfo, { var: feature })),
  );
}
