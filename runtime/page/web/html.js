/** Elements from templates: preact and htm, as the admin port serves them. */
import htm from "/page/htm.mjs";
import { h, render } from "/page/preact.mjs";

export const html = htm.bind(h);
export { render };
