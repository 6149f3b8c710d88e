/**
 * The proxy of the package `sip` as the peer: stateful, record-routing, over UDP.
 *
 *   node properties/bench/agent/sip.cjs PORT UAC_PORT UAS_PORT
 */
const sip = require("sip");
const proxy = require("sip/proxy");

const [port, , uas] = process.argv.slice(2);
// What names its host it takes for itself, and asks for a token there: it goes by another name than the called side.
const HOST = "127.0.0.1";
const OWN = `<sip:${HOST}:${port};lr>`;
proxy.start({ address: HOST, publicAddress: "localhost", port: Number(port), udp: true, tcp: false }, (request) => {
  const { headers } = request;
  headers["max-forwards"] = Number(headers["max-forwards"] ?? 70) - 1;
  if (request.method === "INVITE" && !headers.to.params.tag) {
    proxy.send(sip.makeResponse(request, 100, "Trying"));
    headers["record-route"] = [{ uri: OWN.slice(1, -1), params: {} }].concat(headers["record-route"] ?? []);
    headers.route = [{ uri: `sip:${HOST}:${uas};lr`, params: {} }];
  } else headers.route?.shift();
  proxy.send(request);
});
