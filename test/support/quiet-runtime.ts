import { DefaultLogger, Runtime } from '@temporalio/worker';

// Tests cause failures on purpose: log errors only. A process has one native runtime, so this is set once.
Runtime.install({ logger: new DefaultLogger('ERROR') });
