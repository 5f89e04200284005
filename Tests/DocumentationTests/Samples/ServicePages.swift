import AppConfiguration
import Container
import ContainerTesting
import DatabaseModule
import DatabaseTesting
import HTTPServer
import Health
import Host
import MetricsTesting
import Migrations
import Postgres
import PrometheusMetrics
import StructuredLogging
import Testing

// What stands in docs/service.md, in its order, and in the pages on testing. The build tool plugin makes
// `embeddedMigrations` in a reader's target.

enum ServicePage {
  struct Shop: HostApplication {
    static let name = "shop"

    var body: [any ModuleElement] {
      DatabaseModule()
      ItemsModule()
      OrdersModule()
    }
  }

  struct ItemsModule: Module {
    var body: [any ModuleElement] {
      Migrations(.shop)
      Supply(ItemsSettings.catalog).grouped()
      Provide(ItemsSettings.init)
      Provide(ItemsMetrics.init)
      Provide(PostgresItems.init(pool:)).as((any Items).self) { $0 }

      Provide { (items: any Items, settings: ItemsSettings) in
        Routes("/items") {
          Route(.get, "/") { request in
            let limit = try request.query["limit", as: Int.self] ?? settings.pageSize
            guard (1...500).contains(limit) else { throw HTTPError(.badRequest, "limit: must be from 1 to 500") }
            return JSON(try await items.all(limit: limit))
          }
          Route(.get, "/:id") { request in
            let id = try request.parameters["id", as: Int.self]
            guard let item = try await items.find(id) else { throw HTTPError(.notFound, "no item \(id)") }
            return JSON(item)
          }
          Route(.post, "/") { request in
            JSON(try await items.add(try request.json()), status: .created)
          }
        }
      }.grouped()

      Provide { (pool: PostgresPool) in
        HealthCheck("stock", isCritical: false) {
          let missing = try await pool.one(
            "SELECT count(*) FROM items WHERE stock = 0", as: Int.self, name: "CountMissing")
          if missing > 100 { throw TooMuchIsSoldOut() }
        }
      }.grouped()

      Run("stock") { (pool: PostgresPool, metrics: ItemsMetrics, settings: ItemsSettings, log: Logger) in
        while true {
          let stock = try await pool.one("SELECT coalesce(sum(stock), 0) FROM items", as: Int.self, name: "CountStock")
          metrics.stock.set(Double(stock))
          log.debug("counted the stock", ["items": .integer(stock)])
          try await Task.sleep(for: settings.countEvery)
        }
      }
      .onFailure(.restart(Backoff(maximum: .seconds(30))))
    }
  }

  enum Currency: String, CaseIterable, Sendable { case eur, usd }

  struct ItemsSettings: Sendable {
    static let pageSize = Setting("items.page_size", default: 50, "How many items a page has.")
      .checked("must be from 1 to 500") { (1...500).contains($0) }
    static let currency = Setting("items.currency", default: Currency.eur, "In what prices are.")
    static let countEvery = Setting("items.count_every", default: Duration.seconds(30), "How often stock is counted.")
    static let key = Setting<Secret<String>?>("items.key", default: nil, "The supplier's key.")
    static let catalog = SettingsCatalog("items", pageSize, currency, countEvery, key)

    let pageSize: Int
    let countEvery: Duration
    let key: Secret<String>?

    init(_ configuration: Configuration) throws {
      pageSize = try configuration(Self.pageSize)
      countEvery = try configuration(Self.countEvery)
      key = try configuration(Self.key)
    }
  }

  struct ItemsMetrics: Sendable {
    let stock: Gauge
    let orders: CounterFamily

    init(_ registry: MetricsRegistry) throws {
      stock = try registry.gauge("shop_stock_items", help: "Items in stock.")
      orders = try registry.counter("shop_orders_total", help: "Orders by how they ended.", labels: ["outcome"])
    }
  }

  struct Item: PostgresRow, Codable {
    var id: Int
    var name: String
    var priceCents: Int
    var stock: Int
  }

  struct NewItem: Codable, Sendable {
    var name: String
    var priceCents: Int
  }

  protocol Items: Sendable {
    func all(limit: Int) async throws -> [Item]
    func find(_ id: Int) async throws -> Item?
    func add(_ item: NewItem) async throws -> Item
  }

  struct PostgresItems: Items {
    let pool: PostgresPool

    func all(limit: Int) async throws -> [Item] {
      try await pool.all("SELECT * FROM items ORDER BY name LIMIT \(limit)", name: "ListItems")
    }

