#if SQLite
  internal import CSQLite
  package import MWCCore

  /// A database with everything a capture holds, for SQL.
  ///
  /// | table | columns |
  /// |---|---|
  /// | `messages` | `id`, `time` (RFC 3339), `time_ns`, `connection`, `direction` (in, out), `kind` (text, binary, ping, pong), `payload`, and one for each path |
  /// | `events` | `id`, `time`, `time_ns`, `connection`, `event` (opened, closed, …), `data` (JSON) |
  /// | `connections` | `id`, `uri` |
  ///
  /// A text that is UTF-8 is TEXT, every other payload a BLOB. Values at paths are INTEGER, REAL or
  /// TEXT (arrays and objects as JSON); true and false are 1 and 0, null and missing are NULL.
  ///
  /// `@safe`: the pointers belong to this object alone and are closed exactly once, behind the last
  /// use; SQLite copies what it is given.
  @safe package final class SQLiteExporter: CaptureExporter {
    private let database: OpaquePointer
    private let name: String
    private var statements: [OpaquePointer] = unsafe []
    private var isClosed = false
    private let paths: [String]
    private var scanner: JSONScanner
    private var connections: Set<UInt32> = []

    private enum Statement: Int { case message, event, connection }

    /// - Parameters:
    ///   - path: an empty file.
    ///   - name: of it in errors.
    ///   - paths: values that get a column of their own; all of them are understood.
    /// - Throws: `CaptureError` when the database cannot be made.
    package init(path: String, name: String, paths: [String]) throws(CaptureError) {
      var handle: OpaquePointer?
      let result = unsafe sqlite3_open_v2(
        path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil)
      guard let handle = unsafe handle else {
        throw CaptureError(.cannotCreate, "SQLite has no memory for a database", file: name)
      }
      unsafe database = handle
      self.name = name
      self.paths = paths
      scanner = JSONScanner(valid: paths, options: .nonFinite)
      guard result == SQLITE_OK else { throw failure() }
      // The file is written aside and synced at the end: it needs no journal of its own.
      try run(
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA application_id=0x4D574343;"
          + "BEGIN; CREATE TABLE connections(id INTEGER PRIMARY KEY, uri TEXT);"
          + "CREATE TABLE events(id INTEGER PRIMARY KEY, time TEXT, time_ns INTEGER,"
          + " connection INTEGER, event TEXT, data TEXT);"
          + "CREATE TABLE messages(id INTEGER PRIMARY KEY, time TEXT, time_ns INTEGER,"
          + " connection INTEGER, direction TEXT, kind TEXT, payload"
          + paths.map { ", \"\($0.replacing("\"", with: "\"\""))\"" }.joined() + ")")
      let places = String(repeating: ",?", count: 7 + paths.count).dropFirst()
      try prepare("INSERT INTO messages VALUES(\(places))")
      try prepare("INSERT INTO events VALUES(?,?,?,?,?,?)")
      try prepare("INSERT INTO connections VALUES(?,?)")
    }

    deinit { close() }

    private func close() {
      guard !isClosed else { return }
      isClosed = true
      unsafe statements.forEach { unsafe sqlite3_finalize($0) }
      unsafe sqlite3_close(database)
    }

    private func failure() -> CaptureError {
      let code = unsafe sqlite3_errcode(database)
      let text = unsafe String(cString: sqlite3_errmsg(database))
      return CaptureError(
        code == SQLITE_FULL ? .diskFull : .io, "SQLite cannot write it: \(text)", file: name)
    }

    private func run(_ sql: String) throws(CaptureError) {
      if unsafe sqlite3_exec(database, sql, nil, nil, nil) != SQLITE_OK { throw failure() }
    }

    private func prepare(_ sql: String) throws(CaptureError) {
      var statement: OpaquePointer?
      guard unsafe sqlite3_prepare_v2(database, sql, -1, &statement, nil) == SQLITE_OK,
        let statement = unsafe statement
      else { throw failure() }
      unsafe statements.append(statement)
    }

    // MARK: Rows

    package func append(
      _ record: borrowing Message, of session: CaptureSession
    ) throws(CaptureError) -> Bool {
      if record.connection > 0, connections.insert(record.connection).inserted {
        let (connection, uri) = (record.connection, session.uri(of: record.connection))
        try row(.connection) { row in
          row.bind(Int64(connection))
          row.bind(uri)
        }
      }
      let time = Timestamp.rfc3339(nanoseconds: record.wallTime)
      let kind = record.kind.description
      let payload = record.payload
      guard record.kind.isFrame else {
        try row(.event) { row in
          row.bind(String?.none)
          row.bind(time)
          row.bind(record.wallTime)
          row.bind(Int64(record.connection))
          row.bind(kind)
          row.bind(payload, isText: payload.isUTF8)
        }
        return true
      }
      let values = record.kind == .text ? SQLiteExporter.values(payload, &scanner, paths.count) : []
      try row(.message) { row in
        row.bind(String?.none)
        row.bind(time)
        row.bind(record.wallTime)
        row.bind(Int64(record.connection))
        row.bind(record.direction == .received ? "in" : "out")
        row.bind(kind)
        row.bind(payload, isText: record.kind == .text && payload.isUTF8)
        for value in values { row.bind(value) }
      }
      return true
    }

    private func row(
      _ kind: Statement, _ body: (inout Row) -> Void
    ) throws(CaptureError) {
      let statement = unsafe statements[kind.rawValue]
      var row = unsafe Row(statement: statement)
      body(&row)
      let result = unsafe sqlite3_step(statement)
      unsafe sqlite3_reset(statement)
      unsafe sqlite3_clear_bindings(statement)
      if result != SQLITE_DONE || !row.isBound { throw failure() }
    }

    // MARK: Values

    fileprivate enum Value {
      case null
      case integer(Int64)
      case real(Double)
      case text(String)
    }

    /// What stands at the paths; nothing for what is no JSON.
    private static func values(
      _ payload: RawSpan, _ scanner: inout JSONScanner, _ count: Int
    ) -> [Value] {
      do throws(JSONError) {
        let found = try scanner.scan(payload)
        var values: [Value] = []
        for index in 0..<count { values.append(Value(found[index])) }
        return values
      } catch { return [] }
    }

    /// Makes indexes, and closes the database.
    package func finish() throws(CaptureError) {
      try run("COMMIT; CREATE INDEX messages_time ON messages(time_ns)")
      close()
    }
  }

  extension SQLiteExporter.Value {
    fileprivate init(_ value: borrowing JSONValue) {
      switch value.kind {
      case .missing, .null: self = .null
      case .true: self = .integer(1)
      case .false: self = .integer(0)
      case .number:
        if let integer = value.int64 {
          self = .integer(integer)
        } else {
          self = .real(value.double ?? 0)
        }
      case .string: self = .text(value.string ?? "")
      case .array, .object: self = .text(String(lossy: value.text))
      }
    }
  }

  /// The values of a row, bound one after the other.
  ///
  /// `@safe`: made for a statement that outlives it.
  @safe private struct Row {
    let statement: OpaquePointer
    private var index: Int32 = 0

    /// Whether SQLite has taken them all.
    private(set) var isBound = true

    init(statement: OpaquePointer) { unsafe self.statement = statement }

    private mutating func bind(_ body: (OpaquePointer, Int32) -> Int32) {
      index += 1
      if unsafe body(statement, index) != SQLITE_OK { isBound = false }
    }

    mutating func bind(_ value: Int64) { unsafe bind { unsafe sqlite3_bind_int64($0, $1, value) } }

    /// Nil is NULL.
    mutating func bind(_ text: String?) {
      guard var text else { return unsafe bind { unsafe sqlite3_bind_null($0, $1) } }
      text.withUTF8 { bytes in
        unsafe bind { unsafe mwc_sqlite_bind_text($0, $1, bytes.baseAddress, UInt64(bytes.count)) }
      }
    }

    mutating func bind(_ payload: RawSpan, isText: Bool) {
      unsafe payload.withUnsafeBytes { bytes in
        let base = bytes.baseAddress
        let count = UInt64(payload.byteCount)
        unsafe bind {
          unsafe isText
            ? mwc_sqlite_bind_text($0, $1, base, count) : mwc_sqlite_bind_blob($0, $1, base, count)
        }
      }
    }

    mutating func bind(_ value: SQLiteExporter.Value) {
      switch value {
      case .null: bind(String?.none)
      case .integer(let value): bind(value)
      case .real(let value): unsafe bind { unsafe sqlite3_bind_double($0, $1, value) }
      case .text(let text): bind(text)
      }
    }
  }
#endif
