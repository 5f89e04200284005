import PrometheusMetrics
import Testing

@Suite struct NegotiationTests {
  @Test(
    arguments: [
      (nil, .text), ("", .text), ("*/*", .text), ("text/html, */*;q=0.1", .text), ("application/json", .text),
      ("application/openmetrics-text", .openMetrics), ("APPLICATION/OpenMetrics-Text; Version=1.0.0", .openMetrics),
      ("application/openmetrics-text;version=0.0.1", .text), ("application/openmetrics-text;version=2.0.0, */*", .text),
      ("application/openmetrics-text; version=\"1.0.0\"; charset=utf-8,text/plain;q=0.9", .openMetrics),
      ("application/openmetrics-text;q=0.4,text/plain;q=0.5", .text),
      ("application/openmetrics-text;q=0.5 , text/plain ; q=0.5", .openMetrics),
      ("application/openmetrics-text;q=0, */*", .text), ("application/openmetrics-text;q=2", .text),
      ("application/openmetrics-text;q=x,text/plain;q=0.1", .text),
      ("application/openmetrics-text;q=0.3,text/plain;version=1.0.0;q=0.9", .openMetrics),
      ("text/plain;q=0.2, text/*;q=0.9, application/openmetrics-text;q=0.5", .openMetrics),
      // Prometheus 2.42 and 3.0.
      (
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
          + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
      ),
      (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
          + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
          + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2", .openMetrics
      ),
      // curl and a browser.
      ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", .text),
    ] as [(String?, ExpositionFormat)])
  func `the format follows the Accept header`(accept: String?, expected: ExpositionFormat) {
    #expect(ExpositionFormat.negotiate(accept: accept) == expected)
  }

  @Test func `any header gets an answer`() {
    let signs = Array("aq=;,/*.01 \"\t-text/plain")
    for _ in 0..<2000 {
      _ = ExpositionFormat.negotiate(accept: String((0..<30).map { _ in signs[Int.random(in: 0..<signs.count)] }))
    }
  }
}
