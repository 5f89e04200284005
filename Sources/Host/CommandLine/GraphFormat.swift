internal import Container

/// How `graph` prints.
enum GraphFormat: String, CaseIterable {
  case dot
  case mermaid
  case json
  case html

  func render(_ graph: Graph) -> String {
    switch self {
    case .dot: graph.dot()
    case .mermaid: graph.mermaid()
    case .json: graph.json()
    case .html: graph.html()
    }
  }
}
