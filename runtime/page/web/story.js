/** The story of one number: what happened, how far each claim has come, what is missing until a route. */
import { ask } from "./ask.js";
import { html } from "./html.js";
import { bar } from "./proofs.js";
import { changed, programsOf, state } from "./state.js";
import { momentOf } from "./text.js";
import { tokenForm } from "./token.js";

const asked = (/** @type {Event} */ event) => {
  event.preventDefault();
  const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
  const program = String(form.get("program") ?? programsOf("server")[0]?.name);
  const number = String(form.get("number"));
  state.asked.story = { number, isWaiting: true };
  changed();
  ask(program, "explain", { number }).then(({ ok, answer }) => {
    state.asked.story = ok ? { number, story: answer.story } : { number, error: answer.error };
    changed();
  });
};

const storyOf = (/** @type {any} */ story) => html`
  <section aria-labelledby="story">
    <h2 id="story">${story.number}</h2>
    <p class="lead">${story.missing}</p>
    <p>${story.sent} calls of ours to it, ${story.received} calls to it that we received${story.isPublished ? "; published here" : ""}.</p>
    ${story.waiting.map((/** @type {string} */ text) => html`<p key=${text}>${text}</p>`)}
    ${story.claims.length > 0 && html`<h3>Who claims it</h3>`}
    ${story.claims.map(
      (/** @type {any} */ claim, /** @type {number} */ i) => html`<article class="card" key=${i}>
        <p>${claim.lines[0]} ${bar(claim.bits, claim.bits + claim.missingBits)}</p>
        <ul class="plain">${claim.lines.slice(1).map((/** @type {string} */ line) => html`<li key=${line}>${line}</li>`)}</ul>
      </article>`,
    )}
    <h3>What happened</h3>
    ${story.forgotten > 0 && html`<p>${story.forgotten} older facts are no longer kept.</p>`}
    <ol class="timeline">
      ${story.facts.map(
        (/** @type {any} */ fact, /** @type {number} */ i) =>
          html`<li key=${i} class=${fact.type}><time>${momentOf(fact.atMs)}</time><span>${fact.text}</span></li>`,
      )}
    </ol>
  </section>`;

const answerOf = (/** @type {any} */ one) => {
  if (one === undefined) return "";
  if (one.isWaiting) return html`<p role="status">Asking</p>`;
  if (one.error !== undefined) return html`<p class="notice bad" role="alert">${one.error}</p>`;
  return one.story === null
    ? html`<p role="status">Nothing is known of ${one.number} here: no call of ours to it, and it is not ours.</p>`
    : storyOf(one.story);
};

export const storyView = () => {
  const servers = programsOf("server");
  return html`
    <p>Why there is a route to a number, or none. Numbers are whole here, so that it wants the token.</p>
    ${tokenForm()}
    <form onSubmit=${asked} class="ask">
      ${servers.length > 1 && html`<label>Company <select name="program">${servers.map(({ name }) => html`<option key=${name}>${name}</option>`)}</select></label>`}
      <label>Number <input name="number" type="tel" required autocomplete="off" placeholder="+49305550901" /></label>
      <button disabled=${state.token === ""}>Tell its story</button>
    </form>
    ${answerOf(state.asked.story)}`;
};
