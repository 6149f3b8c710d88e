/**
 * The VAP message as a schema of Protocol Buffers: each attribute a field of its own, as one would write it there. That
 * is less than VAP says (no order, no unknown attribute, none twice) and the quickest that protobufjs does. 64-bit times and identities are `fixed64`, which protobufjs gives as Long.
 */
import Long from "long";
import protobuf from "protobufjs";
import type { VapMessage } from "../../../codecs/vap/mod.ts";

const schema = `
syntax = "proto3";
enum Method { none = 0; register = 1; unregister = 2; publish = 4; unpublish = 5; publishRevoke = 6; subscribe = 7;
  unsubscribe = 8; notify = 10; uploadVcr = 11; }
enum Class { request = 0; success = 2; error = 3; }
enum Direction { received = 0; sent = 1; }
message ServiceIdentity { uint32 service = 1; uint32 subservice = 2; fixed64 vservice = 3; fixed64 instance = 4; }
message ErrorCode { uint32 class = 1; uint32 number = 2; string reason = 3; }
message VapMessage {
  Method method = 1; Class class = 2; bytes transactionId = 3; string username = 4; string realm = 5;
  uint32 clientHandle = 6; Direction callDirection = 7; fixed64 startTime = 8; fixed64 stopTime = 9;
  string callingNumber = 10; string calledNumber = 11; ServiceIdentity serviceIdentity = 12;
  bytes messageIntegrity = 13; string clientName = 14; string clientLabel = 15; uint32 keepalive = 16;
  bytes serviceContent = 17; ErrorCode errorCode = 18; uint32 serviceVersion = 19; uint32 subscriptionId = 20;
}
`;
const root = protobuf.parse(schema, { keepCase: true }).root;
export const ProtobufVap = root.lookupType("VapMessage");

const long = (value: bigint): Long => Long.fromString(value.toString(), true);

/** The same message as protobufjs wants it. */
export const protobufOf = ({ type, transactionId, attributes }: VapMessage): protobuf.Message => {
  const fields = attributes.map(({ type, value }) => {
    if (typeof value === "bigint") return [type, long(value)];
    if (type === "callDirection") return [type, value === "sent" ? 1 : 0];
    if (type !== "serviceIdentity") return [type, value];
    return [type, { ...value, vservice: long(value.vservice), instance: long(value.instance) }];
  });
  const [method, kind] = [root.lookupEnum("Method").values, root.lookupEnum("Class").values];
  return ProtobufVap.fromObject({
    method: method[type.method],
    class: kind[type.class],
    transactionId,
    ...Object.fromEntries(fields),
  });
};
