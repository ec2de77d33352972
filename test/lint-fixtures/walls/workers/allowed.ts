// passes
export { createActivities } from '../activities/index.ts';
export { createClients } from '../clients/create-clients.ts';
export { readConfig } from '../config/config.ts';
