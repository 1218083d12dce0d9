// TLS contexts: 1.2 and 1.3 only, AEAD suites with forward secrecy, no session tickets, no renegotiation, no compression.
//
// Values that share one immutable OpenSSL context; safe to use from many threads.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

struct ssl_ctx_st;

namespace remit::crypto {

class TlsServerContext {
 public:
  // PEM files: the certificate with its chain, and its private key. ALPN offers http/1.1 alone. Errors, with the file as place:
  // `tls-certificate` (unreadable or no certificate), `tls-key` (unreadable, encrypted, or not the certificate's key).
  static Result<TlsServerContext> FromPemFiles(const std::string& certificate_file, const std::string& key_file);

  ssl_ctx_st* native() const { return context_.get(); }
  // One more reference, for those who free what they get (asio::ssl::context(NewReference())).
  ssl_ctx_st* NewReference() const;

 private:
  std::shared_ptr<ssl_ctx_st> context_;
};

class TlsClientContext {
 public:
  // Verifies the server against the certificates in `ca_file`, or the system's if it is empty. The name is checked by the connection
  // (SSL_set1_host), which alone knows it. Errors: `tls-certificate`.
  static Result<TlsClientContext> FromCaFile(const std::string& ca_file);

  ssl_ctx_st* native() const { return context_.get(); }
  ssl_ctx_st* NewReference() const;

 private:
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace remit::crypto
