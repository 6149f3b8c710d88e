/** The `vipr.toml` of the tests of `vipr agent`: a company with ten numbers and one trunk, on loopback addresses. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export const [PBX_HOST, TRUNK_HOST, HOST] = ["127.0.0.2", "127.0.0.3", "127.0.0.1"] as const;
export const PASSWORD = "a password";

/** The ports of the ViPR server, the agent, the PBX and the trunk; port 0 of the agent takes a free one. */
export interface AgentPorts {
  readonly server: number;
  readonly agent: number;
  readonly pbx: number;
  readonly trunk: number;
}

/** The file's path. `more`: further lines of `[agent]`, and tables behind it. */
export const writeAgentConfig = (folder: string, ports: AgentPorts, more = ""): string => {
  const file = join(folder, "vipr.toml");
  writeFileSync(join(folder, "password"), `${PASSWORD}\n`, { mode: 0o600 });
  writeFileSync(
    file,
    `domain = "acme.example"
[vap]
primary = "${HOST}:${ports.server}"
user = "pbx"
password-file = "${join(folder, "password")}"
tls = false
overlay = "overlay.example"
[numbers]
country = "US"
own = ["+14085550200..+14085550209"]
[[trunk]]
name = "one"
host = "${TRUNK_HOST}"
port = ${ports.trunk}
[agent]
listen = ["udp:${HOST}:${ports.agent}"]
pbx = ["udp:${PBX_HOST}:${ports.pbx}"]
data = "${join(folder, "data")}"
${more}`,
  );
  return file;
};
