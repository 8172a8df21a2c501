import CMWCKernels
import Synchronization

/// The vector instructions of this processor.
enum SIMDLevels {
  /// The level is one of the whole process, so tests that choose it take turns.
  private static let turn = Mutex(())

  /// Runs `body` at each level, with its name; afterwards the level is what it was.
  static func forEach<Failure>(_ body: (String) throws(Failure) -> Void) throws(Failure) {
    try turn.withLock { _ throws(Failure) in
      let chosen = mwc_simd_level()
      defer { _ = mwc_simd_force(chosen) }
      for level in 0..<Int32(MWC_SIMD_LEVELS) where mwc_simd_force(level) {
        try body(unsafe String(cString: mwc_simd_name(level)))
      }
    }
  }

  /// Runs `body`, which chooses levels itself, while no other test does.
  static func taken<Result>(_ body: () -> Result) -> Result { turn.withLock { _ in body() } }
}
