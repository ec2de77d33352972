// fails: Import statically: the import laws do not check import().
export const createActivities = await import('../../activities/index.ts');
