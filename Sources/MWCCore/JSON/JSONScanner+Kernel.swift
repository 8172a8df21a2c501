package import CMWCKernels

extension JSONScanner {
  /// The kernel's scanner, for kernels that scan on behalf of others. It lives as long as this one.
  package borrowing func withKernel<Result>(_ body: (OpaquePointer) -> Result) -> Result {
    unsafe body(scanner)
  }
}

extension JSONValues {
  /// Values that a kernel has located in `json` and converted; they have to stay as long as that.
  @_lifetime(copy json)
  package init(located values: UnsafePointer<mwc_json_value>, in json: RawSpan, count: Int) {
    unsafe self.init(json: json, values: values, count: count, areConverted: true)
  }
}
