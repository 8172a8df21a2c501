import Foundation
import MWCCapture
import MWCTestSupport
import Testing

@testable import MWC

@Suite struct RetentionTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// Files of these sizes, the first is the oldest.
  private func files(_ sizes: [Int]) throws -> [StoredCapture] {
    try sizes.enumerated().map { index, size in
      let path = try folder.write([UInt8](repeating: 0, count: size), to: "file-\(index)")
      return try #require(StoredCapture(at: path))
    }
  }

  private func kept(_ sizes: [Int], count: Int? = nil, size: Int64? = nil) throws -> [Int64] {
    var retention = Retention(count: count, size: size)
    let files = try files(sizes)
    files.forEach { retention.add($0) }
    let excess = retention.excess()
    #expect(excess + retention.files == files, "all are kept or deleted, oldest first")
    #expect(retention.excess().isEmpty, "once is enough")
    return retention.files.map(\.size)
  }

  @Test func theNewestStay() throws {
    #expect(try kept([1, 2, 3, 4], count: 2) == [3, 4])
    #expect(try kept([1, 2], count: 2) == [1, 2])
    #expect(try kept([1, 2], count: 1) == [2])
    #expect(try kept([], count: 1) == [])
    #expect(try kept([10, 20, 30], size: 50) == [20, 30])
    #expect(try kept([10, 20, 30], size: 49) == [30])
    #expect(try kept([10, 20, 30], size: 1) == [30])
    #expect(try kept([10, 20, 30], size: 60) == [10, 20, 30])
    #expect(try kept([1, 1, 1, 50, 1], count: 3, size: 10) == [1])
    #expect(try kept([1, 1, 1, 1], count: 3, size: 2) == [1, 1])
  }

  @Test func withoutLimitsNothingIsRemembered() throws {
    var retention = Retention(count: nil, size: nil)
    try files([1, 2]).forEach { retention.add($0) }
    #expect(retention.files.isEmpty && retention.excess().isEmpty)
  }

  @Test func whatCouldNotBeDeletedIsNextAndTakesNobodysPlace() throws {
    var retention = Retention(count: 2, size: nil)
    let files = try files([1, 2, 3, 4])
    files.prefix(3).forEach { retention.add($0) }
    #expect(retention.excess() == [files[0]])
    retention.putBack(files[0])
    retention.add(files[3])
    #expect(retention.excess() == [files[0], files[1]])
    #expect(retention.files == [files[2], files[3]])
  }

  // MARK: Deleting

  @Test func theTailGoesToo() throws {
    let path = try folder.write([1, 2, 3], to: "a.cap")
    try folder.write([4, 5], to: "a.cap.tail")
    let file = try #require(StoredCapture(at: path))
    #expect(file.size == 5)
    try file.delete()
    #expect(StoredCapture.names(in: folder.path).isEmpty)
    // Gone is gone.
    try file.delete()
  }

  @Test func anotherFileUnderTheSameNameStays() throws {
    let path = try folder.write([1], to: "a.cap")
    let file = try #require(StoredCapture(at: path))
    // The old file keeps its inode, so that the new one has another.
    try FileManager.default.moveItem(atPath: path, toPath: folder.file("moved"))
    try folder.write([2], to: "a.cap")
    try file.delete()
    #expect(StoredCapture.names(in: folder.path).sorted() == ["a.cap", "moved"])
  }

  @Test func whatSomebodyWritesStays() async throws {
    let path = folder.file("a.cap")
    var options = CaptureWriter.Options()
    options.minFree = 0
    let writer = try CaptureWriter(
      path: path, session: CaptureSession(wallAnchor: 0, monotonicAnchor: 0), options: options)
    let file = try #require(StoredCapture(at: path))
    let error = #expect(throws: CaptureError.self) { try file.delete() }
    #expect(error?.code == .locked)
    let said = try #require(error?.description)
    #expect(said.hasPrefix("\(path): cannot be deleted while it is being written"))
    try writer.close()
    // A program that another test starts has the lock, too, until it has begun.
    try await waitUntil("nobody holds the lock") { (try? file.delete()) != nil }
    #expect(StoredCapture.names(in: folder.path).isEmpty)
  }

  @Test func linksAndFoldersAreNoCaptures() throws {
    #expect(StoredCapture(at: folder.path) == nil)
    #expect(StoredCapture(at: folder.file("none")) == nil)
    try folder.write([1], to: "a")
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("link"), withDestinationPath: folder.file("a"))
    #expect(StoredCapture(at: folder.file("link")) == nil)
  }
}
