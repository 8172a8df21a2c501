/// One thing that happened on a connection: a message, or an event in its life.
///
/// ```
///   wall     monotonic   connection   direction   kind     payload
///   ns       ns          from 1       in / out    text …   the bytes, exactly as received
/// ```
///
/// A message is a view: its payload stands in a batch or a block that somebody else owns, and it
/// cannot outlive what it was made from. Events (`opened` and after) carry a JSON object as payload;
/// `docs/FORMAT.md` lists their members.
///
/// Unsafe storage, safe to use: a message cannot outlive a borrow of its `source`, which is alive as
/// long as that.
@safe public struct Message: ~Escapable {
  /// Wall clock at arrival, nanoseconds since 1970 (UTC).
  public let wallTime: Int64
  /// Monotonic clock at arrival, nanoseconds; only differences mean something.
  public let monotonicTime: Int64
  /// Which connection, counted from 1; 0 speaks of the recording itself.
  public let connection: UInt32
  /// Who sent it.
  public let direction: Direction
  /// What it is.
  public let kind: Kind
  /// The payload, unless it comes from `source`.
  private let bytes: RawSpan
  /// Has the payload put together when somebody asks for it.
  private unowned(unsafe) let source: (any PayloadSource)?

  /// The bytes, exactly as they came.
  public var payload: RawSpan {
    @_lifetime(copy self)
    get {
      guard let source = unsafe source else { return bytes }
      let payload = source.payload
      return unsafe _overrideLifetime(payload, copying: self)
    }
  }

  @_lifetime(copy payload)
  public init(
    wallTime: Int64, monotonicTime: Int64, connection: UInt32, direction: Direction = .received,
    kind: Kind, payload: RawSpan
  ) {
    self.wallTime = wallTime
    self.monotonicTime = monotonicTime
    self.connection = connection
    self.direction = direction
    self.kind = kind
    bytes = payload
    unsafe source = nil
  }

  /// A message whose payload has not been put together. Whoever makes it sees to it that it does not
  /// outlive a borrow of `source`.
  @unsafe @_lifetime(immortal)
  package init(
    wallTime: Int64, monotonicTime: Int64, connection: UInt32, direction: Direction, kind: Kind,
    unsafeSource source: borrowing any PayloadSource
  ) {
    self.wallTime = wallTime
    self.monotonicTime = monotonicTime
    self.connection = connection
    self.direction = direction
    self.kind = kind
    bytes = RawSpan()
    unsafe self.source = copy source
  }

  /// The values of the paths if they are known without the payload, which may still be anything.
  @_lifetime(copy self)
  package func values(of interest: PathInterest) -> JSONValues? {
    guard let source = unsafe source, let values = source.values(of: interest) else { return nil }
    return unsafe _overrideLifetime(values, copying: self)
  }
}

extension Message {
  /// Who sent a message.
  public enum Direction: UInt8, Sendable {
    /// From the server to us.
    case received = 0
    /// From us to the server.
    case sent = 1
  }

  /// What a message is. The values are those of the capture format; the first are the opcodes of
  /// RFC 6455, section 5.2. Kinds that a reader does not know are skipped.
  public struct Kind: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A text message, whole.
    public static let text = Kind(rawValue: 1)
    /// A binary message, whole.
    public static let binary = Kind(rawValue: 2)
    /// A ping frame and its payload.
    public static let ping = Kind(rawValue: 9)
    /// A pong frame and its payload.
    public static let pong = Kind(rawValue: 10)

    /// A connection stands: URI, subprotocol, extensions, response headers.
    public static let opened = Kind(rawValue: 16)
    /// A connection has ended: close code and reason, and who ended it.
    public static let closed = Kind(rawValue: 17)
    /// Something failed: what, and why.
    public static let error = Kind(rawValue: 18)
    /// The session changed its state.
    public static let state = Kind(rawValue: 19)
    /// Messages are missing here: why, how many, for how long.
    public static let gap = Kind(rawValue: 20)
    /// The wall clock was set: by how much.
    public static let clockJump = Kind(rawValue: 21)
    /// A remark or a marker of the user.
    public static let note = Kind(rawValue: 22)

    /// Whether the payload is application data (text or binary), not a control frame or an event.
    public var isData: Bool { self == .text || self == .binary }
    /// Whether this came over the wire as a frame, control frames included.
    public var isFrame: Bool { rawValue < Kind.opened.rawValue }
  }
}

extension Message.Kind: CustomStringConvertible {
  public var description: String {
    switch self {
    case .text: "text"
    case .binary: "binary"
    case .ping: "ping"
    case .pong: "pong"
    case .opened: "opened"
    case .closed: "closed"
    case .error: "error"
    case .state: "state"
    case .gap: "gap"
    case .clockJump: "clockJump"
    case .note: "note"
    default: "kind-\(rawValue)"
    }
  }
}
