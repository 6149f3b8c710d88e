/** Orders to the programs: with the token of the program that serves the page, which stands in its admin.json. */
import { changed, state, tokenHeader } from "./state.js";

const TOKEN = "vipr.token";

/** From the address that `vipr page` prints, or from before in this tab. */
export const takeToken = () => {
  const given = /^#token=([\w-]+)$/.exec(location.hash)?.[1];
  if (given !== undefined) {
    sessionStorage.setItem(TOKEN, given);
    history.replaceState(null, "", "#overview");
  }
  state.token = sessionStorage.getItem(TOKEN) ?? "";
};

/** @param {string} token */
export const setToken = (token) => {
  sessionStorage.setItem(TOKEN, token);
  state.token = token;
  changed();
};

/** What anyone on this machine may read. @param {string} path @returns {Promise<{ ok: boolean, answer: any }>} */
export const read = async (path) => {
  try {
    const response = await fetch(path, { headers: tokenHeader() });
    return { ok: response.ok, answer: await response.json() };
  } catch {
    return { ok: false, answer: { error: "The program does not answer." } };
  }
};

/**
 * @param {string} program @param {string} order @param {Record<string, unknown>} body
 * @returns {Promise<{ ok: boolean, answer: any }>} `answer.error` says why not.
 */
export const ask = async (program, order, body) => {
  try {
    const response = await fetch(`/programs/${program}/${order}`, {
      method: "POST",
      headers: { ...tokenHeader(), "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (response.status === 401) return { ok: false, answer: { error: "This token is not the one of this program." } };
    return { ok: response.ok, answer };
  } catch {
    return { ok: false, answer: { error: "The program does not answer." } };
  }
};
