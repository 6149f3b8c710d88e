/** Call records of exchanges, from files to the outbox. */
export {};