    func find(_ id: Int) async throws -> Item? {
      try await pool.optional("SELECT * FROM items WHERE id = \(id)", name: "GetItem")
    }

    func add(_ item: NewItem) async throws -> Item {
      do {
        return try await pool.one(
          """
          INSERT INTO items (name, price_cents) VALUES (\(item.name), \(item.priceCents)) RETURNING *
          """, name: "AddItem")
      } catch let error as PostgresError where error.sqlState == .uniqueViolation {
        throw HTTPError(.conflict, "there is an item of that name already")
      }
    }
  }

  struct OrdersModule: Module {
    var body: [any ModuleElement] {
      ScopeInput(HTTPRequest.self)
      Provide(Customer.init(of:)).lifetime(.scoped)
      Provide(PlaceOrder.init(customer:pool:metrics:)).lifetime(.scoped)

      Provide { (scopes: ScopeFactory) in
        Route.scoped(.post, "/orders", scopes) { (request: HTTPRequest, placeOrder: PlaceOrder) in
          JSON(["order": try await placeOrder.run(try request.json())], status: .created)
        }
      }.grouped()

      Provide { ServedBy(name: "shop") as any HTTPMiddleware }.grouped()
    }
  }

  struct Customer: Sendable {
    let name: String

    init(of request: HTTPRequest) throws {
      guard let name = request.headers["X-Customer"] else { throw HTTPError(.unauthorized, "who are you?") }
      self.name = name
    }
  }

  struct PlaceOrder: Sendable {
    let customer: Customer
    let pool: PostgresPool
    let metrics: ItemsMetrics

    func run(_ order: NewOrder) async throws -> Int {
      let id = try await pool.transaction(.init(isolation: .serializable), retrying: .serialization) { tx in
        let stock = try await tx.optional("SELECT stock FROM items WHERE id = \(order.item)", as: Int.self)
        guard let stock, stock >= order.quantity else { throw HTTPError(.conflict, "sold out") }
        try await tx.execute("UPDATE items SET stock = stock - \(order.quantity) WHERE id = \(order.item)")
        return try await tx.one(
          """
          INSERT INTO orders (customer, item, quantity) VALUES (\(customer.name), \(order.item), \(order.quantity))
          RETURNING id
          """, as: Int.self, name: "PlaceOrder")
      }
      metrics.orders.with("placed").increment()
      return id
    }
  }

  struct NewOrder: Codable, Sendable {
    var item: Int
    var quantity: Int
  }

  struct ServedBy: HTTPMiddleware {
    let name: String

    func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
      var response = try await next(request)
      response.headers["Server"] = name
      return response
    }
  }

  struct MailModule: Module {
    var body: [any ModuleElement] {
      Provide(Mails.init(pool:))
      Run("mails") { (mails: Mails, log: Logger, shutdown: ShutdownSignal) in
        while !shutdown.isRequested {
          let wasOne = try await mails.next { mail in log.info("sending", ["mail": .integer(mail.id)]) }
          if !wasOne { try await shutdown.sleep(for: .seconds(1)) }
        }
      }
      .onFailure(.restart(Backoff(maximum: .seconds(30))))
      .grace(.seconds(10))
    }
  }

  struct Mails: Sendable {
    let pool: PostgresPool

    func next(_ send: (Mail) async throws -> Void) async throws -> Bool {
      try await pool.transaction { tx in
        let mail = try await tx.optional(
          """
          SELECT id, recipient FROM mails WHERE sent_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
          """, as: Mail.self, name: "TakeMail")
        guard let mail else { return false }
        try await send(mail)
        try await tx.execute("UPDATE mails SET sent_at = now() WHERE id = \(mail.id)", name: "MailSent")
        return true
      }
    }
  }

  struct Mail: PostgresRow, Sendable {
    var id: Int
    var recipient: String
  }

  struct TooMuchIsSoldOut: Error {}
}

extension MigrationSet {
  static let shop = MigrationSet("shop", embeddedMigrations)
}

private let embeddedMigrations = [
  Migration(
    version: 1, title: "items",
    up: .init(
      file: "000001_items.up.sql",
      text: """
        CREATE TABLE public.items (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          name text NOT NULL UNIQUE,
          price_cents integer NOT NULL,
          stock integer NOT NULL DEFAULT 0
        );
        CREATE TABLE public.orders (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          customer text NOT NULL,
          item bigint NOT NULL REFERENCES public.items,
          quantity integer NOT NULL
        );
        CREATE TABLE public.mails (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          recipient text NOT NULL,
          sent_at timestamptz
        );
        """),
    down: .init(
      file: "000001_items.down.sql", text: "DROP TABLE public.mails; DROP TABLE public.orders; DROP TABLE public.items;"
    ))
]

