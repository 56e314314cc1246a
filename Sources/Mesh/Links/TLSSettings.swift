import Foundations
import NIOCore
import NIOSSL

/// The TLS 1.3 contexts of one run certificate (RFC 8446): one for incoming streams, one for each
/// purpose of outgoing ones.
struct TLSSettings: Sendable {
  private let server: NIOSSLContext
  private let admissionClient: NIOSSLContext
  private let linkClient: NIOSSLContext
  private let filesClient: NIOSSLContext

  init(certificate: RunCertificate, closing: Duration) throws {
    let chain = [
      NIOSSLCertificateSource.certificate(
        try NIOSSLCertificate(bytes: certificate.certificateDER, format: .der))
    ]
    let key = NIOSSLPrivateKeySource.privateKey(
      try NIOSSLPrivateKey(bytes: Array(certificate.privateKeyPEM.utf8), format: .pem))

    func context(_ base: TLSConfiguration, _ purposes: [StreamPurpose]) throws -> NIOSSLContext {
      var configuration = base
      configuration.certificateChain = chain
      configuration.privateKey = key
      configuration.minimumTLSVersion = .tlsv13
      configuration.maximumTLSVersion = .tlsv13
      // Makes BoringSSL ask for the peer's certificate and refuse a peer without one. The names and
      // issuers in it mean nothing: `acceptAny` stands in for the check of the chain, and the layer
      // above compares the fingerprint.
      configuration.certificateVerification = .noHostnameVerification
      configuration.trustRoots = .certificates([])
      configuration.applicationProtocols = purposes.map(\.rawValue)
      configuration.shutdownTimeout = TimeAmount(closing)
      return try NIOSSLContext(configuration: configuration)
    }

    server = try context(
      .makeServerConfiguration(certificateChain: chain, privateKey: key), StreamPurpose.allCases)
    admissionClient = try context(.makeClientConfiguration(), [.admission])
    linkClient = try context(.makeClientConfiguration(), [.link])
    filesClient = try context(.makeClientConfiguration(), [.files])
  }

  func makeServerHandler() -> NIOSSLServerHandler {
    NIOSSLServerHandler(context: server, customVerificationCallback: acceptAny)
  }

  func makeClientHandler(for purpose: StreamPurpose) throws -> NIOSSLClientHandler {
    let context =
      switch purpose {
      case .admission: admissionClient
      case .link: linkClient
      case .files: filesClient
      }
    return try NIOSSLClientHandler(
      context: context, serverHostname: nil, customVerificationCallback: acceptAny)
  }
}

/// Takes any chain: possession of the key is proved by the handshake itself.
@Sendable private func acceptAny(
  chain: [NIOSSLCertificate], promise: EventLoopPromise<NIOSSLVerificationResult>
) {
  promise.succeed(chain.isEmpty ? .failed : .certificateVerified)
}
