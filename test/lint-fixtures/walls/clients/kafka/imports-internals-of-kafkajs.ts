// fails: Only clients/kafka/kafkajs and its tests may use internals of kafkajs.
export { default as RequestQueue } from 'kafkajs/src/network/requestQueue';
