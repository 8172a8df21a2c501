import Glibc
import Testing

@testable import MWC

@Suite struct OutputNameTests {
  private func expand(_ pattern: String, stream: Int = 1) -> String {
    OutputName(pattern: pattern).expanded(
      .init(time: 1_795_256_061_000_000_000, host: "a/b", stream: stream))
  }

  @Test func partsAreFilledIn() {
    unsafe setenv("TZ", "UTC", 1)
    tzset()
    #expect(expand("%h-%Y%m%d-%H%M%S-100%%.cap") == "a_b-20261121-101421-100%.cap")
    #expect(expand("plain.cap") == "plain.cap")
    #expect(expand("%Y/%i.cap", stream: 12) == "2026/0012.cap")
    #expect(OutputName(pattern: "%h-%Y%m%d-%H%M%S-100%%-%i.cap").unknownPart == nil)
  }

  @Test(arguments: [("a%b", "%b"), ("%c.cap", "%c"), ("100%", "%"), ("%%%n", "%n")])
  func unknownPartsAreNamed(_ pattern: String, _ part: String) {
    #expect(OutputName(pattern: pattern).unknownPart == part)
  }

  @Test func whatChanges() {
    #expect(OutputName(pattern: "%Y/a.cap").folderChangesWithTime)
    #expect(!OutputName(pattern: "%Y/a.cap").changesWithTime)
    #expect(OutputName(pattern: "%h/a-%S.cap").changesWithTime)
    #expect(!OutputName(pattern: "%h/a-%S.cap").folderChangesWithTime)
    // A percent sign is none of the parts.
    #expect(!OutputName(pattern: "a-%%S.cap").changesWithTime)
    #expect(OutputName(pattern: "%i/a").hasStream && !OutputName(pattern: "%%i").hasStream)
  }

  @Test(arguments: [
    ("a.cap", 3, "a.0003.cap"), ("a.cap", 0, "a.cap"), ("a", 12_345, "a.12345"),
    (".hidden", 1, ".hidden.0001"), ("a.b.cap", 9999, "a.b.9999.cap"),
  ])
  func numbersStandBeforeTheExtension(_ name: String, _ number: Int, _ numbered: String) {
    #expect(OutputName.numbered(name, number) == numbered)
    let values = OutputName.Values(time: 0, host: "h")
    #expect(OutputName(pattern: "folder/\(name)").number(of: numbered, values) == number)
  }

  @Test(
    arguments: [
      ("run-%Y%m%d.cap", "run-20261121.cap", 0), ("run-%Y%m%d.cap", "run-20261121.0007.cap", 7),
      ("run-%Y%m%d.cap", "run-2026112.cap", nil), ("run-%Y%m%d.cap", "run-20261121.cap.tail", nil),
      ("run-%Y%m%d.cap", "run-20261121x.cap", nil), ("run-%Y%m%d.cap", "run-2026112a.cap", nil),
      ("%h-%i.cap", "host-0002.cap", 0), ("%h-%i.cap", "host-0003.cap", nil),
      ("%h-%i.cap", "other-0002.cap", nil), ("%h-%i.cap", "host-0002.0001.cap", 1),
      ("a.0001.cap", "a.0001.cap", 0), ("a.0001.cap", "a.cap", nil), ("a.cap", "a.0000.cap", nil),
      ("a.cap", "a.001.cap", nil), ("100%%.cap", "100%.cap", 0), ("a.cap", "b.cap", nil),
    ] as [(String, String, Int?)])
  func namesOfASeriesAreTold(_ pattern: String, _ file: String, _ number: Int?) {
    let values = OutputName.Values(time: 0, host: "host", stream: 2)
    #expect(OutputName(pattern: pattern).number(of: file, values) == number)
  }
}
