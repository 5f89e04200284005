import Container
import HTTPServer

struct HelloModule: Module {
  var body: [any ModuleElement] {
    Provide { (greetings: any Greetings) in
      Route(.get, "/hello/:name") { request in
        let name = try request.parameters["name"]
        let count = try await greetings.greet(name)
        return "Hello, \(name)! We have met \(count == 1 ? "once" : "\(count) times").\n"
      }
    }
    .grouped()
  }
}
