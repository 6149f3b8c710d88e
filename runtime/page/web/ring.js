/** The overlay as this node sees it: a circle of identifiers, clockwise, with the nodes that it knows. */
import { html } from "./html.js";
import { changed, labelOf, partOf, programsOf, state } from "./state.js";
import { clockOf, grouped, millisOf, short, spanOf, words } from "./text.js";

const SIZE = 640;
const MIDDLE = SIZE / 2;
const RADIUS = 240;
/** Look-ups listed, the newest. */
const SHOWN_MAX = 12;
/** @typedef {{ nodeId: string, distance: number, place: number, address: string | null }} SeenNode */

/** @param {number} place 0 to 1, clockwise from the top @param {number} [radius] */
const pointAt = (place, radius = RADIUS) => {
  const angle = 2 * Math.PI * place;
  return { x: MIDDLE + radius * Math.sin(angle), y: MIDDLE - radius * Math.cos(angle) };
};

/** What it is to this node, the nearest relation first. @param {any} ring */
const rolesOf = (ring) => {
  /** @type {Map<string, SeenNode & { roles: Array<string> }>} */
  const nodes = new Map();
  for (const [role, seen] of [
    ["successor", ring.successors],
    ["predecessor", ring.predecessors],
    ["finger", ring.fingers],
    ["link", ring.links],
  ])
    for (const node of /** @type {ReadonlyArray<SeenNode>} */ (seen)) {
      const known = nodes.get(node.nodeId) ?? { ...node, roles: [] };
      known.roles.push(role);
      nodes.set(node.nodeId, known);
    }
  return [...nodes.values()].sort((a, b) => a.distance - b.distance);
};

/**
 * A look-up's way: to the neighbour that was given it, on to the node that is responsible, and back by the one that brought the
 * answer. What lies between is known to nobody here: it is dotted. @param {any} ring @param {any} lookUp @param {ReadonlyArray<SeenNode>} nodes
 */
