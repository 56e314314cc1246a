import COpenSSL

/// Whom a DTLS session shows itself as: the certificate and key of this run, which its links use too.
package struct DTLSIdentity: Sendable {
  /// SHA-256 of the certificate's DER form (RFC 8122 §5).
  package let fingerprint: [UInt8]
  let context: DTLSContext

  /// - Parameters:
  ///   - certificateDER: an X.509 certificate.
  ///   - privateKeyPEM: its private key, unencrypted, PKCS #8 or SEC 1.
  package init(certificateDER: [UInt8], privateKeyPEM: String) throws(ProtectionFailure) {
    let certificate = try Self.readCertificate(certificateDER)
    defer { X509_free(certificate) }
    guard let fingerprint = certificateFingerprint(certificate) else {
      throw .badCertificate
    }
    let key = try Self.readPrivateKey(privateKeyPEM)
    defer { EVP_PKEY_free(key) }
    guard X509_check_private_key(certificate, key) == 1 else {
      ERR_clear_error()
      throw .mismatchedKey
    }
    self.fingerprint = fingerprint
    context = try DTLSContext(certificate: certificate, key: key)
  }

  private static func readCertificate(_ der: [UInt8]) throws(ProtectionFailure) -> OpaquePointer {
    let certificate = der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
      var start = bytes.baseAddress
      guard let parsed = d2i_X509(nil, &start, bytes.count) else { return nil }
      guard start == bytes.baseAddress.map({ $0 + bytes.count }) else {
        X509_free(parsed)
        return nil
      }
      return parsed
    }
    guard let certificate else {
      ERR_clear_error()
      throw .badCertificate
    }
    return certificate
  }

  private static func readPrivateKey(_ pem: String) throws(ProtectionFailure) -> OpaquePointer {
    var text = pem
    let key = text.withUTF8 { bytes -> OpaquePointer? in
      guard let source = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else {
        return nil
      }
      defer { BIO_free(source) }
      // Without a callback of ours OpenSSL would ask the terminal for a passphrase.
      return PEM_read_bio_PrivateKey(source, nil, { _, _, _, _ in -1 }, nil)
    }
    guard let key else {
      ERR_clear_error()
      throw .badPrivateKey
    }
    return key
  }
}

/// SHA-256 of an `X509`.
func certificateFingerprint(_ certificate: OpaquePointer) -> [UInt8]? {
  var digest = [UInt8](repeating: 0, count: 32)
  var count: UInt32 = 0
  guard X509_digest(certificate, EVP_sha256(), &digest, &count) == 1, count == 32 else {
    ERR_clear_error()
    return nil
  }
  return digest
}

/// The `SSL_CTX` that all sessions of one identity share.
final class DTLSContext: @unchecked Sendable {
  // Safety: configured in `init`; afterwards only `SSL_new` and `SSL_CTX_free` touch it, and both
  // count references atomically.
  let pointer: OpaquePointer

  /// Bytes of a peer's certificate chain; one certificate of ours has about 400. OpenSSL would
  /// collect 100 KiB.
  private static let chainLimit = 16 * 1024

  init(certificate: OpaquePointer, key: OpaquePointer) throws(ProtectionFailure) {
    ERR_clear_error()
    guard let context = SSL_CTX_new(DTLS_method()) else {
      throw .library(libraryReason())
    }
    pointer = context
    let version = Int(DTLS1_2_VERSION)
    guard SSL_CTX_use_certificate(context, certificate) == 1,
      SSL_CTX_use_PrivateKey(context, key) == 1,
      SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, version, nil) == 1,
      SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, version, nil) == 1,
      // RFC 8827 §6.5 asks everybody for ECDHE with AES-128-GCM; ``DTLSRecords`` counts on GCM.
      SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM") == 1,
      // This function alone returns zero for success.
      SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") == 0
    else {
      throw .library(libraryReason())
    }
    SSL_CTX_set_options(context, virtue_ssl_options())
    SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
    SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_CERT_LIST, Self.chainLimit, nil)
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    // The whole verification is ours: the certificates are self-signed and known by fingerprint.
    SSL_CTX_set_cert_verify_callback(
      context,
      { store, _ in
        guard let store, let session = DTLSSession.session(verifying: store),
          let certificate = X509_STORE_CTX_get0_cert(store),
          session.accepts(certificate)
        else {
          if let store { X509_STORE_CTX_set_error(store, Int32(X509_V_ERR_CERT_REJECTED)) }
          return 0
        }
        X509_STORE_CTX_set_error(store, Int32(X509_V_OK))
        return 1
      }, nil)
  }

  deinit {
    SSL_CTX_free(pointer)
  }
}

/// The newest entry of this thread's OpenSSL error queue, which it empties.
func libraryReason() -> String {
  let code = ERR_peek_last_error()
  ERR_clear_error()
  guard code != 0, let reason = ERR_reason_error_string(code) else { return "no reason given" }
  return String(cString: reason)
}
