/** A decoder with a fault behind six bytes, one compared after the other: by chance alone one input in 2^48 comes there. */
export const toy = (bytes: Uint8Array): void => {
  if (bytes[0] === 0x56)
    if (bytes[1] === 0x69)
      if (bytes[2] === 0x50)
        if (bytes[3] === 0x52)
          if (bytes[4] === 0x00) if (bytes[5] === 0xff) throw new Error("the fault that was planted");
};

/** It takes time that grows with the square of its input. */
export const slow = (bytes: Uint8Array): number => {
  let sum = 0;
  for (const one of bytes) for (const other of bytes) sum += one === other ? 1 : 0;
  return sum;
};
