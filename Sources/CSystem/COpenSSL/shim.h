#pragma once
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

/* SSL_OP_BIT is a macro over a cast, which Swift does not import. */
static inline uint64_t virtue_ssl_options(void) {
  return SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
         SSL_OP_CIPHER_SERVER_PREFERENCE;
}
