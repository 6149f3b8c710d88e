/** One record as Asterisk writes it: texts in quotes, numbers without. For examples and tests. */
export const printAsterisk = (fields: ReadonlyArray<string>): string =>
  `${fields.map((field, i) => (i === 12 || i === 13 ? field : `"${field.replaceAll('"', '""')}"`)).join(",")}\n`;
