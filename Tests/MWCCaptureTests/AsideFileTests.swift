import Foundation
import MWCTestSupport
import Testing

@testable import MWCCapture

/// Outputs that are there complete or not at all.
@Suite struct AsideFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  private func text(_ name: String) -> String? {
    FileManager.default.contents(atPath: folder.file(name)).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  private func write(_ text: String, to output: AsideFile) throws {
    let bytes = Array(text.utf8)
    unsafe try output.file.writeAll(bytes.span.bytes, at: 0)
  }

  @Test func appearsWhenItIsFinished() throws {
    let output = try AsideFile.creating(folder.file("a.csv"), overwrites: false)
    try write("all of it", to: output)
    #expect(text("a.csv") == nil)
    #expect(try names().count == 1)
    try output.finish()
    #expect(try names() == ["a.csv"])
    #expect(text("a.csv") == "all of it")
    let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("a.csv"))
    #expect(attributes[.posixPermissions] as? Int == 0o600)
  }

  @Test func leavesNothingWhenAbandoned() throws {
    let output = try AsideFile.creating(folder.file("a.csv"), overwrites: false)
    try write("half of", to: output)
    output.abandon()
    #expect(try names() == [])
  }

  @Test func refusesWhatIsThere() throws {
    try folder.write("old".utf8, to: "a.csv")
    let error = #expect(throws: CaptureError.self) {
      try AsideFile.creating(folder.file("a.csv"), overwrites: false)
    }
    #expect(error?.code == .exists)
    #expect(error?.advice == "--force overwrites it")
    #expect(try names() == ["a.csv"])
  }

  @Test func keepsTheOldFileToTheEnd() throws {
    try folder.write("old".utf8, to: "a.csv")
    let output = try AsideFile.creating(folder.file("a.csv"), overwrites: true)
    try write("new", to: output)
    #expect(text("a.csv") == "old")
    try output.finish()
    #expect(text("a.csv") == "new")
    #expect(try names() == ["a.csv"])
  }

  @Test func refusesWhatAppearsMeanwhile() throws {
    let output = try AsideFile.creating(folder.file("a.csv"), overwrites: false)
    try folder.write("of another".utf8, to: "a.csv")
    let error = #expect(throws: CaptureError.self) { try output.finish() }
    #expect(error?.code == .exists)
    #expect(text("a.csv") == "of another")
    #expect(try names() == ["a.csv"])
  }

  @Test func leavesARunningRecordingAlone() throws {
    let recording = try LocalFile.writing(folder.file("a.cap"), existing: .refuse)
    defer { recording.close() }
    let error = #expect(throws: CaptureError.self) {
      try AsideFile.creating(folder.file("a.cap"), overwrites: true)
    }
    #expect(error?.code == .locked)
  }

  @Test func namesAFolderAsOne() throws {
    let error = #expect(throws: CaptureError.self) {
      try AsideFile.creating(folder.path, overwrites: true)
    }
    #expect(error?.code == .cannotCreate)
    let missing = folder.file("no/a.csv")
    let other = #expect(throws: CaptureError.self) {
      try AsideFile.creating(missing, overwrites: false)
    }
    #expect(other?.code == .cannotCreate)
    #expect(other?.file == missing)
  }

  @Test func writesDevicesDirectly() throws {
    let output = try AsideFile.creating("/dev/null", overwrites: false)
    #expect(output.partialPath == nil)
    try write("x", to: output)
    try output.finish()
  }
}
