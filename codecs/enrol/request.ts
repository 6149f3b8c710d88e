/**
 * The form that a node posts to enrol: its certificate request, user name, password, number of Node-IDs. RFC 6940
 * §11.3.
 */
import { utf8 } from "../shared/mod.ts";
import { badForm, type FormPart, type FormRead, readForm, writeForm } from "./form.ts";
import { mediaType } from "./registry.ts";

/** What a node asks for. `nodeIds`: how many, from 1 on. */
export interface EnrolmentRequest {
  /** PKCS#10 in DER. */
  readonly csr: Uint8Array;
  /** "UTF-8 strings compared as binary objects"; empty when the form has none. */
  readonly user: string;
  readonly password: string;
  readonly nodeIds: number;
}

/** The greatest `nodeids` that a form may have; how many are granted is the server's policy. */
export const NODE_IDS_ASKED_MAX = 9_999;
const NAME_BYTES_MAX = 513; // RFC 5389's limit for a user name; a password may be as long

/** The body of the form. The boundary is drawn at random; throws for one that RFC 2046 §5.1.1 does not allow. */
export const writeEnrolment = ({ csr, user, password, nodeIds }: EnrolmentRequest, boundary: string): Uint8Array =>
  writeForm(
    [
      { name: "csr", contentType: mediaType.csr, body: csr },
      { name: "username", body: utf8(user) },
      { name: "password", body: utf8(password) },
      // "If more than one Node-ID is required, there MUST be a form parameter of "nodeids"".
      ...(nodeIds > 1 ? [{ name: "nodeids", body: utf8(String(nodeIds)) }] : []),
    ],
    boundary,
  );

/** Unknown fields are ignored. An error at `csr` means a bad CSR; any other a bad form. */
export const readEnrolment = (contentType: string, body: Uint8Array): FormRead<EnrolmentRequest> => {
  const form = readForm(contentType, body);
  if (!form.ok) return form;
  const fields = new Map<string, FormPart>();
  for (const part of form.value) {
    if (fields.has(part.name)) return badForm(part.name, "twice");
    fields.set(part.name, part);
  }
  const csr = fields.get("csr");
  if (csr === undefined) return badForm("csr", "missing");
  if (csr.contentType !== mediaType.csr) return badForm("csr", `not ${mediaType.csr}`);
  const user = textOf(fields.get("username"));
  if (user === undefined) return badForm("username", "not a short UTF-8 text");
  const password = textOf(fields.get("password"));
  if (password === undefined) return badForm("password", "not a short UTF-8 text");
  const count = textOf(fields.get("nodeids")) || "1";
  if (!/^[1-9][0-9]{0,3}$/.test(count)) return badForm("nodeids", `not a number from 1 to ${NODE_IDS_ASKED_MAX}`);
  return { ok: true, value: { csr: csr.body, user, password, nodeIds: Number(count) } };
};

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const textOf = (part: FormPart | undefined): string | undefined => {
  if (part === undefined) return "";
  if (part.body.length > NAME_BYTES_MAX) return undefined;
  try {
    return decoder.decode(part.body);
  } catch {
    return undefined;
  }
};
