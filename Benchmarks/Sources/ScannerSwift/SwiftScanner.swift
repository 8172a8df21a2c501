import MWCCore
import ScannerPeers

/// The scanner as a Swift program would use it, one per stream.
final class SwiftScanner {
  private var use: Use
  init(_ stream: UnsafePointer<stream>) { unsafe use = Use(stream) }

  func pass(_ stream: UnsafePointer<stream>) -> UInt64 { unsafe use.pass(stream.pointee) }
}

/// Apart from the class, so that a pass is one access to it and not one per message.
private struct Use: ~Copyable {
  private var scanner: JSONScanner
  private var scratch: [UInt8] = []

  init(_ stream: UnsafePointer<stream>) {
    let count = unsafe stream.pointee.path_count
    let paths = (0..<count).map { index in
      unsafe String(cString: stream.pointee.paths[index].unsafelyUnwrapped)
    }
    scanner = JSONScanner(valid: paths, options: .convert)
    scratch.reserveCapacity(65536)
  }

  mutating func pass(_ stream: stream) -> UInt64 {
    unsafe switch stream.kind {
    case STREAM_MONITORING: unsafe Self.pass(stream, &scanner, &scratch) { $0.monitoring(&$1) }
    case STREAM_ALERTS: unsafe Self.pass(stream, &scanner, &scratch) { $0.alerts(&$1) }
    case STREAM_DOCUMENTED, STREAM_SHIPPED:
      unsafe Self.pass(stream, &scanner, &scratch) { $0.metrics(&$1) }
    case STREAM_LOGS, STREAM_HISTORIES:
      unsafe Self.pass(stream, &scanner, &scratch) { $0.logs(&$1) }
    default: unsafe Self.pass(stream, &scanner, &scratch) { $0.socketio(&$1) }
    }
  }

  @inline(__always)
  private static func pass(
    _ stream: stream, _ scanner: inout JSONScanner, _ scratch: inout [UInt8],
    _ sum: (borrowing JSONValues, inout [UInt8]) -> UInt64
  ) -> UInt64 {
    var total: UInt64 = 0
    for index in unsafe 0..<stream.count {
      let place = unsafe stream.messages[index]
      let message = unsafe RawSpan(
        _unsafeStart: UnsafeRawPointer(stream.bytes + Int(place.offset)),
        byteCount: Int(place.length))
      do {
        let values = try scanner.scan(message)
        total &+= sum(values, &scratch)
      } catch {
        unsafe fatalError("message \(index) of \(String(cString: stream.name)): \(error)")
      }
    }
    return total
  }
}

/// The fields of `streams.h`, by their numbers.
extension JSONValues {
  @inline(__always)
  private func text(_ field: Int, _ scratch: inout [UInt8]) -> UInt64 {
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
  private func integer(_ field: Int) -> UInt64 {
    guard let value = self[field].int64 else { return 0 }
    return streams_integer(UInt32(field), value)
  }

  @inline(__always)
  private func double(_ field: Int) -> UInt64 {
    guard let value = self[field].double else { return 0 }
    return streams_double(UInt32(field), value)
  }

  fileprivate func monitoring(_ scratch: inout [UInt8]) -> UInt64 {
    var sum = text(0, &scratch) &+ text(1, &scratch)
    sum &+= integer(2) &+ integer(3) &+ integer(4)
    sum &+= double(5) &+ double(6)
    sum &+= integer(7)
    sum &+= double(8) &+ double(9)
    sum &+= integer(10) &+ integer(11) &+ integer(12)
    sum &+= double(13)
    return sum &+ text(14, &scratch)
  }

  fileprivate func alerts(_ scratch: inout [UInt8]) -> UInt64 {
    var sum = text(0, &scratch) &+ text(1, &scratch)
    sum &+= integer(2)
    sum &+= double(3) &+ double(4)
    sum &+= integer(5)
    sum &+= double(6)
    sum &+= text(7, &scratch)
    sum &+= double(8) &+ double(9) &+ double(10) &+ double(11) &+ double(12)
    sum &+= text(13, &scratch) &+ double(14) &+ text(15, &scratch) &+ text(16, &scratch)
    return sum &+ text(17, &scratch) &+ double(18) &+ text(19, &scratch)
  }

  fileprivate func metrics(_ scratch: inout [UInt8]) -> UInt64 {
    var sum = double(0) &+ double(1) &+ double(2) &+ double(3)
    sum &+= integer(4)
    sum &+= double(5) &+ double(6) &+ double(7) &+ double(8) &+ double(9)
    return sum &+ double(10) &+ double(11) &+ double(12) &+ double(13) &+ double(14)
  }

  fileprivate func logs(_ scratch: inout [UInt8]) -> UInt64 {
    var sum = text(0, &scratch)
    sum &+= integer(1) &+ text(2, &scratch) &+ text(3, &scratch)
    sum &+= integer(4) &+ text(5, &scratch) &+ text(6, &scratch)
    sum &+= integer(7) &+ text(8, &scratch) &+ text(9, &scratch)
    sum &+= integer(10) &+ text(11, &scratch) &+ text(12, &scratch)
    sum &+= integer(13) &+ text(14, &scratch) &+ text(15, &scratch)
    return sum &+ double(16) &+ integer(17) &+ double(18)
  }

  fileprivate func socketio(_ scratch: inout [UInt8]) -> UInt64 {
    var sum = text(0, &scratch) &+ text(1, &scratch) &+ text(2, &scratch)
    sum &+= integer(3) &+ integer(4) &+ integer(5)
    sum &+= double(6) &+ double(7) &+ double(8) &+ double(9)
    sum &+= double(10) &+ double(11) &+ double(12) &+ double(13)
    return sum &+ integer(14) &+ double(15) &+ double(16)
  }
}
