/** `npm run test:crash -- --rounds N [--server prosody|ejabberd] [--seed S] [--only FAULT]`: see README. */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { FAULTS } from './faults.ts';
import { createRandom } from './random.ts';
import { CONTACTS, type Report, run, US } from './run.ts';
import { kinds } from './servers.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    server: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});
const say = (text: string) => void process.stdout.write(`${text}\n`);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);

async function main(): Promise<void> {
  execFileSync('node', ['build.mjs'], { stdio: 'inherit' });
  say(`seed ${seed}`);
  const complaints: string[] = [];
  const all = kinds([US, ...CONTACTS]);
  const names = (['prosody', 'ejabberd'] as const).filter(
    (name) => values.server === undefined || values.server === name,
  );
  for (const name of names) {
    say(`\n${name}`);
    const report = await run({
      kind: all[name],
      random: createRandom(seed),
      rounds: Number(values.rounds),
      faults: FAULTS.filter(({ name }) => name.includes(values.only)),
      say,
    });
    show(report);
    for (const what of report.wrong) complaints.push(`${name}: ${what}`);
  }
  if (complaints.length === 0) return;
  say(`\nwrong, with seed ${seed}:`);
  for (const what of complaints.slice(0, 30)) say(`  ${what}`);
  process.exitCode = 1;
}

function show({ recovery, figures, sizes, begun, resumed, wrong, dir }: Report): void {
  say(`\n  ${'fault'.padEnd(22)} times  recovery: median, longest`);
  for (const [name, times] of [...recovery].sort()) {
    const sorted = [...times].sort((a, b) => a - b);
    const [median, longest] = [sorted[sorted.length >> 1]!, sorted.at(-1)!].map((t) => `${(t / 1000).toFixed(2)} s`);
    say(`  ${name.padEnd(22)} ${String(times.length).padStart(5)}  ${median}, ${longest}`);
  }
  say(`  numbers: ${figures.out} from us, ${figures.in} to us; sessions: ${begun}, resumed ${resumed} times`);
  say(
    `  lost by the server after it had acknowledged them: ${figures.serverLostOut} from us, ${figures.serverLostIn} to us`,
  );
  say(`  arrived again under the same id, in a new session: ${figures.again}`);
  say(`  sent once, and given to a contact again by the server: ${figures.doubled}`);
  say(`  put out of order by the server: ${figures.reordered}`);
  say(`  said again by contacts whose server had gone: ${figures.retried} numbers came more than once`);
  say(`  written into in and lost with a killed messaged: ${figures.swallowed}`);
  say(`  largest: ${[...sizes].map(([name, size]) => `${name} ${size}`).join(', ')}`);
  if (wrong.length === 0) return say('  all is well');
  say(`  WRONG, evidence in ${dir}`);
}

void main().then(
  () => process.exit(),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
