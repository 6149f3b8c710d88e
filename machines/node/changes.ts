/**
 * What the owner of a node tells it beside messages: values from disk, its way into the ring and out of it, another
 * configuration. RFC 6940 §10, §11.1.
 */
import type { Core } from "./core.ts";
import { close } from "./link-frames.ts";
import { placePeer, startPeer, tellPeer } from "./peer.ts";
import { repeatAll } from "./sequence.ts";
import { stored, tellStorage } from "./storage.ts";
import type { NodeEvent } from "./types.ts";

type Change = Extract<
  NodeEvent,
  { readonly type: "restored" | "stored" | "join" | "placed" | "leave" | "published" | "capture" | "configured" }
>;

export const changed = (core: Core, event: Change): void => {
  switch (event.type) {
    case "restored":
      tellStorage(core, { ...event, atMs: core.nowMs });
      return;
    case "stored":
      stored(core, event.isStored);
      return;
    case "join":
    case "placed":
      (event.type === "join" ? startPeer : placePeer)(core, event.settings);
      return;
    case "leave":
      tellPeer(core, event);
      return;
    case "published":
      core.isPublished = event.isThere;
      return;
    case "capture":
      core.isCaptured = event.isOn;
      return;
    case "configured": {
      const { overlay, roots, policy } = event;
      if (roots.length !== core.roots.length || roots.some((root, i) => root !== core.roots[i]))
        core.trust.cached.clear();
      core.overlay = overlay;
      core.roots = roots;
      // "the certificate with this Node-ID MUST NOT be considered valid", §11.1: no link of such a certificate stays open.
      for (const link of [...core.table.links.values()])
        if (link.names.some((name) => overlay.badNodes.includes(name))) close(core, link, "a bad node");
      const { kinds, quota, storesPerSecond, fetchesPerSecond, badNodes } = overlay;
      const rules = { kinds, quota, storesPerSecond, fetchesPerSecond, badNodes };
      core.work.push({ type: "storage", event: { type: "configured", policy: rules } });
      core.work.push({ type: "peer", event: { type: "configured", policy } });
      repeatAll(core);
    }
  }
};
