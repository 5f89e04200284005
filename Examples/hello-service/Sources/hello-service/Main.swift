import Container
import DatabaseModule
import Host

@main struct HelloService: HostApplication {
  static let name = "hello-service"

  var body: [any ModuleElement] {
    DatabaseModule()
    GreetingsModule()
    HelloModule()
  }
}
