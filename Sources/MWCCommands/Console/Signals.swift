internal import Dispatch
internal import Glibc

/// Calls a handler, off the main thread, each time one of some signals arrives. The signals' default
/// action is off from the moment the watch is made until the process ends.
package final class SignalWatch {
  private let sources: [any DispatchSourceSignal]

  /// - Parameters:
  ///   - signals: for instance `[SIGINT, SIGTERM]`.
  ///   - handler: gets the signal's number.
  package init(_ signals: [Int32], handler: @escaping @Sendable (Int32) -> Void) {
    let queue = DispatchQueue(label: "mwc.signals")
    sources = signals.map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { handler(number) }
      source.resume()
      return source
    }
  }

  deinit { sources.forEach { $0.cancel() } }
}
