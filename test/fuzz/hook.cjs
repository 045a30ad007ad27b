// Loaded into every program under test (NODE_OPTIONS): tells what the program itself would not tell of its state.
const fs = require('node:fs');
const v8 = require('node:v8');
const vm = require('node:vm');

const report = process.env.FUZZ_REPORT;
if (report) {
  const name = (process.argv[1] || '').split('/').pop();
  const note = (text) => fs.appendFileSync(`${report}/crashes`, `${name} ${process.pid}: ${text}\n`);
  process.on('uncaughtExceptionMonitor', (error, origin) => note(`${origin}: ${(error && error.stack) || error}`));
  process.on('warning', (warning) => note(`warning: ${warning.stack || warning}`));
  process.on('SIGUSR2', () => {
    v8.setFlagsFromString('--expose-gc');
    const gc = vm.runInNewContext('gc');
    gc();
    gc();
    const { heapUsed, external, rss } = process.memoryUsage();
    const file = `${report}/memory.${process.pid}`;
    fs.writeFileSync(`${file}.new`, JSON.stringify({ heapUsed, external, rss }));
    fs.renameSync(`${file}.new`, file);
  });
}
