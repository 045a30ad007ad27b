/**
 * Who is online from where: the devices ("resources") of each contact that has any. Nothing here knows of
 * stanzas or files.
 */
import type { Resource } from './model.ts';

/** Oldest first: announcing a resource again puts it last. `size` is what it all takes, in bytes. */
type Contact = { readonly resources: Map<string, Resource>; self: string | null; size: number };

/** Bytes that all resources may take together, and those of strangers alone. */
export const BUDGET = { all: 64 * 1_048_576, strangers: 16 * 1_048_576 };

/** Bytes of a resource besides its texts, measured on Node 20; a character takes two at most. */
const OVERHEAD = 300;
const sizeOf = (resource: string, { status }: Resource): number => OVERHEAD + 2 * (resource.length + status.length);

/** A text by itself: what is cut from another keeps all of that in memory. */
const ownCopy = (text: string): string => Buffer.from(text).toString();

export type Resources = {
  /**
   * A resource is there. The empty string is a resource, too: a gateway has no other.
   * @param self it is our own occupant of a room
   * @param isStranger whether the contact is not in the roster; asked only when there is much
   * @returns false if there are too many contacts already, or they take too much memory: nothing is kept
   */
  set(jid: string, resource: string, presence: Resource, self?: boolean, isStranger?: () => boolean): boolean;
  /** How many resources of the contact are kept. */
  count(jid: string): number;
  remove(jid: string, resource: string): void;
  removeAll(jid: string): void;
  /** The resource that speaks for the contact: the highest priority, then the newest. Null: offline. */
  best(jid: string): Resource | null;
};

/**
 * @param most how many contacts are kept
 * @param limit how many resources of one contact are kept; beyond it the oldest is forgotten. Rooms have thousands of
 *   occupants, and one of them is enough; our own is never forgotten, it is the one we are sure to hear about
 */
export function createResources(limit = 64, most = Number.POSITIVE_INFINITY, budget = BUDGET): Resources {
  const contacts = new Map<string, Contact>();
  let total = 0;

  const forget = (jid: string, contact: Contact, resource: string) => {
    const known = contact.resources.get(resource);
    if (known !== undefined) {
      const size = sizeOf(resource, known);
      contact.size -= size;
      total -= size;
    }
    contact.resources.delete(resource);
    if (contact.self === resource) contact.self = null;
    if (contact.resources.size === 0) contacts.delete(jid);
  };

  const oldest = ({ resources, self }: Contact): string | undefined => {
    for (const resource of resources.keys()) if (resource !== self) return resource;
    return undefined;
  };

  return {
    set(jid, resource, presence, self = false, isStranger = () => false) {
      const before = contacts.get(jid);
      const wasSelf = before?.self === resource;
      if (before !== undefined) forget(jid, before, resource);
      const size = sizeOf(resource, presence);
      if (total + size > budget.all || (total + size > budget.strangers && isStranger())) return false;
      let contact = contacts.get(jid);
      if (contact === undefined && contacts.size >= most) return false;
      if (contact === undefined) contacts.set(jid, (contact = { resources: new Map(), self: null, size: 0 }));
      contact.resources.set(ownCopy(resource), { ...presence, status: ownCopy(presence.status) });
      contact.size += size;
      total += size;
      if (self || wasSelf) contact.self = resource;
      const old = contact.resources.size > limit ? oldest(contact) : undefined;
      if (old !== undefined) forget(jid, contact, old);
      return true;
    },
    remove(jid, resource) {
      const contact = contacts.get(jid);
      if (contact !== undefined) forget(jid, contact, resource);
    },
    removeAll(jid) {
      total -= contacts.get(jid)?.size ?? 0;
      contacts.delete(jid);
    },
    count: (jid) => contacts.get(jid)?.resources.size ?? 0,
    best(jid) {
      let best: Resource | null = null;
      for (const resource of contacts.get(jid)?.resources.values() ?? []) {
        if (best === null || resource.priority >= best.priority) best = resource;
      }
      return best;
    },
  };
}
