package import MWCSinks
package import SystemPackage

/// Text on its way to a descriptor: appended by a formatter, written when much has gathered, when
/// nothing more is to come soon, or when its owner says so. One thread.
package final class DescriptorOutput {
  package var buffer = OutputBuffer()
  private let descriptor: FileDescriptor
  private let beforeWriting: () -> Void

  /// - Parameters:
  ///   - descriptor: where the text goes; not closed.
  ///   - beforeWriting: called before each write, to take away a live line on the same terminal.
  package init(_ descriptor: FileDescriptor, beforeWriting: @escaping () -> Void = {}) {
    self.descriptor = descriptor
    self.beforeWriting = beforeWriting
  }

  /// Writes if enough has gathered to be worth it.
  package func flushIfDue() throws(OutputError) {
    if buffer.isDue { try flush() }
  }

  /// Writes what has gathered. After an error it is still there, and the next flush fails again.
  package func flush() throws(OutputError) {
    guard !buffer.isEmpty else { return }
    beforeWriting()
    try buffer.write(to: descriptor)
  }
}
