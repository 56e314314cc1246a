import COpenSSL
import Crypto
import Foundations
import Links
import NIOSSL
import Testing

extension LinksTests {
  @Suite("Run certificate") struct RunCertificateTests {
    let now = WallTime(milliseconds: 1_900_000_000_000)

    @Test("The fingerprint is SHA-256 of the DER")
    func fingerprint() throws {
      let certificate = try RunCertificate.make(now: now)
      #expect(certificate.fingerprint == Array(SHA256.hash(data: certificate.certificateDER)))
    }

    @Test("It is valid from a day before to 30 days after, and NIOSSL loads it with its key")
    func loadsInNIOSSL() throws {
      let run = try RunCertificate.make(now: now)
      let certificate = try NIOSSLCertificate(bytes: run.certificateDER, format: .der)
      #expect(certificate.notValidBefore == 1_900_000_000 - 86_400)
      #expect(certificate.notValidAfter == 1_900_000_000 + 30 * 86_400)
      let inPEM = try NIOSSLCertificate.fromPEMBytes(Array(run.certificatePEM.utf8))
      #expect(inPEM == [certificate])
      _ = try NIOSSLPrivateKey(bytes: Array(run.privateKeyPEM.utf8), format: .pem)
    }

    @Test("OpenSSL loads it, and the key fits")
    func loadsInOpenSSL() throws {
      let run = try RunCertificate.make(now: now)
      let certificate = run.certificateDER.withUnsafeBufferPointer { bytes in
        var start = bytes.baseAddress
        return d2i_X509(nil, &start, bytes.count)
      }
      defer { X509_free(certificate) }
      let pem = run.privateKeyPEM
      let bio = BIO_new_mem_buf(pem, Int32(pem.utf8.count))
      defer { BIO_free(bio) }
      let key = PEM_read_bio_PrivateKey(bio, nil, nil, nil)
      defer { EVP_PKEY_free(key) }
      try #require(certificate != nil && key != nil)
      #expect(X509_check_private_key(certificate, key) == 1)
      #expect(X509_verify(certificate, key) == 1)
    }

    @Test("Two are never alike")
    func distinct() throws {
      let (first, second) = (
        try RunCertificate.make(now: now), try RunCertificate.make(now: now)
      )
      #expect(first.fingerprint != second.fingerprint)
      #expect(first.privateKeyPEM != second.privateKeyPEM)
    }

    @Test("A source that gives no key ends in a failure")
    func brokenSource() {
      let zeros = SecretSource { [UInt8](repeating: 0, count: $0) }
      #expect(throws: Failure.self) { try RunCertificate.make(secrets: zeros, now: now) }
    }
  }
}
