/*
 * Secures and opens packets by libsrtp, line by line, for srtp.interop.ts.
 *
 *   srtp-peer SUITE KEYHEX     SUITE as RFC 4568 and RFC 6188 name it, KEYHEX master key and salt
 *
 *   in:  p HEX  secure RTP     u HEX  open RTP     P HEX  secure RTCP     U HEX  open RTCP
 *   out: the bytes in hex, or "refused N" with libsrtp's status
 */
#include <srtp2/srtp.h>
#include <stdio.h>
#include <string.h>

#define BYTES_MAX 4096

static int bytes_of(const char *hex, unsigned char *bytes) {
  int size = 0;
  unsigned int byte;
  while (size < BYTES_MAX && sscanf(hex + 2 * size, "%2x", &byte) == 1) bytes[size++] = (unsigned char)byte;
  return size;
}

static void set_suite(const char *suite, srtp_crypto_policy_t *policy) {
  if (strcmp(suite, "AES_CM_128_HMAC_SHA1_80") == 0) srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(policy);
  else if (strcmp(suite, "AES_CM_128_HMAC_SHA1_32") == 0) srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(policy);
  else if (strcmp(suite, "AES_256_CM_HMAC_SHA1_80") == 0) srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(policy);
  else srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(policy);
}

int main(int count, char **words) {
  static char line[2 * BYTES_MAX + 16];
  static unsigned char key[64], bytes[BYTES_MAX + 64];
  srtp_policy_t out = {0};
  srtp_t sending, receiving;
  if (count != 3 || srtp_init() != srtp_err_status_ok) return 2;
  bytes_of(words[2], key);
  set_suite(words[1], &out.rtp);
  /* RFC 4568 6.2: RTCP has a tag of 80 bits always. */
  if (strstr(words[1], "256") != NULL) srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&out.rtcp);
  else srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&out.rtcp);
  out.key = key;
  out.window_size = 128;
  out.ssrc.type = ssrc_any_outbound;
  if (srtp_create(&sending, &out) != srtp_err_status_ok) return 3;
  out.ssrc.type = ssrc_any_inbound;
  if (srtp_create(&receiving, &out) != srtp_err_status_ok) return 3;
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (fgets(line, sizeof line, stdin) != NULL) {
    int size = bytes_of(line + 2, bytes);
    srtp_err_status_t status;
    switch (line[0]) {
      case 'p': status = srtp_protect(sending, bytes, &size); break;
      case 'u': status = srtp_unprotect(receiving, bytes, &size); break;
      case 'P': status = srtp_protect_rtcp(sending, bytes, &size); break;
      default: status = srtp_unprotect_rtcp(receiving, bytes, &size);
    }
    if (status != srtp_err_status_ok) {
      printf("refused %d\n", status);
      continue;
    }
    for (int i = 0; i < size; i++) printf("%02x", bytes[i]);
    printf("\n");
  }
  return 0;
}
