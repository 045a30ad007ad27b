/** Time stamps for people, in local time. */
import { zoneName } from './zone.ts';

const two = (n: number) => String(n).padStart(2, '0');
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

const zone = (d: Date) => {
  const minutes = -d.getTimezoneOffset();
  const away = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(away / 60))}${two(away % 60)}`;
};

const dayOfYear = (d: Date): number =>
  Math.round((Date.UTC(d.getFullYear(), d.getMonth(), d.getDate()) - Date.UTC(d.getFullYear(), 0, 1)) / 86_400_000);

/** Weeks that have begun this year, if they begin on Sunday (0) or Monday (1). */
const week = (d: Date, first: number): number => Math.floor((dayOfYear(d) + 7 - ((d.getDay() + 7 - first) % 7)) / 7);

/** The year and the week of ISO 8601: weeks begin on Monday, and the first one has the year's first Thursday. */
function isoWeek(d: Date): { year: number; week: number } {
  const thursday = new Date(d.getFullYear(), d.getMonth(), d.getDate() + 4 - (d.getDay() || 7), 12);
  return { year: thursday.getFullYear(), week: Math.floor(dayOfYear(thursday) / 7) + 1 };
}

const hour12 = (d: Date): number => d.getHours() % 12 || 12;

/** The conversions of strftime(3), as they are in the C locale. */
const CONVERSIONS: Readonly<Record<string, (d: Date) => string>> = {
  Y: (d) => String(d.getFullYear()).padStart(4, '0'),
  y: (d) => two(d.getFullYear() % 100),
  m: (d) => two(d.getMonth() + 1),
  d: (d) => two(d.getDate()),
  e: (d) => String(d.getDate()).padStart(2, ' '),
  H: (d) => two(d.getHours()),
  k: (d) => String(d.getHours()).padStart(2, ' '),
  I: (d) => two(hour12(d)),
  l: (d) => String(hour12(d)).padStart(2, ' '),
  M: (d) => two(d.getMinutes()),
  S: (d) => two(d.getSeconds()),
  p: (d) => (d.getHours() < 12 ? 'AM' : 'PM'),
  P: (d) => (d.getHours() < 12 ? 'am' : 'pm'),
  j: (d) => String(dayOfYear(d) + 1).padStart(3, '0'),
  C: (d) => two(Math.floor(d.getFullYear() / 100)),
  G: (d) => String(isoWeek(d).year),
  g: (d) => two(isoWeek(d).year % 100),
  V: (d) => two(isoWeek(d).week),
  U: (d) => two(week(d, 0)),
  W: (d) => two(week(d, 1)),
  u: (d) => String(d.getDay() || 7),
  w: (d) => String(d.getDay()),
  a: (d) => DAYS[d.getDay()]!.slice(0, 3),
  A: (d) => DAYS[d.getDay()]!,
  b: (d) => MONTHS[d.getMonth()]!.slice(0, 3),
  h: (d) => MONTHS[d.getMonth()]!.slice(0, 3),
  B: (d) => MONTHS[d.getMonth()]!,
  F: (d) => strftime('%Y-%m-%d', d),
  T: (d) => strftime('%H:%M:%S', d),
  R: (d) => strftime('%H:%M', d),
  r: (d) => strftime('%I:%M:%S %p', d),
  c: (d) => strftime('%a %b %e %H:%M:%S %Y', d),
  x: (d) => strftime('%m/%d/%y', d),
  X: (d) => strftime('%H:%M:%S', d),
  D: (d) => strftime('%m/%d/%y', d),
  s: (d) => String(Math.floor(d.getTime() / 1000)),
  z: zone,
  Z: zoneName,
  '+': (d) => strftime('%a %b %e %H:%M:%S %Z %Y', d),
  n: () => ' ',
  t: () => '\t',
  '%': () => '%',
};

function strftime(format: string, date: Date): string {
  // E and O ask for other numerals and eras, which the C locale does not have.
  return format.replace(/%[EO]?(.)/gs, (whole, outgoingOf: string) =>
    Object.hasOwn(CONVERSIONS, outgoingOf) ? CONVERSIONS[outgoingOf]!(date) : whole,
  );
}

/** A stamp in the format that SJ_STAMP names: `epoch` for seconds since 1970, else as strftime(3) has it. */
export function stamp(format: string | undefined, date: Date): string {
  if (format === 'epoch') return String(Math.floor(date.getTime() / 1000));
  return strftime(format || '%Y-%m-%d %H:%M', date).replace(/[\n\r]/g, ' ');
}
