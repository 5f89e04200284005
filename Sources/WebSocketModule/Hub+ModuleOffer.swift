internal import Container

extension Hub: ModuleOffer {
  package static var offeringModule: String { "WebSocketModule()" }
}
