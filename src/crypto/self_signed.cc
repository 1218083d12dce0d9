// One X.509 v3 certificate: issuer and subject alike, names in subjectAltName (RFC 6125 §6.4.4: nobody looks at the common name).
#include "crypto/self_signed.h"

#include <arpa/inet.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "crypto/openssl_ptr.h"

namespace remit::crypto {
namespace {

bool IsIpAddress(const std::string& name) {
  unsigned char address[16];
  return ::inet_pton(AF_INET, name.c_str(), address) == 1 || ::inet_pton(AF_INET6, name.c_str(), address) == 1;
}

bool IsDnsName(const std::string& name) {
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '*';
  });
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  REMIT_CHECK(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

time_t Seconds(Time t) { return static_cast<time_t>(Micros(t) / 1'000'000); }

void SetSerial(X509* certificate) {
  const BignumPtr serial(BN_new());
  REMIT_CHECK(serial != nullptr && BN_rand(serial.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1);
  REMIT_CHECK(BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr);
}

}  // namespace

Result<std::string> SelfSignedCertificate(const SigningKey& key, const std::vector<std::string>& names, Time from, Time until) {
  std::vector<std::string> alternatives;
  for (const std::string& name : names) {
    if (!IsIpAddress(name) && !IsDnsName(name))
      return Fail(Code::kInvalidArgument, "bad-name", fmt::format("`{}` is neither a DNS name nor an IP address", EscapeControl(name)));
    alternatives.push_back((IsIpAddress(name) ? "IP:" : "DNS:") + name);
  }
  if (names.empty()) return Fail(Code::kInvalidArgument, "bad-name", "a certificate needs a name");

  const CertificatePtr certificate(X509_new());
  REMIT_CHECK(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  SetSerial(certificate.get());
  REMIT_CHECK(ASN1_TIME_set(X509_getm_notBefore(certificate.get()), Seconds(from)) != nullptr);
  REMIT_CHECK(ASN1_TIME_set(X509_getm_notAfter(certificate.get()), Seconds(until)) != nullptr);
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  REMIT_CHECK(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("remit"), -1, -1, 0) == 1);
  REMIT_CHECK(X509_set_issuer_name(certificate.get(), subject) == 1);
  REMIT_CHECK(X509_set_pubkey(certificate.get(), key.native()) == 1);
  AddExtension(certificate.get(), NID_subject_alt_name, Join(alternatives, ","));
  AddExtension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate.get(), NID_key_usage, "critical,digitalSignature,keyCertSign");
  AddExtension(certificate.get(), NID_ext_key_usage, "serverAuth");
  REMIT_CHECK(X509_sign(certificate.get(), key.native(), key.type() == KeyType::kEs256 ? EVP_sha256() : nullptr) > 0);

  const BioPtr bio(BIO_new(BIO_s_mem()));
  REMIT_CHECK(bio != nullptr && PEM_write_bio_X509(bio.get(), certificate.get()) == 1);
  return std::string(Written(bio.get()));
}

}  // namespace remit::crypto
