/**
 * The proxy of the package `sip` as the peer: stateful, record-routing, over UDP; each call's record written to SQLite, those of
 * 25 ms in one commit, as ours does.
 *
 *   node properties/bench/agent/sip.cjs PORT UAC_PORT UAS_PORT FOLDER
 */
const { join } = require("node:path");
const { DatabaseSync } = require("node:sqlite");
const sip = require("sip");
const proxy = require("sip/proxy");

const [port, , uas, folder] = process.argv.slice(2);
const GATHER_MS = 25;

const db = new DatabaseSync(join(folder, "calls.sqlite"));
db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE records (id TEXT PRIMARY KEY, value TEXT)");
const put = db.prepare("INSERT OR REPLACE INTO records VALUES (?, ?)");
const begun = new Map();
let ended = [];
const write = () => {
  db.exec("BEGIN IMMEDIATE");
  for (const [id, value] of ended) put.run(id, value);
  db.exec("COMMIT");
  ended = [];
};
/** The call whose INVITE or BYE this is. */
const note = ({ method, uri, headers }) => {
  const id = headers["call-id"];
  if (method === "INVITE") return void begun.set(id, Date.now());
  if (method !== "BYE" || !begun.has(id)) return;
  if (ended.push([id, JSON.stringify([begun.get(id), Date.now(), headers.from.uri, uri])]) === 1) setTimeout(write, GATHER_MS);
  begun.delete(id);
};

// What names its host it takes for itself, and asks for a token there: it goes by another name than the called side.
const HOST = "127.0.0.1";
const OWN = `<sip:${HOST}:${port};lr>`;
proxy.start({ address: HOST, publicAddress: "localhost", port: Number(port), udp: true, tcp: false }, (request) => {
  const { headers } = request;
  note(request);
  headers["max-forwards"] = Number(headers["max-forwards"] ?? 70) - 1;
  if (request.method === "INVITE" && !headers.to.params.tag) {
    proxy.send(sip.makeResponse(request, 100, "Trying"));
    headers["record-route"] = [{ uri: OWN.slice(1, -1), params: {} }].concat(headers["record-route"] ?? []);
    headers.route = [{ uri: `sip:${HOST}:${uas};lr`, params: {} }];
  } else headers.route?.shift();
  proxy.send(request);
});
