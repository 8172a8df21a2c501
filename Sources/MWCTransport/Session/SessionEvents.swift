internal import MWCCore

/// The payloads of events, as `docs/FORMAT.md` lists them.
enum SessionEvents {
  static func opened(
    uri: WebSocketURI, address: String, subprotocol: String?, extensions: String?, server: String?
  ) -> [UInt8] {
    object { json in
      json.member("uri", uri.description)
      json.member("address", address)
      json.member("subprotocol", subprotocol)
      json.member("extensions", extensions)
      json.key("headers")
      json.beginObject()
      if let server { json.member("server", server) }
      json.endObject()
    }
  }

  static func closed(code: Int, reason: String, by: String) -> [UInt8] {
    object { json in
      json.member("code", code)
      json.member("reason", reason)
      json.member("by", by)
    }
  }

  static func error(_ error: TransportError) -> [UInt8] {
    object { json in
      json.member("code", error.code.rawValue)
      json.member("message", error.message)
      if let status = error.status { json.member("status", status) }
    }
  }

  static func state(from: String, to: String) -> [UInt8] {
    object { json in
      json.member("from", from)
      json.member("to", to)
    }
  }

  /// How many messages are missing is not known: the server did not tell.
  static func gap(nanoseconds: Int64) -> [UInt8] {
    object { json in
      json.member("reason", "disconnected")
      json.key("messages")
      json.null()
      json.key("bytes")
      json.null()
      json.member("duration_ns", nanoseconds)
    }
  }

  private static func object(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    members(&json)
    json.endObject()
    return json.bytes
  }
}
