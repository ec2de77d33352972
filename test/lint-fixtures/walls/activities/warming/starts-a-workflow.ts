// fails: Only clients/temporal starts workflows and creates schedules.
export const start = (temporal: Client) => temporal.workflow.start('warmCache', {});
