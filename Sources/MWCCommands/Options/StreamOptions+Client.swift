internal import MWCCore
internal import MWCTransport

// From the plain values of the command line to what the transport wants. Everything that can be wrong
// about files, addresses and secrets is found here, before anything is connected or created.

extension StreamOptions {
  /// How to connect to each stream, in the order of the URIs.
  func clientOptions() throws(CommandFailure) -> [ClientOptions] {
    let headers = try handshakeHeaders()
    let greetings = try greetings.map { (text) throws(CommandFailure) in
      try Self.greeting(text)
    }
    let tls = try tlsOptions()
    return try addresses().map { (uri) in
      var options = ClientOptions(uri: uri)
      options.headers = headers
      options.subprotocol = subprotocol
      options.offersCompression = !noCompression
      options.maxMessageBytes = Int(maxMessageSize.bytes)
      options.pingInterval = pingInterval.nanoseconds == 0 ? nil : pingInterval.duration
      options.pingTimeout = pingTimeout.duration
      options.connectTimeout = connectTimeout.duration
      options.tls = tls
      options.reconnect.isEnabled = !noReconnect
      options.reconnect.interval = reconnectInterval.duration
      options.reconnect.maximumAttempts = maxReconnects
      options.greetings = greetings
      return options
    }
  }

  private func addresses() throws(CommandFailure) -> [WebSocketURI] {
    if uris.isEmpty {
      let name = "MONITORING_WEBSOCKET_URI"
      guard let text = Console.environment(name) else {
        return [try uri(Self.defaultURI, name: "the default")]
      }
      return [try uri(text, name: "$\(name)")]
    }
    guard uris.count <= Self.mostStreams else {
      throw CommandFailure(.usage, "--uri: at most \(Self.mostStreams) streams fit one capture")
    }
    return try uris.enumerated().map { (index, text) throws(CommandFailure) in
      try uri(text, name: uris.count == 1 ? "--uri" : "--uri number \(index + 1)")
    }
  }

  /// The text is not repeated in the message: it may hold a password.
  private func uri(_ text: String, name: String) throws(CommandFailure) -> WebSocketURI {
    do {
      return try WebSocketURI(text)
    } catch {
      throw CommandFailure(.usage, "\(name): \(error.message)")
    }
  }

  private func tlsOptions() throws(CommandFailure) -> TLSOptions {
    for (name, file) in [
      ("--ca-file", caFile), ("--client-cert", clientCert), ("--client-key", clientKey),
    ] {
      if let file { try TextFile.checkReadable(file, for: name) }
    }
    var options = TLSOptions()
    options.caFile = caFile
    options.certificateFile = clientCert
    options.keyFile = clientKey
    options.verifies = !insecure
    return options
  }

  private static let defaultURI = "ws://localhost:8765"
  /// Connections a capture can tell apart.
  private static let mostStreams = 4096
}

// MARK: - Headers and messages

extension StreamOptions {
  private func handshakeHeaders() throws(CommandFailure) -> [ClientOptions.Header] {
    var fields = headers.compactMap { HeaderField($0) }
    if let headerFile {
      switch HeaderField.list(try TextFile.read(headerFile, for: "--header-file")) {
      case .success(let more): fields += more
      case .failure(let line):
        throw CommandFailure(
          .usage,
          "\(headerFile): line \(line.number) is not a header 'Name: value' that may be set")
      }
    }
    let isAuthorized = fields.contains { $0.name.lowercased() == "authorization" }
    if let token = try token(), !(isAuthorized && tokenFile == nil) {
      if isAuthorized {
        throw CommandFailure(
          .usage, "--token-file and an Authorization header exclude each other")
      }
      fields.append(HeaderField(name: "Authorization", value: "Bearer \(token)"))
    }
    return fields.map { ClientOptions.Header(name: $0.name, value: $0.value) }
  }

  private func token() throws(CommandFailure) -> String? {
    let text: String
    let source: String
    if let tokenFile {
      text = try TextFile.read(tokenFile, for: "--token-file")
      source = tokenFile
    } else if let value = Console.environment("MWC_TOKEN") {
      text = value
      source = "$MWC_TOKEN"
    } else {
      return nil
    }
    let token = text.prefix { !$0.isNewline }.trimmingBlanks()
    guard !token.isEmpty, HeaderField.isSafe(token) else {
      throw CommandFailure(.usage, "\(source): the first line is not a token")
    }
    return token
  }

  /// The text itself, or with `@` in front the content of a file without its last line end.
  private static func greeting(_ text: String) throws(CommandFailure) -> ClientOptions.Greeting {
    guard text.hasPrefix("@") else { return ClientOptions.Greeting(bytes: Array(text.utf8)) }
    var content = try TextFile.read(String(text.dropFirst()), for: "--send")
    if content.last?.isNewline == true { content.removeLast() }
    return ClientOptions.Greeting(bytes: Array(content.utf8))
  }
}
