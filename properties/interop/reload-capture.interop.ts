/** tshark's dissector of RELOAD reads what a capture of an overlay's node holds. RFC 6940. */
import { ok, deepStrictEqual as same } from "node:assert";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import { Captured, openCaptures } from "../../actors/capture/mod.ts";
import { claimsOf, publishNumber } from "../../actors/reload/mod.ts";
import { captureBegin, captureInterface, capturePacket, exportedPdu } from "../../codecs/capture/mod.ts";
import { applicationId, codeOf, messageCode, Packet } from "../../codecs/reload/mod.ts";
import { bytesOfBase64, concat, e164, vserviceId } from "../../codecs/shared/mod.ts";
import { decode } from "../../codecs/wire/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { withFolder } from "../cli/processes.ts";
import { overlayOf } from "../reload/ring-of-nodes.ts";
import type { InteropCheck } from "./run.ts";

/** A node that joins while it is captured, stores and looks up, and asks for an application's address. */
const overlayCapture = Effect.gen(function* () {
  const overlay = yield* overlayOf(3, {}, { applications: { [applicationId.pvp]: { host: "127.0.0.1", port: 5621 } } });
  yield* overlay.join();
  const captures = yield* openCaptures;
  const seen = yield* captures.open({ protocols: ["reload"], wholeNumbers: false });
  const node = yield* Effect.provideService(overlay.join(), Captured, captures);
  for (let i = 0; i < 4; i++) {
    yield* publishNumber(node, e164(`+1408555${1_000 + i}`), vserviceId(1n), 3_600);
    yield* claimsOf(node, e164(`+1408555${1_000 + i}`));
  }
  yield* node.appAttach(overlay.members[0]!.nodeId, applicationId.pvp);
  const packets: Array<Uint8Array> = [];
  /** The last that the node heard. */
  let isWhole = false;
  while (!isWhole) {
    for (const line of yield* seen) {
      ok("message" in line, "messages were left out");
      const { from, to, transport, atMs, message } = line;
      const bytes = bytesOfBase64(message)!;
      packets.push(capturePacket(0, atMs, exportedPdu({ dissector: "reload", from, to, transport, message: bytes })));
      const packet = decode(Packet, bytes);
      isWhole ||= packet.ok && codeOf(packet.value.payload) === messageCode.appAttachAns;
    }
  }
  return concat(captureBegin("vipr"), captureInterface("node"), ...packets);
});

export const checks: ReadonlyArray<InteropCheck> = [
  {
    name: "tshark reads RELOAD in what a node's capture holds",
    needs: ["tshark"],
    run: () =>
      withFolder(async (folder) => {
        const file = join(folder, "node.pcapng");
        const world = memoryLayer({ seed: 11 });
        writeFileSync(file, await runVirtual(Effect.provide(Effect.scoped(overlayCapture), world)));
        const tshark = (...words: ReadonlyArray<string>): string => {
          const { status, stdout, stderr } = spawnSync("tshark", ["-r", file, ...words], { encoding: "utf8" });
          same(status, 0, stderr);
          return stdout;
        };
        const codes = new Set(
          tshark("-T", "fields", "-e", "reload.message.code")
            .split(/[\s,]+/)
            .filter((word) => word !== "")
            .map(Number),
        );
        const wanted = ["attachReq", "attachAns", "joinReq", "joinAns", "updateReq", "updateAns"] as const;
        const asked = ["storeReq", "storeAns", "fetchReq", "fetchAns", "appAttachReq", "appAttachAns"] as const;
        for (const name of [...wanted, ...asked]) ok(codes.has(messageCode[name]), `${name} in ${[...codes]}`);
        same(tshark("-Y", "_ws.malformed"), "");
      }),
  },
];
