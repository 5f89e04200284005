import Testing

@testable import ResourcePool

@Suite struct ConfigurationTests {
  struct Mistake: Sendable, CustomTestStringConvertible {
    let name: String
    let make: @Sendable (inout PoolConfiguration) -> Void
    var testDescription: String { name }
  }

  static let mistakes = [
    Mistake(name: "maxSize") { $0.maxSize = 0 },
    Mistake(name: "maxSize") { $0.maxSize = .max },
    Mistake(name: "minSize") { $0.minSize = 5 },
    Mistake(name: "minIdle") { $0.minIdle = -1 },
    Mistake(name: "shareLimit") { $0.shareLimit = 0 },
    Mistake(name: "lifetimeJitter") { $0.lifetimeJitter = -0.1 },
    Mistake(name: "lifetimeJitter") { $0.lifetimeJitter = .infinity },
    Mistake(name: "lifetimeJitter") { $0.lifetimeJitter = .nan },
    Mistake(name: "checkAfterIdle") { $0.checkAfterIdle = .seconds(-1) },
    Mistake(name: "shareWindow") { $0.shareWindow = .seconds(-1) },
    Mistake(name: "maxLifetime") { $0.maxLifetime = .zero },
    Mistake(name: "maxIdleTime") { $0.maxIdleTime = .zero },
    Mistake(name: "healthCheckPeriod") { $0.healthCheckPeriod = .zero },
    Mistake(name: "acquireTimeout") { $0.acquireTimeout = .zero },
    Mistake(name: "retryDelay") { $0.retryDelay = .zero },
    Mistake(name: "maxRetryDelay") { $0.maxRetryDelay = .zero },
  ]

  @Test(arguments: mistakes) func `a value that makes no sense is refused by name`(mistake: Mistake) {
    var configuration = PoolConfiguration()
    mistake.make(&configuration)
    let error = #expect(throws: PoolError.self) { try configuration.validate() }
    #expect(error?.code == .invalidConfiguration)
    #expect(error?.message.hasPrefix("pool configuration: \(mistake.name) must ") == true)
  }

  @Test func `the defaults make sense`() throws {
    try PoolConfiguration().validate()
  }

  @Test func `the longest durations there are overflow nothing`() throws {
    let forever = Duration.seconds(Int64.max)
    let pool = try Script.started(random: 0.999) {
      $0.maxSize = 2
      $0.maxLifetime = forever
      $0.lifetimeJitter = 1
      $0.maxIdleTime = forever
      $0.healthCheckPeriod = forever
      $0.checkAfterIdle = forever
      $0.retryDelay = forever
      $0.maxRetryDelay = forever
    }
    _ = pool.leaseNow()
    pool.wait("a", timeout: forever)
    pool.makingFailed()
    #expect(pool.machine.nextDeadline != nil)
    pool.timerFired()
    #expect(pool.failures.isEmpty)
  }
}
