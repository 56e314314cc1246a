import COpenSSL
import Foundations
import Protection

/// A certificate and key of the kind that a run of the program has.
struct TestIdentity {
  let certificateDER: [UInt8]
  let privateKeyPEM: String

  /// A fresh self-signed certificate with a P-256 key.
  init(name: String = "test") throws {
    let parameters = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil)
    defer { EVP_PKEY_CTX_free(parameters) }
    var key: OpaquePointer?
    guard EVP_PKEY_keygen_init(parameters) > 0,
      EVP_PKEY_CTX_set_ec_paramgen_curve_nid(parameters, NID_X9_62_prime256v1) > 0,
      EVP_PKEY_keygen(parameters, &key) > 0
    else { throw Failure("no-key", exit: .software, "OpenSSL made no key.") }
    defer { EVP_PKEY_free(key) }

    let certificate = X509_new()
    defer { X509_free(certificate) }
    X509_set_version(certificate, 2)
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), 1)
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86_400)
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86_400)
    let subject = X509_get_subject_name(certificate)
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0)
    X509_set_issuer_name(certificate, subject)
    X509_set_pubkey(certificate, key)
    guard X509_sign(certificate, key, EVP_sha256()) > 0 else {
      throw Failure("no-signature", exit: .software, "OpenSSL signed nothing.")
    }

    var der: UnsafeMutablePointer<UInt8>?
    let count = Int(i2d_X509(certificate, &der))
    certificateDER = Array(UnsafeBufferPointer(start: der, count: count))
    CRYPTO_free(der, nil, 0)

    let text = BIO_new(BIO_s_mem())
    defer { BIO_free(text) }
    PEM_write_bio_PrivateKey(text, key, nil, nil, 0, nil, nil)
    var bytes = [UInt8](repeating: 0, count: 4096)
    let read = BIO_read(text, &bytes, Int32(bytes.count))
    privateKeyPEM = String(decoding: bytes.prefix(Int(read)), as: UTF8.self)
  }

  func identity() throws -> DTLSIdentity {
    try DTLSIdentity(certificateDER: certificateDER, privateKeyPEM: privateKeyPEM)
  }
}
