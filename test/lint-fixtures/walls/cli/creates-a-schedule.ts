// fails: Only clients/temporal starts workflows and creates schedules.
export const create = (temporal: Client) => temporal.schedule.create({});
