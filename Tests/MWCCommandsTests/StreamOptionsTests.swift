import ArgumentParser
import Glibc
import MWCTestSupport
import MWCTransport
import Testing

@testable import MWCCommands

@Suite struct StreamOptionsTests {
  private func options(_ arguments: String...) throws -> [ClientOptions] {
    try StreamOptions.parse(arguments).clientOptions()
  }

  /// What the user is told, and with which exit code.
  private func refusal(_ arguments: [String]) -> (status: MWCCommands.ExitStatus, message: String)?
  {
    do {
      _ = try StreamOptions.parse(arguments).clientOptions()
      return nil
    } catch let failure as CommandFailure {
      return (failure.status, failure.message)
    } catch {
      return (.usage, StreamOptions.message(for: error))
    }
  }

  @Test func defaultsAreThoseOfTheSourceSystem() throws {
    let options = try #require(try options("-u", "ws://localhost:8765").first)
    #expect(options.uri.description == "ws://localhost:8765")
    #expect(options.offersCompression)
    #expect(options.maxMessageBytes == 64 << 20)
    #expect(options.pingInterval == .seconds(30))
    #expect(options.pingTimeout == .seconds(10))
    #expect(options.connectTimeout == .seconds(10))
    #expect(options.reconnect == ReconnectPolicy())
    #expect(options.tls == TLSOptions())
    #expect(options.headers.isEmpty && options.greetings.isEmpty && options.subprotocol == nil)
  }

  @Test func everyFlagArrives() throws {
    let folder = try TemporaryFolder()
    let pem = try folder.write("PEM".utf8, to: "a.pem")
    let message = try folder.write("{\"b\": 2}\n".utf8, to: "message.json")
    let all = try options(
      "-u", "ws://a:1", "--uri", "wss://b/x?y=1", "-H", "X-One: 1", "--header", "X-Two:  2\t",
      "--subprotocol", "p", "--send", "{\"a\": 1}", "--send", "@" + message, "--ca-file", pem,
      "--client-cert", pem, "--client-key", pem, "--no-compression", "--reconnect-interval",
      "250ms", "--max-reconnects", "3", "--ping-interval", "0", "--ping-timeout", "1m",
      "--connect-timeout", "2", "--max-message-size", "1KiB")
    #expect(all.map(\.uri.host) == ["a", "b"])
    for options in all {
      #expect(options.headers.map(\.name) == ["X-One", "X-Two"])
      #expect(options.headers.map(\.value) == ["1", "2"])
      #expect(options.subprotocol == "p")
      #expect(
        options.greetings.map { String(decoding: $0.bytes, as: UTF8.self) }
          == ["{\"a\": 1}", "{\"b\": 2}"])
      #expect(options.tls.caFile == pem && options.tls.certificateFile == pem)
      #expect(options.tls.keyFile == pem && options.tls.verifies)
      #expect(!options.offersCompression)
      #expect(options.reconnect.interval == .milliseconds(250))
      #expect(options.reconnect.maximumAttempts == 3 && options.reconnect.isEnabled)
      #expect(options.pingInterval == nil)
      #expect(options.pingTimeout == .seconds(60) && options.connectTimeout == .seconds(2))
      #expect(options.maxMessageBytes == 1024)
    }
    #expect(try options("-u", "ws://a", "--insecure").first?.tls.verifies == false)
    #expect(try options("-u", "ws://a", "--no-reconnect").first?.reconnect.isEnabled == false)
  }

  @Test func secretsComeFromFiles() throws {
    let folder = try TemporaryFolder()
    let headers = try folder.write("# comment\n\nX-Key: k1 \r\n\tX-Two: v:w\n".utf8, to: "headers")
    let token = try folder.write(" s3cret \nsecond line\n".utf8, to: "token")
    let options = try #require(
      try options("-u", "ws://a", "--header-file", headers, "--token-file", token).first)
    #expect(
      options.headers.map { "\($0.name)=\($0.value)" }
        == ["X-Key=k1", "X-Two=v:w", "Authorization=Bearer s3cret"])
  }

  /// Nothing that may be a secret is repeated in a message.
  @Test(arguments: [
    (["-u", "ws://user:s3cret@"], "--uri: "),
    (["-u", "http://user:s3cret@host"], "--uri: "),
    (["-u", "ws://a", "-u", "s3cret"], "--uri number 2: "),
    (["-u", "ws://a", "-H", "Authorization s3cret"], "--header number 1 is not 'Name: value'"),
    (["-u", "ws://a", "-H", "A: b", "-H", "X: s3cret\r\nY: 1"], "--header number 2 is not"),
    (["-u", "ws://a", "-H", "Sec-WebSocket-Key: s3cret"], "the handshake itself sets"),
    (["-u", "ws://a", "-H", "host: s3cret"], "the handshake itself sets"),
  ])
  func wrongSecretsAreNotRepeated(_ arguments: [String], _ expected: String) throws {
    let failure = try #require(refusal(arguments))
    #expect(failure.status == .usage)
    #expect(failure.message.contains(expected), "\(failure.message)")
    #expect(!failure.message.contains("s3cret"))
  }

  @Test(arguments: [
    ["--client-cert", "x"], ["--client-key", "x"], ["--insecure", "--ca-file", "x"],
    ["--no-reconnect", "--max-reconnects", "2"], ["--max-reconnects", "0"],
    ["--ping-timeout", "0"], ["--connect-timeout", "0s"], ["--max-message-size", "0"],
    ["--max-message-size", "1GiB"], ["--subprotocol", ""], ["--subprotocol", "a\nb"],
    ["--ping-interval", "soon"], ["--reconnect-interval", "-1s"],
  ])
  func contradictionsAreUsageErrors(_ arguments: [String]) throws {
    #expect(try #require(refusal(["-u", "ws://a"] + arguments)).status == .usage)
  }

  @Test(arguments: ["--header-file", "--token-file", "--ca-file"])
  func missingFilesAreNamed(_ option: String) throws {
    let failure = try #require(refusal(["-u", "ws://a", option, "/nonexistent/file"]))
    #expect(failure.status == .noInput)
    #expect(failure.message.hasPrefix("/nonexistent/file: cannot be read for \(option): "))
  }

  @Test func badLinesOfAHeaderFileAreNamedByNumber() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("A: 1\ns3cret\n".utf8, to: "headers")
    let failure = try #require(refusal(["-u", "ws://a", "--header-file", file]))
    #expect(failure.status == .usage)
    #expect(failure.message == "\(file): line 2 is not a header 'Name: value' that may be set")
  }

  @Test func tokenAndAuthorizationHeaderExcludeEachOther() throws {
    let folder = try TemporaryFolder()
    let token = try folder.write("t".utf8, to: "token")
    let failure = try #require(
      refusal(["-u", "ws://a", "-H", "authorization: x", "--token-file", token]))
    #expect(failure.status == .usage)
  }

  @Test func tooLargeAndBinaryFilesAreRefused() throws {
    let folder = try TemporaryFolder()
    let binary = try folder.write([0xFF, 0xFE], to: "binary")
    #expect(refusal(["-u", "ws://a", "--send", "@" + binary])?.status == .noInput)
    #expect(refusal(["-u", "ws://a", "--send", "@/dev/zero"])?.status == .noInput)
  }
}
