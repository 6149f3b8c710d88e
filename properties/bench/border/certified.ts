/** An authority, and a certificate for each of the bench's two domains. RFC 5922. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "./processes.ts";

const openssl = (folder: string, ...words: ReadonlyArray<string>): void => {
  const { status, stderr } = spawnSync("openssl", words, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${words[0]}: ${stderr}`);
};
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
// biome-ignore format: an option and its value
const AUTHORITY = [
  "-x509", ...KEY, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=bench",
  "-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
];
const extensionsOf = (domain: string) =>
  `subjectAltName=URI:sip:${domain},DNS:${domain}\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=critical,CA:false\n`;

/** The folder with ca.pem and DOMAIN.pem, DOMAIN.key. */
export const certified = (...domains: ReadonlyArray<string>): string => {
  const folder = newFolder();
  openssl(folder, "req", ...AUTHORITY);
  for (const domain of domains) {
    writeFileSync(join(folder, `${domain}.ext`), extensionsOf(domain));
    const [key, request] = [`${domain}.key`, `${domain}.csr`];
    openssl(folder, "req", "-new", ...KEY, "-keyout", key, "-out", request, "-subj", `/CN=${domain}`);
    const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", `${domain}.ext`];
    openssl(folder, "x509", "-req", "-in", request, "-out", `${domain}.pem`, "-days", "20", ...by);
  }
  return folder;
};
