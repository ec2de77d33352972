import { Encoder, type Decoder } from './send-request.ts';

// Newer request versions are "flexible": arrays and texts are compact, and each structure ends with tagged fields, which older
// readers skip (https://cwiki.apache.org/confluence/display/KAFKA/KIP-482). kafkajs 2.2.4 reads the size of a tagged field wrongly.

/** Kafka's requests here need no tagged fields: a count of 0. Also ends the header of a flexible request. */
export const NO_TAGS = 0;

export const int32 = (value: number): Encoder => new Encoder().writeInt32(value);

/** Skips tagged fields. A flexible response starts with those of its header. */
export function skipTags(decoder: Decoder): void {
  for (let fields = decoder.readUVarInt(); fields > 0; fields -= 1) {
    decoder.readUVarInt(); // tag
    decoder.forward(decoder.readUVarInt());
  }
}

/** Reads a compact array of structures, each with the tagged fields at its end. */
export function readStructures<T>(decoder: Decoder, read: () => T): T[] {
  return (
    decoder.readUVarIntArray(() => {
      const structure = read();
      skipTags(decoder);
      return structure;
    }) ?? []
  );
}

export const readInt32s = (decoder: Decoder): number[] =>
  decoder.readUVarIntArray(() => decoder.readInt32()) ?? [];
