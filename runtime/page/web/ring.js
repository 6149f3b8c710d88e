/** The overlay as this node sees it: a circle of identifiers, clockwise, with the nodes that it knows. */
import { html } from "./html.js";
import { changed, labelOf, partOf, programsOf, state } from "./state.js";
import { grouped, short, spanOf } from "./text.js";

const SIZE = 640;
const MIDDLE = SIZE / 2;
const RADIUS = 240;
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

/** @param {any} ring @param {ReadonlyArray<SeenNode & { roles: Array<string> }>} nodes */
const picture = (ring, nodes) => {
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
  return html`<section key=${name} aria-label=${ring.overlay}>
    <p class="lead"><strong>${ring.overlay}</strong>, ${ring.state}, for ${spanOf(ring.upSeconds)}; this node answers for ${(100 * ring.share).toFixed(1)} % of the ring, and is reached at ${ring.address}.</p>
    <div class="beside">
      ${picture(ring, nodes)}
      <div>
        <dl>
          <div><dt>Node-ID</dt><dd class="hex">${ring.nodeId}</dd></div>
          <div><dt>configuration</dt><dd>${ring.configurationSequence}</dd></div>
          <div><dt>stored here</dt><dd>${grouped(ring.stored.primaries)} own, ${grouped(ring.stored.replicas)} copies</dd></div>
          <div><dt>quota</dt><dd>${grouped(ring.quota.used)} of ${grouped(ring.quota.limit)}</dd></div>
          <div><dt>certificate until</dt><dd>${ring.certificateExpires.slice(0, 10)}</dd></div>
        </dl>
        <h2>Look-ups, newest first</h2>
        <ul class="plain">
          ${state.happenings
            .filter((one) => one.program === name && (one.type === "lookedUp" || one.type === "lookUpFailed"))
            .slice(-6)
            .toReversed()
            .map((one) => html`<li key=${one.n}><span class="number">${one.number}</span> ${one.text}</li>`)}
        </ul>
      </div>
    </div>
    <div class="scroll" tabindex="0" role="region" aria-label=${`Nodes that ${name} knows`}><table>
      <caption>Nodes that this one knows, clockwise from it</caption>
      <thead><tr><th scope="col">Node-ID</th><th scope="col">What it is here</th><th scope="col" class="figure">Distance</th><th scope="col">Link</th></tr></thead>
      <tbody>${nodes.map((node) => html`<tr key=${node.nodeId}><td class="hex">${short(node.nodeId)}</td><td>${node.roles.join(", ")}</td><td class="figure">${(100 * node.distance).toFixed(2)} %</td><td>${node.address ?? "none"}</td></tr>`)}</tbody>
    </table></div>
  </section>`;
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
