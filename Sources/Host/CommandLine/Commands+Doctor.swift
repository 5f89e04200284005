internal import AppConfiguration
internal import Container
internal import DatabaseModule
internal import EventLoop
internal import FoundationEssentials
internal import HTTPServer
internal import Migrations
internal import Postgres
internal import StructuredLogging

extension Commands {
  /// `doctor`: looks at everything that a start needs, one finding after the other, and goes on as far as it can.
  func doctor(_ command: ParsedCommand, _ catalogs: [SettingsCatalog]) async throws -> ExitCode {
    var replicas = 1
    if let text = command.value(of: CommandSpec.replicas) {
      guard let number = Int(text), number > 0 else {
        throw UsageError(description: "--replicas wants a number from 1 up, not \(text.asArgument)")
      }
      replicas = number
    }
    let findings = try await examine(command, catalogs, replicas)
    console.write(command.has(CommandSpec.json) ? try json(findings) : report(findings))
    return findings.contains { $0.grade == .failure } ? .failure : .success
  }

  private func examine(
    _ command: ParsedCommand, _ catalogs: [SettingsCatalog], _ replicas: Int
  ) async throws -> [Finding] {
    let configuration: Configuration
    do {
      configuration = try self.configuration(command, catalogs)
      try configuration.checkIsComplete(catalogs)
      _ = try HostSettings(configuration)
    } catch let error as UsageError {
      throw error
    } catch {
      return [.failure("configuration", "\(error)", "mend it; \(Application.name) config check says the same")]
    }
    let set = try configuration.effective(catalogs).filter { $0.source != .default }
    var findings = [Finding.ok("configuration", "\(set.count) settings differ from their defaults")]
    findings += configuration.misspelledVariables(catalogs).map {
      .warning("configuration", "\($0)", "rename it, or leave it if it is another program's")
    }
    findings += try addresses(configuration)
    findings.append(try descriptors(configuration))

    do {
      let whole = app(configuration, logger: .none)
      let report = try whole.validate()
      let graph = whole.graph
      findings.append(
        .ok(
          "graph", "\(graph.nodes.count) elements in \(graph.modules.count - 1) modules, \(report.unused.count) unused")
      )
      findings += report.notes.map { .warning("graph", $0, "\(Application.name) graph --check says the same") }
    } catch {
      return findings + [.failure("graph", "\(error)", "mend the modules; no constructor has run yet")]
    }
    guard catalogs.contains(where: { $0.settings.contains { $0.path == DatabaseSettings.url.path } }) else {
      // An app without a database.
      return findings
    }
    do {
      _ = try DatabaseSettings(configuration)
    } catch {
      return findings + [.failure("database", "\(error)", "mend it; \(Application.name) config check says the same")]
    }
    if try configuration(DatabaseSettings.url) == nil {
      let folder = try configuration(DatabaseSettings.dataDirectory)
      guard FileManager.default.fileExists(atPath: folder) else {
        return findings + [.ok("database", "none is configured; serve makes a private one in \(folder)")]
      }
    }
    // Looking is fine beside a program that serves.
    let app = app(configuration, logger: .none, onDemand: true) { Supply(EmbeddedServerSharing()) }
    try await app.start()
    findings += await database(app, configuration, replicas)
    try? await app.stop()
    return findings
  }

  private func addresses(_ configuration: Configuration) throws -> [Finding] {
    let settings = try HostSettings(configuration)
    let admin = settings.adminHTTP.map { [address($0.address, HostSettings.adminListen.path)] }
    return [address(settings.http.address, HostSettings.listen.path)] + (admin ?? [])
  }

  private func descriptors(_ configuration: Configuration) throws -> Finding {
    let limit = DescriptorLimit.raised()
    let wanted = try configuration(HostSettings.maxConnections)
    guard limit.clients < wanted else { return .ok("descriptors", "enough for \(wanted) clients") }
    return .warning(
      "descriptors", "\(limit.count) are allowed, which is enough for \(limit.clients) clients, not \(wanted)",
      "raise the hard limit (LimitNOFILE in a unit, ulimit -Hn in a shell), or lower \(HostSettings.maxConnections.path)"
    )
  }

  private func address(_ address: HTTPServerAddress, _ setting: String) -> Finding {
    do {
      try address.checkAvailable()
      return .ok("address", "\(address) is free to listen on")
    } catch  where error.code == .addressInUse {
      return .warning(
        "address", "something listens on \(address) already",
        "if it is not \(Application.name) itself, stop it or set \(setting)")
    } catch {
      return .failure("address", error.description, "set \(setting)")
    }
  }

  private func database(_ app: App, _ configuration: Configuration, _ replicas: Int) async -> [Finding] {
    do {
      let settings: DatabaseSettings = try await app.get()
      let server: DatabaseServer = try await app.get()
      let doctor = DatabaseDoctor(
        program: Application.name, server: server, loop: try await app.get(), pool: try settings.pool(server.options),
        replicas: replicas, logsParameters: try configuration(DatabaseSettings.logParameters) == .full)
      let findings = await doctor.examine()
      guard !findings.contains(where: { $0.subject == "connection" && $0.grade == .failure }) else { return findings }
      return findings + (await doctor.schema(try await app.get()))
    } catch {
      let cause = (error as? ContainerError)?.cause ?? error
      let isPrivate = try? configuration(DatabaseSettings.url) == nil
      return [
        .failure(
          "database", "\(cause)",
          isPrivate == true
            ? "mend what is in its way, or name a server in database.url"
            : "mend database.url, or leave it out for the private server")
      ]
    }
  }

  private func report(_ findings: [Finding]) -> String {
    let width = findings.map(\.subject.count).max() ?? 0
    let lines = findings.flatMap { finding -> [String] in
      let mark =
        switch finding.grade {
        case .ok: "ok      "
        case .warning: "warning "
        case .failure: "FAILED  "
        }
      let subject = finding.subject + String(repeating: " ", count: width - finding.subject.count)
      let indent = String(repeating: " ", count: mark.count + width + 2)
      let text = finding.text.split(separator: "\n").joined(separator: "\n" + indent)
      return ["\(mark)\(subject)  \(text)"] + (finding.remedy.map { ["\(indent)→ \($0)"] } ?? [])
    }
    let failures = findings.count { $0.grade == .failure }
    let warnings = findings.count { $0.grade == .warning }
    let sum =
      failures > 0
      ? "\(failures) to mend, \(warnings) to think about" : warnings > 0 ? "sound; \(warnings) to think about" : "sound"
    return (lines + ["", sum]).joined(separator: "\n")
  }

  private func json(_ findings: [Finding]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(findings), as: UTF8.self)
  }
}