const wayOf = (ring, lookUp, nodes) => {
  const placeOf = (/** @type {string | null} */ nodeId) =>
    nodeId === ring.nodeId ? ring.place : nodes.find((node) => node.nodeId === nodeId)?.place;
  const sought = pointAt(lookUp.place, RADIUS);
  const end = lookUp.responsiblePlace ?? lookUp.place;
  const first = placeOf(lookUp.firstHop) ?? (lookUp.firstHop === null ? ring.place : end);
  const last = placeOf(lookUp.lastHop);
  const failed = lookUp.outcome === "answer" ? "" : " failed";
  const bow = (/** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ pull) => {
    const [a, b] = [pointAt(from), pointAt(to)];
    const middle = {
      x: (a.x + b.x) / 2 + (MIDDLE - (a.x + b.x) / 2) * pull,
      y: (a.y + b.y) / 2 + (MIDDLE - (a.y + b.y) / 2) * pull,
    };
    return `M ${a.x} ${a.y} Q ${middle.x} ${middle.y} ${b.x} ${b.y}`;
  };
  return html`<g aria-hidden="true">
    ${first !== ring.place && html`<path class=${`hop${failed}`} d=${bow(ring.place, first, 0.35)} />`}
    ${first !== end && html`<path class=${`hop unseen${failed}`} d=${bow(first, end, 0.35)} />`}
    ${last !== undefined && last !== first && html`<path class="hop back" d=${bow(last, ring.place, 0.6)} />`}
    <circle class="sought" cx=${sought.x} cy=${sought.y} r="6" />
  </g>`;
};

/** What is drawn, in a sentence. @param {any} ring @param {any} lookUp */
const waySaid = (ring, lookUp) => {
  const name = (/** @type {string | null} */ nodeId) =>
    nodeId === null ? "nobody" : nodeId === ring.nodeId ? "this node" : short(nodeId);
  const sought = `${(100 * lookUp.place).toFixed(1)} % of the way round`;
  if (lookUp.outcome !== "answer") return `${sought}: handed to ${name(lookUp.firstHop)}; ${words(lookUp.outcome)}`;
  if (lookUp.hops === 0) return `${sought}: this node is responsible itself`;
  const by = lookUp.lastHop === lookUp.firstHop ? "and back by the same" : `back by ${name(lookUp.lastHop)}`;
  const straight =
    lookUp.firstHop === lookUp.responsible
      ? "which is responsible"
      : `on to ${name(lookUp.responsible)}, which is responsible`;
  return `${sought}: handed to ${name(lookUp.firstHop)}, ${straight}, ${by}; ${lookUp.hops} ${lookUp.hops === 1 ? "link" : "links"}, ${millisOf(lookUp.milliseconds)}`;
};

/** @param {any} ring @param {ReadonlyArray<SeenNode & { roles: Array<string> }>} nodes @param {any} lookUp */
const picture = (ring, nodes, lookUp) => {
  const own = pointAt(ring.place);
  const label = pointAt(ring.place, RADIUS + 22);
  const anchor = Math.abs(label.x - MIDDLE) < 60 ? "middle" : label.x > MIDDLE ? "start" : "end";
  return html`<svg class="ring" viewBox=${`-40 0 ${SIZE + 80} ${SIZE}`} role="img" aria-label=${`The ring of ${ring.overlay}: this node and ${nodes.length} others that it knows. The table below has the same.`}>
    <circle class="circle" cx=${MIDDLE} cy=${MIDDLE} r=${RADIUS} />
    ${nodes
      .filter(({ address }) => address !== null)
      .map((node) => {
        const { x, y } = pointAt(node.place);
        const kind =
          node.roles.includes("finger") && !node.roles.includes("successor") && !node.roles.includes("predecessor");
        return html`<path key=${`l${node.nodeId}`} class=${kind ? "chord finger" : "chord"} d=${`M ${own.x} ${own.y} Q ${MIDDLE} ${MIDDLE} ${x} ${y}`} />`;
      })}
    ${nodes.map((node) => {
      const { x, y } = pointAt(node.place);
      return html`<circle key=${node.nodeId} class=${`node ${node.roles[0]}`} cx=${x} cy=${y} r="7"><title>${node.nodeId}: ${node.roles.join(", ")}</title></circle>`;
    })}
    ${lookUp !== undefined && wayOf(ring, lookUp, nodes)}
    <circle class="node own" cx=${own.x} cy=${own.y} r="11" />
    <text class="label" x=${label.x} y=${label.y} text-anchor=${anchor} dominant-baseline="middle">this node</text>
    <text class="middle" x=${MIDDLE} y=${MIDDLE - 10} text-anchor="middle">${grouped(ring.nodesEstimated)}</text>
    <text class="under" x=${MIDDLE} y=${MIDDLE + 24} text-anchor="middle">${ring.nodesEstimated === 1 ? "node" : "nodes"}</text>
  </svg>`;
};

const oneRing = (/** @type {string} */ name) => {
  const ring = partOf(name, "ring");
  if (ring === null)
    return html`<section key=${name}><p class="empty">This node has no place in its overlay yet, or does not answer.</p></section>`;
  const nodes = rolesOf(ring);
  /** @type {ReadonlyArray<any>} The newest first. */
  const lookUps = (ring.lookUps ?? []).toReversed();
  const lookUp = lookUps.find((one) => keyOf(one) === state.asked.lookUp) ?? lookUps[0];
  return html`<section key=${name} aria-label=${ring.overlay}>
    <p class="lead"><strong>${ring.overlay}</strong>, ${ring.state}, for ${spanOf(ring.upSeconds)}; this node answers for ${(100 * ring.share).toFixed(1)} % of the ring, and is reached at ${ring.address}.</p>
    <div class="beside">
      ${picture(ring, nodes, lookUp)}
      <div>
        <dl>
          <div><dt>Node-ID</dt><dd class="hex">${ring.nodeId}</dd></div>
          <div><dt>configuration</dt><dd>${ring.configurationSequence}</dd></div>
          <div><dt>stored here</dt><dd>${grouped(ring.stored.primaries)} own, ${grouped(ring.stored.replicas)} copies</dd></div>
          <div><dt>quota</dt><dd>${grouped(ring.quota.used)} of ${grouped(ring.quota.limit)}</dd></div>
          <div><dt>certificate until</dt><dd>${ring.certificateExpires.slice(0, 10)}</dd></div>
        </dl>
        <h2>Look-ups, newest first</h2>
        ${lookUps.length === 0 && html`<p class="empty">None yet. The way of each is drawn in the ring.</p>`}
        <ul class="choices one">${lookUps.slice(0, SHOWN_MAX).map(
          (
            one,
          ) => html`<li key=${keyOf(one)}><button aria-pressed=${one === lookUp ? "true" : "false"} onClick=${() => show(one)}>
            <span class="time">${clockOf(Date.parse(one.at))}</span> ${waySaid(ring, one)}
          </button></li>`,
        )}</ul>
        <p class="quiet">The circle stands where the number's Resource-ID is, in thousandths of the ring. A look-up is drawn as far as this node sees it: the neighbour that was given it, the node that signed the answer, and the neighbour that brought it; between them dotted.</p>
      </div>
    </div>
    <div class="scroll" tabindex="0" role="region" aria-label=${`Nodes that ${name} knows`}><table>
      <caption>Nodes that this one knows, clockwise from it</caption>
      <thead><tr><th scope="col">Node-ID</th><th scope="col">What it is here</th><th scope="col" class="figure">Distance</th><th scope="col">Link</th></tr></thead>
      <tbody>${nodes.map((node) => html`<tr key=${node.nodeId}><td class="hex">${short(node.nodeId)}</td><td>${node.roles.join(", ")}</td><td class="figure">${(100 * node.distance).toFixed(2)} %</td><td>${node.address ?? "none"}</td></tr>`)}</tbody>
    </table></div>
  </section>`;
};

const keyOf = (/** @type {any} */ { at, place, milliseconds }) => `${at} ${place} ${milliseconds}`;
const show = (/** @type {any} */ lookUp) => {
  state.asked.lookUp = keyOf(lookUp);
  changed();
};

const chosen = (/** @type {any} */ event) => {
  state.asked.ringOf = event.target.value;
  changed();
};

export const ringView = () => {
  const servers = programsOf("server");
  const shown = servers.find(({ name }) => name === state.asked.ringOf) ?? servers[0];
  return html`
    ${
      servers.length > 1 &&
      html`<label class="search">As seen by <select onChange=${chosen}>${servers.map(({ name }) => html`<option key=${name} value=${name} selected=${name === shown?.name}>${labelOf(name)}</option>`)}</select></label>`
    }
    ${shown !== undefined && oneRing(shown.name)}`;
};
