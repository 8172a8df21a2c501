internal import Glibc
package import MWCCapture
package import SystemPackage

/// A capture that comes through a pipe: says when it is about to wait for more, so that what was read
/// before can be shown first.
package final class PatientSource: CaptureSource {
  private let stream: any CaptureSource
  private let beforeWaiting: () -> Void

  package init(_ stream: any CaptureSource, beforeWaiting: @escaping () -> Void) {
    self.stream = stream
    self.beforeWaiting = beforeWaiting
  }

  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
  ) throws(Errno) -> Int {
    var request = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    if unsafe poll(&request, 1, 0) == 0 { beforeWaiting() }
    return unsafe try stream.read(into: buffer, at: offset)
  }

  package func size() throws(Errno) -> Int64? { try stream.size() }
}
