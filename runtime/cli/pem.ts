/** PEM, RFC 7468: labelled base64 in a file that people can look at. */

/** Every block of that label, in order. */
export const derOfPem = (text: string, label: string): ReadonlyArray<Uint8Array> =>
  [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g)]
    .filter(([, of]) => of === label)
    .map(([, , body]) => new Uint8Array(Buffer.from(body!, "base64")));
