import MWCCore
import ScannerPeers

/// The scanner as a Swift program would use it, one per stream.
final class SwiftScanner {
  private var use: Use
  init(_ stream: UnsafePointer<stream>) { unsafe use = Use(stream) }

  func pass(_ stream: UnsafePointer<stream>) -> UInt64 {
    unsafe use.pass(stream.pointee, isBatched: false)
  }
  func passBatches(_ stream: UnsafePointer<stream>) -> UInt64 {
    unsafe use.pass(stream.pointee, isBatched: true)
  }
}

/// Apart from the class, so that a pass is one access to it and not one per message.
private struct Use: ~Copyable {
  private var scanner: JSONScanner
  private var batch: JSONBatch
  private var scratch: [UInt8] = []

  init(_ stream: UnsafePointer<stream>) {
    let count = unsafe stream.pointee.path_count
    let paths = (0..<count).map { index in
      unsafe String(cString: stream.pointee.paths[index].unsafelyUnwrapped)
    }
    scanner = JSONScanner(valid: paths, options: .convert)
    batch = JSONBatch(capacity: 16, for: scanner)
    scratch.reserveCapacity(65536)
  }

  mutating func pass(_ stream: stream, isBatched: Bool) -> UInt64 {
    unsafe switch stream.kind {
    case STREAM_MONITORING: unsafe pass(stream, isBatched, Monitoring.self)
    case STREAM_ALERTS: unsafe pass(stream, isBatched, Alerts.self)
    case STREAM_DOCUMENTED, STREAM_SHIPPED: unsafe pass(stream, isBatched, Metrics.self)
    case STREAM_LOGS, STREAM_HISTORIES: unsafe pass(stream, isBatched, Logs.self)
    default: unsafe pass(stream, isBatched, SocketIO.self)
    }
  }

  private mutating func pass<F: Fields>(
    _ stream: stream, _ isBatched: Bool, _ fields: F.Type
  ) -> UInt64 {
    unsafe isBatched
      ? Self.passBatches(stream, &scanner, &batch, &scratch, fields)
      : Self.passOneByOne(stream, &scanner, &scratch, fields)
  }

  @inline(never)
  private static func passOneByOne<F: Fields>(
    _ stream: stream, _ scanner: inout JSONScanner, _ scratch: inout [UInt8], _ fields: F.Type
  ) -> UInt64 {
    var total: UInt64 = 0
    for index in unsafe 0..<stream.count {
      let place = unsafe stream.messages[index]
      let message = unsafe RawSpan(
        _unsafeStart: UnsafeRawPointer(stream.bytes + Int(place.offset)),
        byteCount: Int(place.length))
      do {
        let values = try scanner.scan(message)
        total &+= F.sum(values, &scratch)
      } catch {
        unsafe refuse(stream, index, error)
      }
    }
    return total
  }

  @inline(never)
  private static func passBatches<F: Fields>(
    _ stream: stream, _ scanner: inout JSONScanner, _ batch: inout JSONBatch,
    _ scratch: inout [UInt8], _ fields: F.Type
  ) -> UInt64 {
    let block = unsafe RawSpan(
      _unsafeStart: UnsafeRawPointer(stream.bytes), byteCount: stream.size)
    let count = unsafe stream.count
    var total: UInt64 = 0
    var next = 0
    while next < count {
      batch.removeAll()
      while next < count, !batch.isFull {
        let place = unsafe stream.messages[next]
        batch.append(Int(place.offset)..<Int(place.offset) + Int(place.length))
        next += 1
      }
      scanner.scan(&batch, in: block)
      for index in 0..<batch.count {
        if !batch.isValid(index), let error = batch.error(of: index) {
          unsafe refuse(stream, next - batch.count + index, error)
        }
        total &+= F.sum(batch.values(of: index, in: block), &scratch)
      }
    }
    return total
  }

  @inline(never)
  private static func refuse(_ stream: stream, _ index: Int, _ error: JSONError) -> Never {
    unsafe fatalError("message \(index) of \(String(cString: stream.name)): \(error)")
  }
}

/// The fields of a stream, by their numbers in `streams.h`.
private protocol Fields {
  static func sum(_ values: borrowing JSONValues, _ scratch: inout [UInt8]) -> UInt64
}

