/** A request that follows another on its stream. */

/** Sound: whatever came before it in a frame of its own, it is read. */
export const NEXT_URI = "sip:next@next.example";
export const NEXT = new TextEncoder().encode(
  [
    `OPTIONS ${NEXT_URI} SIP/2.0`,
    "Via: SIP/2.0/TCP next.example;branch=z9hG4bKnext",
    "From: <sip:a@next.example>;tag=1",
    "To: <sip:b@next.example>",
    "Call-ID: next",
    "CSeq: 1 OPTIONS",
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n"),
);
