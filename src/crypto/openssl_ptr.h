// Ownership of OpenSSL objects, in one place. For the .cc files of this room only.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

namespace remit::crypto {

template <auto Function>
struct FreeWith {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
template <class T, auto Function>
using Owned = std::unique_ptr<T, FreeWith<Function>>;

using BioPtr = Owned<BIO, BIO_free_all>;
using BignumPtr = Owned<BIGNUM, BN_clear_free>;
using CipherContextPtr = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using DigestContextPtr = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using EcdsaSignaturePtr = Owned<ECDSA_SIG, ECDSA_SIG_free>;
using GroupPtr = Owned<EC_GROUP, EC_GROUP_free>;
using ParamBuilderPtr = Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using ParamsPtr = Owned<OSSL_PARAM, OSSL_PARAM_free>;
using PointPtr = Owned<EC_POINT, EC_POINT_clear_free>;
using KeyContextPtr = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using KeyPtr = Owned<EVP_PKEY, EVP_PKEY_free>;
using SslContextPtr = Owned<SSL_CTX, SSL_CTX_free>;
using CertificatePtr = Owned<X509, X509_free>;

inline std::shared_ptr<EVP_PKEY> ShareKey(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }

// A memory BIO that reads `text`, which must outlive it.
inline BioPtr ReadingBio(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// A memory BIO that is wiped when it goes.
inline BioPtr WritingBio() { return BioPtr(BIO_new(BIO_s_secmem())); }

inline std::string_view Written(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

// Never asks on a terminal: an encrypted key is an error. `asked` (bool*) is set where a password would have been needed.
inline int NoPassword(char*, int, int, void* asked) {
  if (asked != nullptr) *static_cast<bool*>(asked) = true;
  return -1;
}

}  // namespace remit::crypto
