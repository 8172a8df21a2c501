import MWCCore

/// What a scan without paths says about a document: nil if all is well.
func verdict(
  _ bytes: [UInt8], options: JSONScanner.Options = [], depth: Int = 1024
) -> JSONError? {
  do throws(JSONError) {
    var scanner = try JSONScanner(paths: [], options: options, depth: depth)
    _ = unsafe try scanner.scan(bytes.span.bytes)
    return nil
  } catch {
    return error
  }
}

func verdict(_ text: String, options: JSONScanner.Options = []) -> JSONError? {
  verdict(Array(text.utf8), options: options)
}

/// Documents that use everything JSON has.
let jsonSamples = [
  #"{"type": "monitoring_data", "data": {"gpu": null, "cores": [1, 2.5, -3e-7, 0]}, "ok": true}"#,
  #"[[], {}, [{}], {"a": []}, "", "é 𝄞 \u00e9\ud834\udd1e\n\\\"\/", false, null, 1E+2, -0.0]"#,
  "\t\r\n {\"\" : [ 0 , \"abcdefgh01234567\\\"89\" ] , \"k\\u0065y\" : -1 } \n",
]
