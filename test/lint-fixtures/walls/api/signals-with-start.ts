// fails: Only clients/temporal starts workflows and creates schedules.
export const signal = (workflow: WorkflowClient) => workflow.signalWithStart('etlLoads', {});
