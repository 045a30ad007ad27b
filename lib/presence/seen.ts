/** What is kept of the presence of one resource: as JSON, from which it is read back, whatever has become of it. */
import type { Show } from '../tree/line.ts';
import type { Resource } from './model.ts';

/** `self`: it is our own occupant of a room. */
export type Seen = Resource & { readonly self: boolean };

const SHOWS: readonly unknown[] = ['online', 'chat', 'away', 'xa', 'dnd'] satisfies Show[];
const isShow = (value: unknown): value is Show => SHOWS.includes(value);

/** Null: it is none. */
export function seenOf(value: unknown): Seen | null {
  if (typeof value !== 'object' || value === null) return null;
  const { show, status, priority, occupant, self }: Record<string, unknown> = { ...value };
  if (!isShow(show) || typeof status !== 'string' || typeof priority !== 'number') return null;
  return { show, status, priority, occupant: occupant === true, self: self === true };
}
