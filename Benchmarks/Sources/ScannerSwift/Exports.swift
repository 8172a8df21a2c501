import ScannerPeers

// Swift's part in the measurement, with the face of a C competitor (`peer_swift` in main.c).

@_cdecl("swift_scanner_open")
func open(_ stream: UnsafePointer<stream>) -> UnsafeMutableRawPointer {
  unsafe Unmanaged.passRetained(SwiftScanner(stream)).toOpaque()
}

@_cdecl("swift_scanner_pass")
func pass(_ state: UnsafeMutableRawPointer, _ stream: UnsafePointer<stream>) -> UInt64 {
  unsafe Unmanaged<SwiftScanner>.fromOpaque(state)._withUnsafeGuaranteedRef {
    unsafe $0.pass(stream)
  }
}

@_cdecl("swift_scanner_pass_batches")
func passBatches(
  _ state: UnsafeMutableRawPointer, _ stream: UnsafePointer<stream>
) -> UInt64 {
  unsafe Unmanaged<SwiftScanner>.fromOpaque(state)._withUnsafeGuaranteedRef {
    unsafe $0.passBatches(stream)
  }
}

@_cdecl("swift_scanner_close")
func close(_ state: UnsafeMutableRawPointer) {
  unsafe Unmanaged<SwiftScanner>.fromOpaque(state).release()
}
