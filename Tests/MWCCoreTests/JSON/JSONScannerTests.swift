import MWCCore
import MWCTestSupport
import Testing

@Suite struct JSONScannerTests {
  /// The values of paths in a document, as they are spelled, with their kind.
  private func find(_ paths: [String], in text: String) throws -> [String] {
    var scanner = try JSONScanner(paths: paths)
    let bytes = Array(text.utf8)
    let values = unsafe try scanner.scan(bytes.span.bytes)
    return paths.indices.map { index in
      let value = values[index]
      let text = unsafe value.text.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
      return "\(value.kind) \(text)"
    }
  }

  @Test func locatesValuesOfEveryKind() throws {
    let text = #"""
      {"n":null,"t":true,"f":false,"i":-12,"d":1.5e3,"s":"a\"b","a":[ 1,{"x":[2]} ],"o":{"k":{"z":0}}}
      """#
    let found = try find(
      ["n", "t", "f", "i", "d", "s", "a", "o", "a[0]", "a[1].x[0]", "a[2]", "o.k.z", "o.k", "$"],
      in: text)
    #expect(
      found == [
        "null null", "true true", "false false", "number -12", "number 1.5e3", #"string a\"b"#,
        #"array [ 1,{"x":[2]} ]"#, #"object {"k":{"z":0}}"#, "number 1", "number 2", "missing ",
        "number 0", #"object {"z":0}"#, "object " + text,
      ])
  }

  @Test func documentsThatAreNoObjects() throws {
    #expect(try find(["$", "a", "[0]"], in: "7") == ["number 7", "missing ", "missing "])
    #expect(try find(["[1]", "$[0].a"], in: #"[{"a":1},2]"#) == ["number 2", "number 1"])
    #expect(try find([""], in: "\"x\"") == ["string x"])
  }

  /// Names step into objects only, indices into arrays only.
  @Test func stepsFitTheirContainers() throws {
    #expect(try find(["a[0]"], in: #"{"a":{"0":1}}"#) == ["missing "])
    #expect(try find(["a.b"], in: #"{"a":[{"b":1}]}"#) == ["missing "])
    #expect(try find(["a.b", "a[0]"], in: #"{"a":[1]}"#) == ["missing ", "number 1"])
    #expect(try find(["a.b", "a[0]"], in: #"{"a":{"b":2}}"#) == ["number 2", "missing "])
    #expect(try find(["a.b.c"], in: #"{"b":{"c":1},"a":{"c":2,"b":3}}"#) == ["missing "])
  }

  @Test func lastOfEqualKeysCounts() throws {
    #expect(try find(["a"], in: #"{"a":1,"b":0,"a":"x"}"#) == ["string x"])
    #expect(try find(["a"], in: #"{"a":1,"\u0061":2}"#) == ["number 2"])
    // What hung below the earlier value is gone with it.
    #expect(
      try find(["a.b", "a.c", "a"], in: #"{"a":{"b":1,"c":2},"a":{"c":3}}"#)
        == ["missing ", "number 3", #"object {"c":3}"#])
    #expect(
      try find(["a.b", "a[1]"], in: #"{"a":{"b":1},"a":[5,6],"a":null}"#) == [
        "missing ", "missing ",
      ])
    #expect(try find(["a.b.c"], in: #"{"a":{"b":{"c":1}},"a":{"b":{}}}"#) == ["missing "])
    #expect(
      try find(["a.b", "x.b"], in: #"{"x":{"b":1},"a":{"b":2},"a":{}}"#) == [
        "missing ", "number 1",
      ])
  }

  @Test func namesWithEscapesAndMarks() throws {
    #expect(try find(["é.ü"], in: #"{"\u00e9":{"\u00fc":1}}"#) == ["number 1"])
    #expect(
      try find([#"["a.b"]"#, #"c["[0]"]"#], in: #"{"a.b":1,"c":{"[0]":2}}"#) == [
        "number 1", "number 2",
      ])
    #expect(try find([#"["\"\u0041"]"#], in: #"{"\"A":1}"#) == ["number 1"])
    #expect(try find([#"[""]"#], in: #"{"":1}"#) == ["number 1"])
    #expect(try find(["𝄞"], in: #"{"\ud834\udd1e":1}"#) == ["number 1"])
    // One is a prefix of the other.
    #expect(
      try find(["ab", "a", "abc"], in: #"{"abc":3,"a":1,"ab":2}"#) == [
        "number 2", "number 1", "number 3",
      ])
  }

  @Test func valuesAreForgottenBetweenMessages() throws {
    var scanner = try JSONScanner(paths: ["a.b", "c"])
    let first = Array(#"{"a":{"b":1},"c":2}"#.utf8)
    let second = Array(#"{"a":{}}"#.utf8)
    for _ in 0..<3 {
      do {
        let values = unsafe try scanner.scan(first.span.bytes)
        let number = values[0].int64
        #expect(number == 1)
      }
      do {
        let values = unsafe try scanner.scan(second.span.bytes)
        let isForgotten = values[0].isMissing && values[1].isMissing
        #expect(isForgotten)
      }
      #expect(throws: JSONError.self) {
        _ = unsafe try scanner.scan(Array("{".utf8).span.bytes)
      }
    }
  }

  @Test(
    arguments: [
      ([".", "a"], .pathSyntax, 0), (["a", "b."], .pathSyntax, 1), (["a..b"], .pathSyntax, 0),
      (["a["], .pathSyntax, 0), (["a[]"], .pathSyntax, 0), (["a[x]"], .pathSyntax, 0),
      (["a[-1]"], .pathSyntax, 0),
      (["a[1"], .pathSyntax, 0), (["a[1]b"], .pathSyntax, 0), (["a]"], .pathSyntax, 0),
      (["$a"], .pathSyntax, 0),
      ([#"["a"#], .pathSyntax, 0), ([#"["a"x]"#], .pathSyntax, 0), ([#"["\x"]"#], .pathSyntax, 0),
      (["a[99999999999]"], .pathSyntax, 0), ([#"a"b"#], .pathSyntax, 0),
      (["a.b", "x", "a.b"], .pathDuplicate, 2), (["a", "$.a"], .pathDuplicate, 1),
      (["a", #"["\u0061"]"#], .pathDuplicate, 1), (["", "$"], .pathDuplicate, 1),
      ([Array(repeating: "a", count: 33).joined(separator: ".")], .pathLimit, 0),
      ((0..<257).map { "p\($0)" }, .pathLimit, 256),
    ] as [([String], JSONError.Code, Int)])
  func refusesPaths(_ paths: [String], _ code: JSONError.Code, _ index: Int) {
    do throws(JSONError) {
      _ = try JSONScanner(paths: paths)
      Issue.record("\(paths) was taken")
    } catch {
      #expect(error == JSONError(code, at: index))
    }
  }

  @Test func takesAsManyPathsAndStepsAsItSays() throws {
    let deep = Array(repeating: "a", count: 32).joined(separator: ".")
    let document = String(repeating: #"{"a":"#, count: 32) + "7" + String(repeating: "}", count: 32)
    #expect(try find([deep], in: document) == ["number 7"])
    // Deeper documents are followed no further than the path goes.
    let deeper = String(repeating: #"{"a":"#, count: 40) + "7" + String(repeating: "}", count: 40)
    #expect(try find([deep], in: deeper)[0].hasPrefix("object "))
    let many = (0..<256).map { "p\($0).x" }
    let wide = "{" + (0..<256).map { #""p\#($0)":{"x":\#($0)}"# }.joined(separator: ",") + "}"
    #expect(try find(many, in: wide) == (0..<256).map { "number \($0)" })
  }

  @Test func compiledPathsKeepTheirOrder() throws {
    // Inserted in any order, nodes end up in preorder; every path must still find its own value.
    let paths = ["b.y.q", "a", "b", "b.x", "c[1]", "b.y", "c[0].z", "b.y.p", "c", "a2.b"]
    let text = #"{"a":1,"b":{"x":2,"y":{"p":3,"q":4}},"c":[{"z":5},6],"a2":{"b":7}}"#
    let expected = [
      "number 4", "number 1", #"object {"x":2,"y":{"p":3,"q":4}}"#, "number 2", "number 6",
      #"object {"p":3,"q":4}"#, "number 5", "number 3", #"array [{"z":5},6]"#, "number 7",
    ]
    var generator = TestSupport.generator(for: "order of JSON paths")
    for _ in 0..<50 {
      let order = paths.indices.shuffled(using: &generator)
      #expect(try find(order.map { paths[$0] }, in: text) == order.map { expected[$0] }, "\(order)")
    }
  }

  @Test func eventsOfAWalk() throws {
    var seen: [String] = []
    let bytes = Array(#"{"a":[1,"x",{}],"b\n":null} "#.utf8)
    try unsafe JSONEvent.forEach(in: bytes.span.bytes) { event in
      let text = String(decoding: bytes[event.range], as: UTF8.self)
      seen.append("\(event.depth) \(event.kind) \(text)")
    }
    #expect(
      seen == [
        "0 objectBegin {", "1 key a", "1 arrayBegin [", "2 number 1", "2 string x",
        "2 objectBegin {", "2 objectEnd }", "1 arrayEnd ]", #"1 key b\n"#, "1 null null",
        "0 objectEnd }",
      ])
  }
}
