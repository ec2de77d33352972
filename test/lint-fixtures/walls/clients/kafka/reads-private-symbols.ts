// fails: Only clients/kafka/kafkajs and its tests may use internals of kafkajs.
export const symbols = (kafka: object) => Object.getOwnPropertySymbols(kafka);
