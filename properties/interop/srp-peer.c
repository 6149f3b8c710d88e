/*
 * A peer for TLS-SRP on libssl, as the openssl commands lose the user name. Loopback only.
 *
 *   srp-peer server USER PASSWORD CIPHER [SWITCH]...   prints "port N", then serves one connection after another:
 *                                                      sends back what it reads
 *   srp-peer client PORT USER PASSWORD CIPHER BYTES [SWITCH]...
 *                                                      sends so many bytes, reads them back, prints "same" or "differs"
 *
 * The server knows USER-1024, USER-2048 and so on, each with a verifier in the group of that size.
 * Switches: noetm and noems do without encrypt-then-MAC and the extended master secret; renegotiate asks for that after
 * the first data.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/srp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *user, *password;
static int renegotiates;

static void tell_alert(const SSL *ssl, int where, int what) {
  (void)ssl;
  if (where & SSL_CB_ALERT)
    printf("alert %s %d\n", where & SSL_CB_READ ? "read" : "sent", what & 0xff);
}

static int give_verifier(SSL *ssl, int *alert, void *none) {
  (void)none;
  const char *name = SSL_get_srp_username(ssl);
  if (name == NULL) return -1;
  size_t size = strlen(user);
  SRP_gN *group = strncmp(name, user, size) == 0 && name[size] == '-' ? SRP_get_default_gN(name + size + 1) : NULL;
  if (group == NULL) {
    *alert = SSL_AD_UNKNOWN_PSK_IDENTITY;
    return SSL3_AL_FATAL;
  }
  BIGNUM *salt = NULL, *verifier = NULL;
  if (!SRP_create_verifier_BN(name, password, &salt, &verifier, group->N, group->g)) return SSL3_AL_FATAL;
  return SSL_set_srp_server_param(ssl, group->N, group->g, salt, verifier, NULL) < 0 ? SSL3_AL_FATAL
                                                                                      : SSL_ERROR_NONE;
}

static SSL_CTX *context(const char *cipher, char **switches) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_security_level(ctx, 0);
  SSL_CTX_set_info_callback(ctx, tell_alert);
  for (; *switches != NULL; switches++) {
    if (strcmp(*switches, "noetm") == 0) SSL_CTX_set_options(ctx, SSL_OP_NO_ENCRYPT_THEN_MAC);
    if (strcmp(*switches, "noems") == 0) SSL_CTX_set_options(ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    if (strcmp(*switches, "renegotiate") == 0) renegotiates = 1;
  }
  if (!SSL_CTX_set_cipher_list(ctx, cipher)) exit(2);
  return ctx;
}

static void tell_facts(SSL *ssl) {
  printf("secured %s ems=%d\n", SSL_get_cipher(ssl), SSL_get_extms_support(ssl) != 0);
}

static void renegotiate(SSL *ssl) {
  printf("renegotiates %d\n", SSL_renegotiate(ssl) > 0 ? SSL_do_handshake(ssl) : 0);
}

static int serve(SSL_CTX *ctx) {
  SSL_CTX_set_srp_username_callback(ctx, give_verifier);
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof here;
  int listening = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listening, (void *)&here, size) || listen(listening, 8)) return 1;
  getsockname(listening, (void *)&here, &size);
  printf("port %d\n", ntohs(here.sin_port));
  for (;;) {
    char bytes[16384];
    int fd = accept(listening, NULL, NULL), got;
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) > 0) {
      tell_facts(ssl);
      while ((got = SSL_read(ssl, bytes, sizeof bytes)) > 0) {
        SSL_write(ssl, bytes, got);
        if (renegotiates) renegotiate(ssl);
      }
      printf("ended %s\n", SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN ? "in order" : "broken off");
      SSL_shutdown(ssl);
    }
    ERR_clear_error();
    SSL_free(ssl);
    close(fd);
  }
}

static int call(SSL_CTX *ctx, int port, int count) {
  SSL_CTX_set_srp_username(ctx, (char *)user);
  SSL_CTX_set_srp_password(ctx, (char *)password);
  struct sockaddr_in there = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (void *)&there, sizeof there)) return 1;
  SSL *ssl = SSL_new(ctx);
  SSL_set_fd(ssl, fd);
  if (SSL_connect(ssl) <= 0) return 1;
  tell_facts(ssl);
  char *sent = malloc(count), *back = malloc(count);
  for (int i = 0; i < count; i++) sent[i] = (char)(i * 31 + 7);
  int got = 0;
  for (int at = 0; at < count; at += 10000) {
    int part = count - at < 10000 ? count - at : 10000;
    if (SSL_write(ssl, sent + at, part) != part) return 1;
    for (int until = at + part; got < until;) {
      int more = SSL_read(ssl, back + got, until - got);
      if (more <= 0) return 1;
      got += more;
    }
  }
  if (renegotiates) renegotiate(ssl);
  printf("%s\n", memcmp(sent, back, count) == 0 ? "same" : "differs");
  SSL_shutdown(ssl);
  printf("peer %s\n", SSL_shutdown(ssl) == 1 ? "said close_notify" : "broke off");
  return 0;
}

int main(int count, char **words) {
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (count >= 5 && strcmp(words[1], "server") == 0) {
    user = words[2], password = words[3];
    return serve(context(words[4], words + 5));
  }
  if (count >= 7 && strcmp(words[1], "client") == 0) {
    user = words[3], password = words[4];
    return call(context(words[5], words + 7), atoi(words[2]), atoi(words[6]));
  }
  return 2;
}
