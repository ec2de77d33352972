import { createHash } from 'node:crypto';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { IncomingHttpHeaders } from 'node:http';
import type { Request, Response } from 'express';
import fresh from 'fresh';
import { LRUCache } from 'lru-cache';

/** Names and values in turn, as `writeHead` takes them. */
export type HeaderList = readonly string[];

const ENCODINGS = ['br', 'gzip'] as const;
type Encoding = (typeof ENCODINGS)[number] | 'identity';

/** The bytes of an answer in one content encoding. */
interface Variant {
  readonly etag: string;
  /** The bytes as characters (latin1), because Node sends text and headers in one write, and need not encode such text. */
  readonly body: string;
  readonly headers: HeaderList;
}

/** A smaller body is not compressed: it fits into one packet anyway. */
const MIN_COMPRESSED_BYTES = 1024;
/** The default, 11, takes 20 times as long and saves only a few percent. */
const BROTLI_QUALITY = 5;

/** A JSON body with strong ETags. Each encoding has its own ETag, because its bytes differ. */
export class Answer {
  /** Upper limit for the size of all variants together. */
  readonly bytes: number;
  readonly #hash: string;
  readonly #canCompress: boolean;
  readonly #variants = new Map<Encoding, Variant>();

  /** @param isKept whether the answer serves many requests, so that it is worth compressing */
  constructor(body: object, isKept: boolean) {
    const json = Buffer.from(JSON.stringify(body));
    this.#hash = createHash('sha1').update(json).digest('base64url');
    this.#canCompress = isKept && json.length >= MIN_COMPRESSED_BYTES;
    this.bytes = json.length * (this.#canCompress ? 1 + ENCODINGS.length : 1);
    this.#variants.set('identity', this.#variant('identity', json));
  }

  /** The variant in this encoding; compressed at its first use. */
  variant(encoding: Encoding): Variant {
    const found = this.#variants.get(this.#canCompress ? encoding : 'identity');
    if (found !== undefined) return found;
    const compressed = this.#variant(encoding, compress[encoding](bytesOf(this.variant('identity'))));
    this.#variants.set(encoding, compressed);
    return compressed;
  }

  /** The ETag of any variant that the client already has, for a 304: all variants have the same content. */
  etagHeldBy(headers: IncomingHttpHeaders, preferred: string, lastModified: string | undefined) {
    const held = {
      'if-none-match': headers['if-none-match'],
      'if-modified-since': headers['if-modified-since'],
      // fetch adds no-cache to each request with If-None-Match. It only asks for validation, and a 304 is one.
      'cache-control': headers['if-none-match'] === undefined ? headers['cache-control'] : undefined,
    };
    const etags = [preferred, ...(['identity', ...ENCODINGS] as const).map((each) => this.#etag(each))];
    return etags.find((etag) => fresh(held, { etag, 'last-modified': lastModified }));
  }

  #etag(encoding: Encoding): string {
    return encoding === 'identity' ? `"${this.#hash}"` : `"${this.#hash}-${encoding}"`;
  }

  #variant(encoding: Encoding, bytes: Buffer): Variant {
    const etag = this.#etag(encoding);
    const headers = [
      'Content-Type',
      'application/json; charset=utf-8',
      'Content-Length',
      String(bytes.length),
      ...(encoding === 'identity' ? [] : ['Content-Encoding', encoding]),
      'ETag',
      etag,
    ];
    return { etag, body: bytes.toString('latin1'), headers };
  }
}

const bytesOf = ({ body }: Variant): Buffer => Buffer.from(body, 'latin1');

const compress: Readonly<Record<Encoding, (body: Buffer) => Buffer>> = {
  identity: (body) => body,
  gzip: (body) => gzipSync(body),
  br: (body) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
};

/** Sends an answer, or 304 when the client has it. @param head the headers that do not depend on the encoding */
export function sendAnswer(
  request: Request,
  response: Response,
  answer: Answer,
  head: HeaderList,
  lastModified?: string,
): void {
  const { headers } = request;
  const variant = answer.variant(acceptedEncoding(request));
  const held =
    headers['if-none-match'] === undefined && headers['if-modified-since'] === undefined
      ? undefined
      : answer.etagHeldBy(headers, variant.etag, lastModified);
  if (held === undefined) {
    response.writeHead(200, [...variant.headers, ...head]);
    response.end(variant.body, 'latin1'); // Node leaves it out for HEAD
  } else {
    response.writeHead(304, ['ETag', held, ...head]);
    response.end();
  }
}

/** Clients send few different values of Accept-Encoding, and each takes some microseconds to parse. */
const accepted = new LRUCache<string, Encoding>({ max: 100 });

function acceptedEncoding(request: Request): Encoding {
  const header = request.headers['accept-encoding'];
  if (header === undefined) return 'identity';
  const known = accepted.get(String(header));
  if (known !== undefined) return known;
  const chosen = (request.acceptsEncodings(...ENCODINGS, 'identity') || 'identity') as Encoding;
  accepted.set(String(header), chosen);
  return chosen;
}
