/** Time stamps for people, in local time. */

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

/** The conversions of strftime(3) that do not depend on a locale. */
const CONVERSIONS: Readonly<Record<string, (d: Date) => string>> = {
  Y: (d) => String(d.getFullYear()).padStart(4, '0'),
  y: (d) => two(d.getFullYear() % 100),
  m: (d) => two(d.getMonth() + 1),
  d: (d) => two(d.getDate()),
  e: (d) => String(d.getDate()).padStart(2, ' '),
  H: (d) => two(d.getHours()),
  I: (d) => two(d.getHours() % 12 || 12),
  M: (d) => two(d.getMinutes()),
  S: (d) => two(d.getSeconds()),
  p: (d) => (d.getHours() < 12 ? 'AM' : 'PM'),
  j: (d) =>
    String(
      Math.round((Date.UTC(d.getFullYear(), d.getMonth(), d.getDate()) - Date.UTC(d.getFullYear(), 0, 0)) / 86_400_000),
    ).padStart(3, '0'),
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
  D: (d) => strftime('%m/%d/%y', d),
  s: (d) => String(Math.floor(d.getTime() / 1000)),
  z: zone,
  n: () => ' ',
  t: () => '\t',
  '%': () => '%',
};

function strftime(format: string, date: Date): string {
  return format.replace(/%(.)/gs, (whole, letter: string) =>
    Object.hasOwn(CONVERSIONS, letter) ? CONVERSIONS[letter]!(date) : whole,
  );
}

/** A stamp in the format that SJ_STAMP names: `epoch` for seconds since 1970, else as strftime(3) has it. */
export function stamp(format: string | undefined, date: Date): string {
  if (format === 'epoch') return String(Math.floor(date.getTime() / 1000));
  return strftime(format || '%Y-%m-%d %H:%M', date).replace(/[\n\r]/g, ' ');
}
