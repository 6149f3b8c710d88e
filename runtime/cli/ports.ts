/**
 * Where things listen unless told otherwise. docs/protocol.md#ports; RELOAD's own is the default of RFC 6940 §11.1.
 * Requirements: RFC 3261 §18.2.1; ViPR overview §6.1.
 */
export const RELOAD_PORT = 6_084;
export const VAP_PORT = 5_620;
export const PVP_PORT = 5_621;
export const ENROLMENT_PORT = 8_443;
export const ADMIN_PORT = 8_080;
