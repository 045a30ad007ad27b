/**
 * Bare addresses that RFC 7622 does not allow and servers let in all the same, since they keep to an older rule
 * (nodeprep of RFC 3920: symbols, typographic apostrophes, code points that are newer than Unicode 3.2). Whoever has one
 * can write to us, so he can be shown and answered. Nothing that is allowed has such a form, so nobody can take the place
 * of somebody else by it; and it holds nothing that is invisible, or that looks like another form of something else.
 */
import { later } from '../../sys/later.ts';
import { domainpart } from './domain.ts';
import { localpart } from './local.ts';
import { checkLength, PrecisError } from './precis.ts';

const isUnseen = later(
  String.raw`[\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]`,
);
/** RFC 3920 appendix A.5. */
const NEVER = /["&'/:<>@]/;
const DOMAIN = /^[-.a-z0-9_\u0080-\uffff]+$/;
const BAD_LABEL = /^[-.]|[-.]$|\.[-.]|-\./;

/**
 * The form that such an address has here.
 * @param local empty if there is none; `domain` without the rest
 * @returns null if it is allowed by RFC 7622 when it is brought into this form, or is no address by any rule
 */
export function oddBare(local: string | undefined, domain: string): string | null {
  const before = local === undefined ? '' : (allowed(localpart, local) ?? odd(local, localpart));
  const after = allowed(domainpart, domain) ?? odd(domain, domainpart);
  if (before === null || after === null) return null;
  if (allowed(domainpart, domain) === null && (!DOMAIN.test(after) || BAD_LABEL.test(after))) return null;
  return local === undefined ? after : `${before}@${after}`;
}

function allowed(profile: (text: string) => string, text: string): string | null {
  try {
    const normal = profile(text);
    checkLength(normal);
    return normal;
  } catch (error) {
    if (error instanceof PrecisError) return null;
    throw error;
  }
}

function odd(text: string, profile: (text: string) => string): string | null {
  const form = mapped(text);
  if (form === '' || mapped(form) !== form || isUnseen(form) || NEVER.test(form)) return null;
  try {
    checkLength(form);
  } catch {
    return null;
  }
  return allowed(profile, form) === null ? form : null;
}

const mapped = (text: string): string => text.normalize('NFKC').toLowerCase().normalize('NFKC');
