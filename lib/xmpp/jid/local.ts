import { PrecisError, usernameCaseMapped } from './precis.ts';

/**
 * The normal form of a localpart (RFC 7622 section 3.3).
 * @throws PrecisError
 */
export function localpart(text: string): string {
  const name = usernameCaseMapped(text);
  // Section 3.3.1; all but these is up to PRECIS.
  const stray = /["&'/:<>@]/.exec(name);
  if (stray) throw new PrecisError('forbidden', `has ${stray[0]} in it`);
  return name;
}
