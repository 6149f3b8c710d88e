/** The token, where a view needs it and the page has none. */
import { setToken } from "./ask.js";
import { html } from "./html.js";
import { state } from "./state.js";

const given = (/** @type {Event} */ event) => {
  event.preventDefault();
  setToken(String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get("token")).trim());
};

/** @param {boolean} [isAll] Nothing at all is shown without it. */
export const tokenForm = (isAll = false) =>
  state.token !== "" && !isAll
    ? html`<p class="quiet">The token is kept until this tab is closed. <button class="link" onClick=${() => setToken("")}>Forget it</button></p>`
    : html`<form onSubmit=${given} class="ask notice">
        <p>${isAll ? "This page wants" : "Orders and whole numbers want"} the token of this program: <code>vipr page</code> prints an address that has it, and <code>admin.json</code> in its directory.</p>
        <label>Token <input name="token" type="password" autocomplete="off" required /></label>
        <button>Use it</button>
      </form>`;
