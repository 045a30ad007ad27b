/** Lines over a logarithmic axis, as a picture. */

export type Line = { readonly name: string; readonly points: readonly (readonly [x: number, y: number])[] };
export type Panel = { readonly title: string; readonly lines: readonly Line[] };

const COLOURS = ['#1f6fb4', '#d1571b', '#3a8f3a'];
const WIDTH = 360;
const HEIGHT = 280;
/** Around the lines of a panel. */
const LEFT = 64;
const RIGHT = 24;
const TOP = 62;
const BOTTOM = 44;
const STEPS = 4;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

const text = (x: number, y: number, words: string, more = ''): string =>
  `<text x='${x.toFixed(1)}' y='${y.toFixed(1)}'${more}>${escaped(words)}</text>`;

const short = (number: number): string =>
  number >= 1e6 ? `${number / 1e6}M` : number >= 1000 ? `${number / 1000}k` : `${number}`;

/** 1, 2 or 5, and zeros: so that a few of them reach the number. */
function step(most: number): number {
  const rough = most / STEPS;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 2.5, 5, 10].find((digit) => digit * power >= rough)!;
}

function drawn({ title, lines }: Panel, axis: string, left: number): string {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const most = Math.max(...lines.flatMap(({ points }) => points.map(([, y]) => y)));
  const [low, high] = [Math.log10(xs[0]!), Math.log10(xs.at(-1)!)];
  const unit = step(most);
  const ceiling = unit * Math.ceil(most / unit);
  const x = (value: number) => left + LEFT + ((Math.log10(value) - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => HEIGHT - BOTTOM - (value / ceiling) * (HEIGHT - TOP - BOTTOM);
  const parts = [text(left + LEFT, 20, title, " font-weight='bold'")];
  for (let value = 0; value <= ceiling * 1.001; value += unit) {
    const at = y(value).toFixed(1);
    parts.push(`<path d='M${left + LEFT} ${at}H${left + WIDTH - RIGHT}' stroke='#ddd'/>`);
    parts.push(text(left + LEFT - 6, y(value) + 4, short(Number(value.toPrecision(3))), " text-anchor='end'"));
  }
  for (const value of xs)
    parts.push(text(x(value), HEIGHT - BOTTOM + 18, short(value), " text-anchor='middle' font-size='11'"));
  parts.push(text(left + (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, axis, " text-anchor='middle'"));
  lines.forEach(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length]!;
    const places = points.map(([px, py]) => [x(px).toFixed(1), y(py).toFixed(1)] as const);
    parts.push(`<polyline points='${places.join(' ')}' fill='none' stroke='${colour}' stroke-width='2'/>`);
    for (const [px, py] of places) parts.push(`<circle cx='${px}' cy='${py}' r='3' fill='${colour}'/>`);
    parts.push(text(left + LEFT, 36 + 14 * i, name, ` fill='${colour}'`));
  });
  return parts.join('\n');
}

/** Panels side by side; `axis` is what all of them have below. */
export function picture(axis: string, panels: readonly Panel[]): string {
  const width = WIDTH * panels.length;
  return [
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 ${width} ${HEIGHT}' width='${width}' height='${HEIGHT}' font-family='sans-serif' font-size='12' fill='#333'>`,
    `<rect width='${width}' height='${HEIGHT}' fill='#fff'/>`,
    ...panels.map((panel, i) => drawn(panel, axis, i * WIDTH)),
    '</svg>\n',
  ].join('\n');
}
