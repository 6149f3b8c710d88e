/*
 * OpenSSL's TLS-SRP by the same measure as tls-srp.ts: client and server in one process, joined by memory BIOs, one
 * handshake after another, the verifier derived from the password in each.
 *
 *   tls-srp BITS SECONDS     prints the handshakes made and the seconds of processor time they took
 *
 * Suite SRP-AES-128-CBC-SHA, TLS 1.2, with OpenSSL's own defaults (encrypt-then-MAC, extended master secret).
 * Its a and b have 384 bits (SSL_MAX_MASTER_KEY_LENGTH); ours have 256, the least that RFC 5054 §2.5 advises.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/srp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *bits;
static const char *user = "alice", *password = "correct horse battery staple";

static int give_verifier(SSL *ssl, int *alert, void *none) {
  (void)alert, (void)none;
  SRP_gN *group = SRP_get_default_gN(bits);
  BIGNUM *salt = NULL, *verifier = NULL;
  if (group == NULL || !SRP_create_verifier_BN(user, password, &salt, &verifier, group->N, group->g))
    return SSL3_AL_FATAL;
  int taken = SSL_set_srp_server_param(ssl, group->N, group->g, salt, verifier, NULL);
  BN_clear_free(salt);
  BN_clear_free(verifier);
  return taken < 0 ? SSL3_AL_FATAL : SSL_ERROR_NONE;
}

static SSL_CTX *context(const SSL_METHOD *method) {
  SSL_CTX *ctx = SSL_CTX_new(method);
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_security_level(ctx, 0);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  if (!SSL_CTX_set_cipher_list(ctx, "SRP-AES-128-CBC-SHA")) exit(2);
  return ctx;
}

static int handshake(SSL_CTX *of_client, SSL_CTX *of_server) {
  BIO *left, *right;
  if (!BIO_new_bio_pair(&left, 0, &right, 0)) return 0;
  SSL *client = SSL_new(of_client), *server = SSL_new(of_server);
  SSL_set_bio(client, left, left);
  SSL_set_bio(server, right, right);
  SSL_set_connect_state(client);
  SSL_set_accept_state(server);
  for (int turn = 0; turn < 10 && !(SSL_is_init_finished(client) && SSL_is_init_finished(server)); turn++) {
    SSL_do_handshake(client);
    SSL_do_handshake(server);
  }
  int good = SSL_is_init_finished(client) && SSL_is_init_finished(server);
  SSL_free(client);
  SSL_free(server);
  return good;
}

int main(int count, char **words) {
  if (count != 3) return 2;
  bits = words[1];
  double seconds = atof(words[2]);
  SSL_CTX *client = context(TLS_client_method()), *server = context(TLS_server_method());
  SSL_CTX_set_srp_username(client, (char *)user);
  SSL_CTX_set_srp_password(client, (char *)password);
  SSL_CTX_set_srp_strength(client, atoi(bits)); /* the least that it takes */
  SSL_CTX_set_srp_username_callback(server, give_verifier);
  if (!handshake(client, server)) return 1;
  long made = 0;
  clock_t from = clock();
  while ((double)(clock() - from) / CLOCKS_PER_SEC < seconds) {
    if (!handshake(client, server)) return 1;
    made++;
  }
  printf("%ld %f\n", made, (double)(clock() - from) / CLOCKS_PER_SEC);
  return 0;
}
