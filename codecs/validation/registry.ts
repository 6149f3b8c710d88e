/** The assigned values of PVP. docs/protocol/pvp.md#user-name. */

/** Bits of the SRP groups that a terminator may choose: the first by default, 3072 and 4096 by configuration. */
export const PVP_GROUPS = [2048, 3072, 4096] as const;
/** Bits of the prime, one of PVP_GROUPS. */
export type PvpGroupBits = (typeof PVP_GROUPS)[number];
