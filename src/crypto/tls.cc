// TLS contexts over OpenSSL.
#include "crypto/tls.h"

#include <string_view>

#include <fmt/format.h>

#include "crypto/openssl_ptr.h"

namespace remit::crypto {
namespace {

std::unexpected<Error> Refuse(std::string_view reason, const std::string& file, std::string message) {
  const char* why = ERR_reason_error_string(ERR_peek_last_error());
  if (why != nullptr) message += fmt::format(": {}", why);
  ERR_clear_error();
  return Fail(Error(Code::kFailedPrecondition, reason, std::move(message)).At(file));
}

// What servers and clients have in common.
std::shared_ptr<SSL_CTX> NewContext(const SSL_METHOD* method) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(method), SSL_CTX_free);
  REMIT_CHECK(context != nullptr);
  REMIT_CHECK(SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1);
  // TLS 1.3 has only good suites; of 1.2, those with forward secrecy and an AEAD.
  REMIT_CHECK(SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);
  REMIT_CHECK(SSL_CTX_set1_groups_list(context.get(), "X25519:P-256:P-384") == 1);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_default_passwd_cb(context.get(), NoPassword);
  SSL_CTX_set_default_passwd_cb_userdata(context.get(), nullptr);
  return context;
}

// RFC 7301: http/1.1 where the client offers it; a client that offers only others gets no ALPN, and may hang up.
int SelectHttp11(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned int in_size, void*) {
  static constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, kHttp11, sizeof kHttp11, in, in_size) != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

ssl_ctx_st* Referenced(SSL_CTX* context) {
  REMIT_CHECK(context != nullptr && SSL_CTX_up_ref(context) == 1);
  return context;
}

}  // namespace

Result<TlsServerContext> TlsServerContext::FromPemFiles(const std::string& certificate_file, const std::string& key_file) {
  ERR_clear_error();
  TlsServerContext out;
  out.context_ = NewContext(TLS_server_method());
  SSL_CTX* const context = out.context_.get();
  // No tickets in TLS 1.3 either: each would be a second way back into a session.
  REMIT_CHECK(SSL_CTX_set_num_tickets(context, 0) == 1);
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1)
    return Refuse("tls-certificate", certificate_file, "cannot read the TLS certificate");
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return Refuse("tls-key", key_file, "cannot read the TLS key, or it is not the certificate's");
  if (SSL_CTX_check_private_key(context) != 1) return Refuse("tls-key", key_file, "the TLS key is not the certificate's");
  SSL_CTX_set_alpn_select_cb(context, SelectHttp11, nullptr);
  return out;
}

ssl_ctx_st* TlsServerContext::NewReference() const { return Referenced(context_.get()); }

Result<TlsClientContext> TlsClientContext::FromCaFile(const std::string& ca_file) {
  ERR_clear_error();
  TlsClientContext out;
  out.context_ = NewContext(TLS_client_method());
  SSL_CTX_set_verify(out.context_.get(), SSL_VERIFY_PEER, nullptr);
  const bool loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(out.context_.get()) == 1
                                      : SSL_CTX_load_verify_file(out.context_.get(), ca_file.c_str()) == 1;
  if (!loaded) return Refuse("tls-certificate", ca_file, "cannot read the trusted certificates");
  return out;
}

ssl_ctx_st* TlsClientContext::NewReference() const { return Referenced(context_.get()); }

}  // namespace remit::crypto
