// passes
export const start = (temporal: Client) => temporal.workflow.start('warmCache', {});
export const signal = (temporal: Client) => temporal.workflow.signalWithStart('etlLoads', {});
export const create = (temporal: Client) => temporal.schedule.create({});
