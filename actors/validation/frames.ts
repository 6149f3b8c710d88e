/** Documents of the exchange, one to a frame, over a protected stream. docs/protocol/pvp.md#the-exchange. */
import { Effect } from "effect";
import { FRAME_BYTES_MAX, PvpFrame } from "../../codecs/validation/mod.ts";
import { cut, emptyRemainder, encode, wireErrorText } from "../../codecs/wire/mod.ts";
import { Captured } from "../capture/mod.ts";
import { type ByteStreamShape, StreamClosed } from "../ports/mod.ts";

/** The one document that the peer sends. */
export const readDocument = (stream: ByteStreamShape): Effect.Effect<Uint8Array, StreamClosed> =>
  Effect.gen(function* () {
    let remainder = emptyRemainder;
    while (true) {
      const { messages, rest, error } = cut(PvpFrame, remainder, yield* stream.read, FRAME_BYTES_MAX);
      if (messages[0] !== undefined) {
        yield* capture(stream, false, messages[0].document);
        return messages[0].document;
      }
      if (error !== undefined) return yield* new StreamClosed({ reason: "malformed", why: wireErrorText(error) });
      remainder = rest;
    }
  });

export const writeDocument = (stream: ByteStreamShape, document: Uint8Array): Effect.Effect<void, StreamClosed> =>
  Effect.andThen(capture(stream, true, document), stream.write(encode(PvpFrame, { document })));

const capture = ({ peer }: ByteStreamShape, isSent: boolean, document: Uint8Array): Effect.Effect<void> =>
  Effect.map(Effect.service(Captured), (captures) => {
    if (!captures.isOn) return;
    const bytes = encode(PvpFrame, { document });
    captures.saw({ protocol: "pvp", isSent, transport: "tcp", own: undefined, peer, bytes });
  });
