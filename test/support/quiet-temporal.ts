import { DefaultLogger, Runtime } from '@temporalio/worker';

// One native runtime a process: tests that make things fail on purpose should not fill the output.
Runtime.install({ logger: new DefaultLogger('ERROR') });
