// Loaded into a process under load (node --import): prints the p99 of its event loop delay every second, in milliseconds, since its start
// or the last SIGUSR2.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
process.on('SIGUSR2', () => delay.reset());
setInterval(
  () => console.log(`event loop delay p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms`),
  1000,
).unref();
