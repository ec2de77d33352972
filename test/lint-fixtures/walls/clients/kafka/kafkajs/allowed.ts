// passes
export { createRequire } from 'node:module';
export { default as RequestQueue } from 'kafkajs/src/network/requestQueue';
export const symbols = (kafka: object) => Object.getOwnPropertySymbols(kafka);