extension JSONValues {
  @inline(__always)
  fileprivate func text(_ field: Int, _ scratch: inout [UInt8]) -> UInt64 {
    let value = self[field]
    guard value.kind == .string else { return 0 }
    if value.hasEscapes {
      scratch.removeAll(keepingCapacity: true)
      value.appendString(to: &scratch)
      return unsafe streams_text(UInt32(field), scratch, scratch.count)
    }
    return unsafe value.text.withUnsafeBytes {
      unsafe streams_text(UInt32(field), $0.baseAddress, $0.count)
    }
  }

  @inline(__always)
  fileprivate func integer(_ field: Int) -> UInt64 {
    guard let value = self[field].int64 else { return 0 }
    return streams_integer(UInt32(field), value)
  }

  @inline(__always)
  fileprivate func double(_ field: Int) -> UInt64 {
    guard let value = self[field].double else { return 0 }
    return streams_double(UInt32(field), value)
  }
}

private enum Monitoring: Fields {
  @inline(__always)
  static func sum(_ values: borrowing JSONValues, _ scratch: inout [UInt8]) -> UInt64 {
    var sum = values.text(0, &scratch) &+ values.text(1, &scratch)
    sum &+= values.integer(2) &+ values.integer(3) &+ values.integer(4)
    sum &+= values.double(5) &+ values.double(6)
    sum &+= values.integer(7)
    sum &+= values.double(8) &+ values.double(9)
    sum &+= values.integer(10) &+ values.integer(11) &+ values.integer(12)
    sum &+= values.double(13)
    return sum &+ values.text(14, &scratch)
  }
}

private enum Alerts: Fields {
  @inline(__always)
  static func sum(_ values: borrowing JSONValues, _ scratch: inout [UInt8]) -> UInt64 {
    var sum = values.text(0, &scratch) &+ values.text(1, &scratch)
    sum &+= values.integer(2)
    sum &+= values.double(3) &+ values.double(4)
    sum &+= values.integer(5)
    sum &+= values.double(6)
    sum &+= values.text(7, &scratch)
    sum &+=
      values.double(8) &+ values.double(9) &+ values.double(10) &+ values.double(11)
      &+ values.double(12)
    sum &+=
      values.text(13, &scratch) &+ values.double(14) &+ values.text(15, &scratch)
      &+ values.text(16, &scratch)
    return sum &+ values.text(17, &scratch) &+ values.double(18) &+ values.text(19, &scratch)
  }
}

private enum Metrics: Fields {
  @inline(__always)
  static func sum(_ values: borrowing JSONValues, _ scratch: inout [UInt8]) -> UInt64 {
    var sum = values.double(0) &+ values.double(1) &+ values.double(2) &+ values.double(3)
    sum &+= values.integer(4)
    sum &+=
      values.double(5) &+ values.double(6) &+ values.double(7) &+ values.double(8)
      &+ values.double(9)
    return sum &+ values.double(10) &+ values.double(11) &+ values.double(12) &+ values.double(13)
      &+ values.double(14)
  }
}

private enum Logs: Fields {
  @inline(__always)
  static func sum(_ values: borrowing JSONValues, _ scratch: inout [UInt8]) -> UInt64 {
    var sum = values.text(0, &scratch)
    sum &+= values.integer(1) &+ values.text(2, &scratch) &+ values.text(3, &scratch)
    sum &+= values.integer(4) &+ values.text(5, &scratch) &+ values.text(6, &scratch)
    sum &+= values.integer(7) &+ values.text(8, &scratch) &+ values.text(9, &scratch)
    sum &+= values.integer(10) &+ values.text(11, &scratch) &+ values.text(12, &scratch)
    sum &+= values.integer(13) &+ values.text(14, &scratch) &+ values.text(15, &scratch)
    return sum &+ values.double(16) &+ values.integer(17) &+ values.double(18)
  }
}

private enum SocketIO: Fields {
  @inline(__always)
  static func sum(_ values: borrowing JSONValues, _ scratch: inout [UInt8]) -> UInt64 {
    var sum = values.text(0, &scratch) &+ values.text(1, &scratch) &+ values.text(2, &scratch)
    sum &+= values.integer(3) &+ values.integer(4) &+ values.integer(5)
    sum &+= values.double(6) &+ values.double(7) &+ values.double(8) &+ values.double(9)
    sum &+= values.double(10) &+ values.double(11) &+ values.double(12) &+ values.double(13)
    return sum &+ values.integer(14) &+ values.double(15) &+ values.double(16)
  }
}
