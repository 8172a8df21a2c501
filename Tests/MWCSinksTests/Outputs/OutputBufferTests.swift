import Glibc
import MWCSinks
import SystemPackage
import Testing

@Suite struct OutputBufferTests {
  init() { signal(SIGPIPE, SIG_IGN) }

  private func contents(_ buffer: borrowing OutputBuffer) -> [UInt8] {
    unsafe buffer.bytes.withUnsafeBytes { unsafe Array($0) }
  }

  @Test func appendsAndGrows() {
    var buffer = OutputBuffer(dueCount: 4)
    var expected: [UInt8] = []
    for index in 0..<5000 {
      buffer.append(UInt8(truncatingIfNeeded: index))
      buffer.append("abc" as StaticString)
      buffer.append("déf" as String)
      buffer.append(0x2E, repeated: index % 7)
      expected.append(UInt8(truncatingIfNeeded: index))
      expected += "abcdéf".utf8
      expected += [UInt8](repeating: 0x2E, count: index % 7)
    }
    unsafe buffer.append(upTo: 10) { room in
      unsafe room[0] = 7
      return 1
    }
    expected.append(7)
    #expect(contents(buffer) == expected)
    buffer.truncate(to: 3)
    #expect(contents(buffer) == Array(expected.prefix(3)))
  }

  @Test func saysWhenAWriteIsDue() {
    var buffer = OutputBuffer(dueCount: 3)
    buffer.append("ab" as StaticString)
    let before = buffer.isDue
    buffer.append(0)
    let after = buffer.isDue
    #expect(!before && after)
  }

  @Test func writesEverythingToASlowReader() async throws {
    let pipe = try FileDescriptor.pipe()
    // A non-blocking writer meets a full pipe; it has to wait for the reader and lose nothing.
    let flags = fcntl(pipe.writeEnd.rawValue, F_GETFL)
    _ = fcntl(pipe.writeEnd.rawValue, F_SETFL, flags | O_NONBLOCK)
    let size = 1 << 20
    let reader = Task.detached {
      var total = 0
      try unsafe withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { room in
        while true {
          let count = unsafe try pipe.readEnd.read(into: room)
          if count == 0 { break }
          total += count
        }
      }
      return total
    }
    var buffer = OutputBuffer()
    buffer.append(0x61, repeated: size)
    try buffer.write(to: pipe.writeEnd)
    let rest = buffer.count
    #expect(rest == 0)
    try pipe.writeEnd.close()
    #expect(try await reader.value == size)
    try pipe.readEnd.close()
  }

  @Test func tellsAGoneReaderFromAFailure() throws {
    let pipe = try FileDescriptor.pipe()
    try pipe.readEnd.close()
    var buffer = OutputBuffer()
    buffer.append("lost" as StaticString)
    do {
      try buffer.write(to: pipe.writeEnd)
      Issue.record("a pipe without reader took bytes")
    } catch {
      #expect(error.code == .readerGone)
    }
    let kept = buffer.count
    #expect(kept == 4)
    try pipe.writeEnd.close()

    do {
      try buffer.write(to: FileDescriptor.open(FilePath("/dev/full"), .writeOnly))
      Issue.record("a full device took bytes")
    } catch let error as OutputError {
      #expect(error.code == .writeFailed)
      #expect(error.underlying == .noSpace)
    }
  }
}
