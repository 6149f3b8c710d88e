/** The ticket's field numbers. docs/protocol/ticket.md#layout. */
export const ticketField = {
  id: 0x0001,
  salt: 0x0002,
  validity: 0x0003,
  number: 0x0004,
  grantingNode: 0x0005,
  grantingDomain: 0x0006,
  grantedTo: 0x0007,
  epoch: 0x0008,
  vservice: 0x0009,
  integrity: 0x00ff,
} as const;
