internal import ArgumentParser
internal import MWCCapture
internal import MWCCore

/// `mwc verify`: whether every byte of a capture is what was written.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every byte of a capture.",
    discussion: """
      Checks all checksums, counts and the index. The status is 0 when the capture is finished and \
      all of it fits; 1 when something is damaged or missing, or when the capture is not finished: \
      cut off by a crash, or still being recorded. Each place is named with its offsets in bytes.

      EXAMPLES
        mwc verify run.cap
        mwc verify run.cap || mwc recover run.cap -o mended.cap
        mwc verify --json run.cap | jq .damage
        mwc verify archive/*.cap
        ssh host cat run.cap | mwc verify -
      """)

  @Argument(
    help: ArgumentHelp("The captures to check; - is standard input.", valueName: "file"),
    completion: .file(extensions: ["cap"]))
  var files: [String]

  @Flag(help: "One JSON object for each capture, a line each.")
  var json = false

  func run() throws {
    var isClean = true
    for file in files {
      let verification: CaptureVerification
      do { verification = try CaptureVerification.verify(file) } catch {
        throw CommandFailure(error)
      }
      writeToStandardOutput(json ? verification.json + "\n" : verification.text)
      if verification.state != .finished { isClean = false }
    }
    if !isClean { throw CommandFailure(.badData) }
  }
}

extension CaptureVerification {
  /// Lines for people, each with its end: how things stand, and every place where something is wrong.
  fileprivate var text: String {
    let amount =
      "\(NumberText.counted(records, "record")) in \(NumberText.counted(blocks, "block"))"
    var lines: [String] = []
    switch state {
    case .finished: lines.append("\(file): clean: \(amount)")
    case .unfinished: lines.append("\(file): not finished: \(amount) \(cut)")
    case .damaged:
      lines.append(
        "\(file): damaged: \(amount) can be read; 'mwc recover \(file) -o FILE' keeps them")
      lines += holes.map(\.text)
      if holeCount > holes.count {
        lines.append("  and \(NumberText.grouped(holeCount - holes.count)) more places")
      }
      lines += contradictions.map { "  \($0.place)\($0.reason)" }
      if excessBytes > 0 { lines.append("  not finished: the rest \(cut)") }
    }
    return lines.map { Console.visible($0) + "\n" }.joined()
  }

  /// Where an unfinished capture is cut.
  private var cut: String {
    let end = fileSize - excessBytes
    if excessBytes == 0 { return "fit; it ends at offset \(end) without index and trailer" }
    return "fit up to offset \(end); behind it \(NumberText.counted(excessBytes, "byte")) of a "
      + "write that was cut off"
  }

  /// One JSON object.
  fileprivate var json: String {
    var json = JSONWriter()
    json.beginObject()
    json.member("file", file)
    json.member("state", state.rawValue)
    json.member("file_bytes", fileSize)
    json.member("complete_bytes", fileSize - excessBytes)
    json.member("excess_bytes", excessBytes)
    json.member("sessions", sessions)
    json.member("blocks", blocks)
    json.member("records", records)
    json.member("payload_bytes", payloadBytes)
    json.member("damage_count", holeCount + contradictions.count)
    json.key("damage")
    json.beginArray()
    for hole in holes { hole.append(to: &json) }
    for contradiction in contradictions {
      json.beginObject()
      json.member("from", contradiction.offset)
      json.member("reason", contradiction.reason)
      json.endObject()
    }
    json.endArray()
    json.endObject()
    return json.text
  }
}

extension CaptureHole {
  /// `  offset 1048576 to 1050000: block 17: checksum does not fit; missing 34 records`.
  var text: String {
    let missing =
      missingRecords.map { "missing \(NumberText.counted($0, "record"))" }
      ?? "how many records are missing is not known"
    let block = error.block.map { "block \($0): " } ?? ""
    return "  offset \(start) to \(end): \(block)\(error.reason); \(missing)"
  }

  fileprivate func append(to json: inout JSONWriter) {
    json.beginObject()
    json.member("from", start)
    json.member("to", end)
    json.member("block", error.block)
    json.member("reason", error.reason)
    json.member("missing_records", missingRecords)
    json.endObject()
  }
}

extension CaptureError {
  /// `offset 4096: block 3: `, as far as known.
  fileprivate var place: String {
    (offset.map { "offset \($0): " } ?? "") + (block.map { "block \($0): " } ?? "")
  }
}