extension DatabaseTemplate {
  static let shop = DatabaseTemplate(migrations: [.shop]) { connection in
    try await connection.execute("INSERT INTO items (name, price_cents, stock) VALUES ('tea', 350, 10)")
  }
}

@Suite struct ServicePageTests {
  private typealias Shop = ServicePage.Shop
  private typealias PostgresItems = ServicePage.PostgresItems
  private typealias NewItem = ServicePage.NewItem
  private typealias NewOrder = ServicePage.NewOrder

  @Test func `the program fits together`() throws {
    try App { Hosted(Shop()) }.validate()
  }

  @Test func `an item that was added is found`() async throws {
    try await withTestDatabase(.shop) { pool in
      let items = PostgresItems(pool: pool)
      let added = try await items.add(NewItem(name: "coffee", priceCents: 420))
      #expect(try await items.find(added.id)?.priceCents == 420)
    }
  }

  @Test func `a page of fewer than no items is refused, and one of all that there are`() async throws {
    try await TestDatabase.with(.shop) { database in
      try await TestApp.run {
        Hosted(Shop(), settings: ["database.url": database.connectionString])
      } test: { app in
        let server = try await app.get(HTTPServer.self)
        #expect(await server.respond(to: HTTPRequest(.get, "/items?limit=1")).status == .ok)
        #expect(await server.respond(to: HTTPRequest(.get, "/items?limit=-1")).status == .badRequest)
        #expect(await server.respond(to: HTTPRequest(.get, "/items?limit=1000000")).status == .badRequest)
      }
    }
  }

  @Test func `a mail that is being sent is passed over, and one that was sent is done`() async throws {
    try await withTestDatabase(.shop) { pool in
      let mails = ServicePage.Mails(pool: pool)
      try await pool.execute("INSERT INTO mails (recipient) VALUES ('ann'), ('bob')")
      let wasOne = try await mails.next { first in
        #expect(first.recipient == "ann")
        let wasAnother = try await mails.next { second in #expect(second.recipient == "bob") }
        #expect(wasAnother)
      }
      #expect(wasOne)
      let isMore = try await mails.next { mail in Issue.record("sent again: \(mail)") }
      #expect(!isMore)
    }
  }

  @Test func `the worker does the jobs that there are`() async throws {
    try await TestDatabase.with(.shop) { database in
      try await database.pool.execute("INSERT INTO mails (recipient) VALUES ('ann')")
      try await TestApp.run {
        Hosted(Mailer(), settings: ["database.url": database.connectionString])
      } test: { _ in
        let deadline = ContinuousClock.now + .seconds(60)
        while try await database.pool.one("SELECT count(*) FROM mails WHERE sent_at IS NULL", as: Int.self) > 0 {
          try #require(ContinuousClock.now < deadline, "the mail is not sent")
          try await Task.sleep(for: .milliseconds(10))
        }
      }
    }
  }

  private struct Mailer: HostApplication {
    var body: [any ModuleElement] {
      DatabaseModule()
      Migrations(.shop)
      ServicePage.MailModule()
    }
  }

  @Test func `an order takes from the stock, and is counted`() async throws {
    try await TestDatabase.with(.shop) { database in
      try await TestApp.run {
        Hosted(Shop(), settings: ["database.url": database.connectionString])
      } test: { app in
        let server = try await app.get(HTTPServer.self)
        let order = try HTTPRequest(
          .post, "/orders", headers: ["X-Customer": "ann"], json: NewOrder(item: 1, quantity: 3))
        #expect(await server.respond(to: order).status == .created)
        #expect(try await database.pool.one("SELECT stock FROM items", as: Int.self) == 7)
        let page = try await app.get(MetricsRegistry.self).page()
        #expect(page.value("shop_orders_total", ["outcome": "placed"]) == 1)
      }
    }
  }

  @Test func `somebody without a name gets 401`() async throws {
    try await TestDatabase.with(.shop) { database in
      try await TestApp.run {
        Hosted(Shop(), settings: ["database.url": database.connectionString])
      } test: { app in
        let server = try await app.get(HTTPServer.self)
        let order = try HTTPRequest(.post, "/orders", json: NewOrder(item: 1, quantity: 3))
        #expect(await server.respond(to: order).status == .unauthorized)
      }
    }
  }
}
