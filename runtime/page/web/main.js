/** The page of an admin port: its frame, and the view that the address names. */
import { takeToken } from "./ask.js";
import { callsView } from "./calls.js";
import { healthView } from "./health.js";
import { html, render } from "./html.js";
import { numbersView, routesView, waitingView } from "./listed.js";
import { overviewView } from "./overview.js";
import { proofsView } from "./proofs.js";
import { refusalsView } from "./refusals.js";
import { ringView } from "./ring.js";
import { changed, drawBy, follow, isCutOff, partOf, state } from "./state.js";
import { storyView } from "./story.js";
import { taleView } from "./tale.js";
import { tokenForm } from "./token.js";

/** @type {Record<string, { title: string, view: () => unknown, kinds: ReadonlyArray<string> }>} */
const VIEWS = {
  story: { title: "The story", view: taleView, kinds: ["story"] },
  overview: { title: "Overview", view: overviewView, kinds: ["server", "agent", "border"] },
  proofs: { title: "Validations", view: proofsView, kinds: ["server"] },
  waiting: { title: "Waiting", view: waitingView, kinds: ["server"] },
  number: { title: "A number", view: storyView, kinds: ["server"] },
  numbers: { title: "Own numbers", view: numbersView, kinds: ["server"] },
  routes: { title: "Routes", view: routesView, kinds: ["agent"] },
  calls: { title: "Calls", view: callsView, kinds: ["agent", "border"] },
  refusals: { title: "Refused", view: refusalsView, kinds: ["agent", "border", "server"] },
  ring: { title: "Overlay", view: ringView, kinds: ["server"] },
  health: { title: "Health", view: healthView, kinds: ["server", "agent", "border"] },
};
const THEMES = ["auto", "light", "dark"];
const THEME = "vipr.theme";

const shownViews = () =>
  Object.entries(VIEWS).filter(([, { kinds }]) =>
    state.programs.some(({ program, hasStory }) => kinds.includes(program) || (hasStory && kinds.includes("story"))),
  );

/** One word and a sign for the whole company. */
const verdict = () => {
  if (state.wantsToken) return { kind: "wait", text: "The token is wanted" };
  if (isCutOff()) return { kind: "lost", text: "No connection to the program" };
  if (state.programs.length === 0) return { kind: "wait", text: "Connecting" };
  const states = state.programs.map(({ name }) => ({ name, status: partOf(name, "status") }));
  if (states.some(({ status }) => status === null)) return { kind: "wait", text: "Looking" };
  const bad = states.filter(({ status }) => !status.ready);
  if (bad.length > 0) return { kind: "bad", text: `Not ready: ${bad.map(({ name }) => name).join(", ")}` };
  return { kind: "good", text: states.length === 1 ? "Ready" : `All ${states.length} programs are ready` };
};

const nextTheme = () => {
  state.theme = THEMES[(THEMES.indexOf(state.theme) + 1) % THEMES.length] ?? "auto";
  localStorage.setItem(THEME, state.theme);
  changed();
};

const frame = () => {
  document.documentElement.dataset.theme = state.theme;
  const { kind, text } = verdict();
  const chosen = VIEWS[state.view] ?? VIEWS.overview;
  document.title = `ViPR: ${chosen?.title}`;
  return html`
    <header>
      <div class="brand"><img src="/page/icon.svg" alt="" width="28" height="28" /><strong>ViPR</strong></div>
      <p class="verdict ${kind}" role="status"><span class="dot" aria-hidden="true"></span>${text}</p>
      <button class="theme" onClick=${nextTheme} aria-label=${`Colours: ${state.theme}. Change`}>Colours: ${state.theme}</button>
    </header>
    <nav aria-label="Views"><ul>
      ${shownViews().map(
        ([name, { title }]) => html`<li key=${name}>
          <a href=${`#${name}`} aria-current=${name === state.view ? "page" : undefined}>${title}</a>
        </li>`,
      )}
    </ul></nav>
    <main id="main" tabindex="-1" class=${isCutOff() ? "stale" : ""}>
      ${isCutOff() && html`<p class="notice bad" role="alert">The program has not been heard since ${new Date(state.link.sinceMs).toLocaleTimeString("en-GB")}. What is shown may be old; the page connects again by itself.</p>`}
      <h1>${chosen?.title}</h1>
      ${state.wantsToken ? [state.token !== "" && html`<p class="notice bad" role="alert">This token is not the one of this page: it is another one after each start.</p>`, tokenForm(true)] : chosen?.view()}
    </main>`;
};

const goTo = () => {
  const name = location.hash.slice(1);
  if (name === "main") return; // the skip link
  state.view = Object.hasOwn(VIEWS, name) ? name : "overview";
  changed();
};

state.theme = localStorage.getItem(THEME) ?? "auto";
takeToken();
goTo();
addEventListener("hashchange", goTo);
const app = /** @type {HTMLElement} */ (document.getElementById("app"));
app.replaceChildren();
drawBy(() => render(frame(), app));
changed();
follow();
